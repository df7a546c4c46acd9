/* SPDX-License-Identifier: Apache-2.0
 *
 * The command after `--`: forked before pmuscope changes its own ids, capabilities, limits or
 * signal mask, so that it runs exactly as the caller would have run it; it waits until told, then
 * execs.
 */
#ifndef AGENT_CMD_COMMAND_H
#define AGENT_CMD_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command {
	pid_t pid;
	int go_fd;     /* a byte written here starts it */
	int failed_fd; /* carries errno when exec fails; end of file when it worked */
};

int command_fork(char *const argv[], struct command *ret); /* 0 or -errno */
/* Starts it: 0, or the -errno of execvp (-ENOENT, -EACCES, …); -ESRCH when it was killed while it
 * waited. After an error command_abandon() reaps it. */
int command_go(struct command *c);
/* Ends and reaps a command that was never started; `pid` becomes 0. */
void command_abandon(struct command *c);
/* The exit status as a shell shows it (128 + signal) from waitpid's; 126, 127 for exec's errno. */
int command_status(int wait_status);
int command_exec_status(int err); /* errno or -errno */

#endif
