/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/doctor.h"

#include "agent/base/log.h"
#include "agent/cmd/findings.h"
#include "pmu/hints.h"
#include "pmu/roots.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_FOUND = 1, EXIT_USAGE = 125 };

static const char help[] =
	"usage: pmuscope doctor [PID]\n"
	"\n"
	"Says what this user can do on this machine now (found by opening events), what is in the\n"
	"way, and the command that mends it. With PID: whether that process can be looked into, and\n"
	"what its names need. Changes nothing.\n"
	"\n"
	"  --hints   every command that pmuscope may tell you to type, one a line\n"
	"\n"
	"Exit status: 0; 1 when a line says FAIL; 125 wrong usage.\n";

static int print_hints(void)
{
#define PRINT(format, ...) printf(format "\n", ##__VA_ARGS__);
	HINTS(PRINT)
#undef PRINT
	return 0;
}

static int examine(int pid)
{
	struct findings f;
	int status;

	findings_init(&f);
	check_abilities(&f);
	check_limits(&f);
	check_names(&f);
	if (pid)
		check_process(&f, pid);
	findings_print(&f);
	status = f.failed ? EXIT_FOUND : 0;
	findings_free(&f);
	return fflush(stdout) ? EXIT_USAGE : status;
}

int cmd_doctor(int argc, char **argv)
{
	uint64_t pid = 0;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(help, stdout);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--hints"))
		return print_hints();
	if (argc > 2) {
		log_error("doctor takes one process id: pmuscope doctor [PID]");
		return EXIT_USAGE;
	}
	if (argc == 2 && (!text_u64(argv[1], &pid) || !pid || pid > INT32_MAX)) {
		log_error("'%s' is not a process id: pmuscope doctor [PID]", argv[1]);
		return EXIT_USAGE;
	}
	return examine((int)pid);
}
