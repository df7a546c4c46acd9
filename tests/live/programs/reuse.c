/* SPDX-License-Identifier: Apache-2.0
 *
 * reuse ROUNDS COMMAND ARG COMMAND ARG: runs the two commands by turns, all of them under the same
 * process id, which is written to standard output. Each has ended before the next one starts.
 */
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t spawn(pid_t *wanted, char **command)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	char *argv[] = {command[0], command[1], NULL};
	pid_t pid;

	if (*wanted) {
		args.set_tid = (uintptr_t)wanted;
		args.set_tid_size = 1;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	pid_t pid = 0;

	if (argc != 6)
		return 2;
	for (int i = 0; i < 2 * atoi(argv[1]); i++) {
		pid_t now = spawn(&pid, argv + 2 + 2 * (i % 2));
		int status;
		if (now < 0)
			return perror("reuse: clone3"), 1;
		if (!pid)
			printf("%d\n", now);
		fflush(stdout);
		pid = now;
		if (waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	return 0;
}
