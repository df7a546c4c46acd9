/* SPDX-License-Identifier: Apache-2.0
 *
 * pmuscope-exporter: writes the collector's profiles, and runs the commands over finished ones. It
 * needs no right but the descriptors it is given (serve) or what the caller may open (the rest).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/base/log.h"
#include "exporters/report.h"
#include "exporters/serve.h"

enum { EXIT_FAILED = 125 };

static const struct command {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"report", report_main, "print the functions of a profile"},
	{"serve", serve_main, "write profiles for pmuscope, which starts this by itself"},
};

enum { N_COMMANDS = sizeof(commands) / sizeof(*commands) };

static int usage(FILE *to)
{
	fputs("usage: pmuscope-exporter COMMAND … (a part of pmuscope, which runs it)\n", to);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
	return 0;
}

/* The collector starts us with a socket and no words. */
static bool is_helper(void)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(SERVE_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

int main(int argc, char **argv)
{
	if (argc < 2 && is_helper())
		return serve_main(argc, argv);
	for (size_t i = 0; argc > 1 && i < N_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].fn(argc - 1, argv + 1);
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout);
	if (argc > 1)
		log_error("no command %s (report)", argv[1]);
	else
		usage(stderr);
	return EXIT_FAILED;
}
