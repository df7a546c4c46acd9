/* SPDX-License-Identifier: Apache-2.0
 *
 * The command after `--`: waits to be told, runs as the caller would have run it, says why it
 * could not be run.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/base/fd.h"
#include "agent/cmd/command.h"

static char sh[] = "/bin/sh", dash_c[] = "-c";

static int run(char *script)
{
	char *argv[] = {sh, dash_c, script, NULL};
	struct command c;
	int status;

	assert_int_equal(command_fork(argv, &c), 0);
	assert_int_equal(command_go(&c), 0);
	assert_int_equal(c.go_fd, -1);
	assert_int_equal(c.failed_fd, -1);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	return command_status(status);
}

static void test_status(void **state)
{
	char ok[] = "exit 0", three[] = "exit 3", killed[] = "kill -TERM $$";

	assert_int_equal(run(ok), 0);
	assert_int_equal(run(three), 3);
	assert_int_equal(run(killed), 128 + SIGTERM);
}

static void test_waits(void **state)
{
	char script[] = "exit 0", *argv[] = {sh, dash_c, script, NULL};
	struct command c;
	int status;

	assert_int_equal(command_fork(argv, &c), 0);
	usleep(20000);
	assert_int_equal(waitpid(c.pid, &status, WNOHANG), 0);
	command_abandon(&c);
	assert_int_equal(c.pid, 0);
}

static int failure(char *name)
{
	char *argv[] = {name, NULL};
	struct command c;
	int r;

	assert_int_equal(command_fork(argv, &c), 0);
	r = command_go(&c);
	command_abandon(&c);
	return r;
}

static void test_cannot_run(void **state)
{
	char absent[] = "pmuscope-no-such-command", folder[] = "/tmp", text[] = "/etc/passwd";
	char *none[] = {NULL};
	struct command c;

	assert_int_equal(failure(absent), -ENOENT);
	assert_int_equal(failure(folder), -EACCES);
	assert_int_equal(failure(text), -EACCES);
	assert_int_equal(command_fork(none, &c), -EINVAL);
	assert_int_equal(command_exec_status(ENOENT), 127);
	assert_int_equal(command_exec_status(-ENOENT), 127);
	assert_int_equal(command_exec_status(EACCES), 126);
	assert_int_equal(command_exec_status(-ENOEXEC), 126);
}

static void test_killed_while_waiting(void **state)
{
	char script[] = "exit 0", *argv[] = {sh, dash_c, script, NULL};
	struct command c;
	siginfo_t info;

	assert_int_equal(command_fork(argv, &c), 0);
	kill(c.pid, SIGKILL);
	waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT);
	assert_int_equal(command_go(&c), -ESRCH); /* and no SIGPIPE */
	command_abandon(&c);
}

/* It must not outlive one that dies before it says go. */
static void test_parent_dies(void **state)
{
	char script[] = "exit 0", *argv[] = {sh, dash_c, script, NULL};
	int report[2];
	pid_t pid, waiting = 0;

	assert_int_equal(pipe(report), 0);
	pid = fork();
	if (pid == 0) {
		struct command c;
		if (command_fork(argv, &c) == 0)
			(void)!write(report[1], &c.pid, sizeof(c.pid));
		raise(SIGKILL);
	}
	close(report[1]);
	assert_int_equal(read(report[0], &waiting, sizeof(waiting)), sizeof(waiting));
	waitpid(pid, NULL, 0);
	/* The pipe's other end is held by the waiting command alone: its end is its death. */
	assert_int_equal(read(report[0], &waiting, 1), 0);
	close(report[0]);
}

/* Mask, dispositions, limits and descriptors are the caller's: forked before, not told after. */
static int run_changed(char *const argv[])
{
	struct rlimit before, limit;
	sigset_t set, old;
	struct command c;
	int status, ours = open("/dev/null", O_RDONLY | O_CLOEXEC);

	getrlimit(RLIMIT_NOFILE, &before);
	limit = (struct rlimit){.rlim_cur = 77, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &limit);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_SETMASK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(command_fork(argv, &c), 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(command_go(&c), 0);
	assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
	fd_close(&ours);
	return command_status(status);
}

static void test_as_the_caller(void **state)
{
	char grep[] = "grep", pqz[] = "-Pqz", self[] = "/proc/self/status",
	     signals[] = "SigBlk:\\s0+800\\nSigIgn:\\s\\w*[13579bdf]\\w{3}\\n";
	char script[] = "[ $(ulimit -n) = 77 ] || exit 3;"
			"for f in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$f ] || exit 4; done";
	char *look[] = {grep, pqz, signals, self, NULL}, *shell[] = {sh, dash_c, script, NULL};

	assert_int_equal(run_changed(look), 0);
	assert_int_equal(run_changed(shell), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_cannot_run),
		cmocka_unit_test(test_killed_while_waiting),
		cmocka_unit_test(test_parent_dies),
		cmocka_unit_test(test_as_the_caller),
	};

	setenv("PATH", "/usr/bin:/bin", 1);
	close_range(3, ~0U, 0); /* whatever started us may have left something open */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
