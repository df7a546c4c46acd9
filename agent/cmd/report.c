/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/base/confine.h"
#include "agent/base/log.h"
#include "agent/cmd/recorded.h"
#include "agent/cmd/recording.h"
#include "agent/helpers/spawn.h"

/* Runs `pmuscope-exporter SUBCOMMAND …` in our place. */
static int become_exporter(int exe, int argc, char **argv)
{
	char **args = calloc((size_t)argc + 2, sizeof(*args));
	extern char **environ;
	int e = args ? confine_become(getuid(), getgid(), NULL, 0) : -ENOMEM;

	if (!e) {
		args[0] = (char *)"pmuscope-exporter";
		memcpy(args + 1, argv, (size_t)argc * sizeof(*args));
		execveat(exe, "", args, environ, AT_EMPTY_PATH);
		e = -errno;
	}
	log_error("cannot run pmuscope-exporter: %s (it belongs beside pmuscope or into %s)",
		  strerror(-e), PMUSCOPE_LIBEXEC);
	free(args);
	return EXIT_FAILED;
}

/* Which of the words is a recording; 0: none. */
static int find_recording(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if ((argv[i][0] != '-' || !argv[i][1]) && recorded_is(argv[i]))
			return i;
	return 0;
}

/* Takes our own options out of the words: how many are left, or -EINVAL. */
static int take_options(int argc, char **argv, struct recorded *r)
{
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		const char *value = NULL;

		if (!strcmp(argv[i], "-q")) {
			r->quiet = true;
			continue;
		}
		if (!strncmp(argv[i], "--symfs=", 8))
			value = argv[i] + 8;
		else if (!strncmp(argv[i], "--sysroot=", 10))
			value = argv[i] + 10;
		else if (!strcmp(argv[i], "--symfs") || !strcmp(argv[i], "--sysroot"))
			value = argv[++i]; /* NULL behind the last one */
		else
			argv[kept++] = argv[i];
		if (i >= argc)
			return -EINVAL;
		r->root = value ? value : r->root;
	}
	return kept;
}

/* The profile goes to the exporter as its standard input. */
static int profile_of(struct recorded *r)
{
	int status;

	r->memory = memfd_create("profile", MFD_CLOEXEC);
	if (r->memory < 0) {
		log_error("report: no memory file: %s", strerror(errno));
		return EXIT_FAILED;
	}
	status = recorded_run(r);
	if (!status && (lseek(r->memory, 0, SEEK_SET) < 0 || dup2(r->memory, STDIN_FILENO) < 0)) {
		log_error("report: %s", strerror(errno));
		status = EXIT_FAILED;
	}
	return status;
}

int cmd_report(int argc, char **argv)
{
	static struct recorded rec; /* large, and there is one */
	int exe = -1, status, at = find_recording(argc, argv), e = spawn_find("pmuscope-exporter", &exe);

	if (e) {
		log_error("cannot find pmuscope-exporter: %s (it belongs beside pmuscope or into %s)",
			  strerror(-e), PMUSCOPE_LIBEXEC);
		return EXIT_FAILED;
	}
	if (!at)
		return become_exporter(exe, argc, argv);
	rec.file = argv[at];
	argv[at] = (char *)"-";
	argc = take_options(argc, argv, &rec);
	if (argc < 0) {
		log_error("report: a folder is missing after --symfs");
		return EXIT_FAILED;
	}
	status = profile_of(&rec);
	return status ? status : become_exporter(exe, argc, argv);
}
