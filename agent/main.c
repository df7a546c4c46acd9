/* SPDX-License-Identifier: Apache-2.0
 *
 * pmuscope: the command that people type. Subcommands that need the kernel are functions here;
 * those over finished profiles live in pmuscope-exporter, which is executed without any right.
 */
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/cmd/convert.h"
#include "agent/cmd/doctor.h"
#include "agent/cmd/list.h"
#include "agent/cmd/record.h"
#include "agent/cmd/recording.h"
#include "agent/cmd/report.h"

static const struct {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *help;
} subcommands[] = {
	{"record", cmd_record, "sample a command, processes, a cgroup or the machine into a profile"},
	{"report", cmd_report, "print the functions of a profile or of a recording of perf"},
	{"convert", cmd_convert, "turn a recording of perf into a profile"},
	{"list", cmd_list, "events that this machine can open"},
	{"doctor", cmd_doctor, "what this machine and user can do, and what mends the rest"},
};
enum { N_SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

static void usage(FILE *to)
{
	fprintf(to, "usage: pmuscope SUBCOMMAND [options]\n\n");
	for (size_t i = 0; i < N_SUBCOMMANDS; i++)
		fprintf(to, "  %-8s  %s\n", subcommands[i].name, subcommands[i].help);
	fprintf(to, "\n`pmuscope SUBCOMMAND --help` tells more; pmuscope --version, --help.\n");
}

static int unknown(const char *word)
{
	log_error("there is no subcommand '%s'", word);
	usage(stderr);
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_FAILED;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("pmuscope %s\n", PMUSCOPE_VERSION);
		return 0;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return 0;
	}
	for (size_t i = 0; i < N_SUBCOMMANDS; i++)
		if (!strcmp(argv[1], subcommands[i].name))
			return subcommands[i].fn(argc - 1, argv + 1);
	return unknown(argv[1]);
}
