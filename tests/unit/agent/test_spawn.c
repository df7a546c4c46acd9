/* SPDX-License-Identifier: Apache-2.0
 *
 * What a helper program is started with, as the helper sees it: this program starts itself.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/helpers/children.h"
#include "agent/helpers/spawn.h"

static const char helper_name[] = "spawned-helper";

/* ---- the helper ---- */

static void say_status(const char *field)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			dprintf(3, "%s", line);
	if (f)
		fclose(f);
}

static int helper(void)
{
	struct stat null, in, out;
	char byte;

	stat("/dev/null", &null);
	fstat(0, &in);
	fstat(1, &out);
	say_status("Sig");
	say_status("Cap");
	say_status("NoNewPrivs");
	dprintf(3, "null %d\n", in.st_rdev == null.st_rdev && out.st_rdev == null.st_rdev);
	for (int fd = 4; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			dprintf(3, "descriptor %d\n", fd);
	dprintf(3, "leader %d\n", getpgrp() == getpid());
	for (char **e = environ; *e; e++)
		dprintf(3, "env %s\n", *e);
	dprintf(3, "end\n");
	return read(3, &byte, 1) == 0 ? 7 : 8; /* until the other end is closed */
}

/* ---- the starter ---- */

static int self_exe(void)
{
	int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void start(int exe, pid_t *pid, char *text, size_t size)
{
	int sock;
	size_t n = 0;

	assert_int_equal(spawn_start(exe, helper_name, pid, &sock), 0);
	assert_true(fcntl(sock, F_GETFD) & FD_CLOEXEC);
	while (n < size - 1 && !(n > 4 && !memcmp(text + n - 4, "end\n", 4))) {
		ssize_t got = read(sock, text + n, size - 1 - n);
		assert_true(got > 0);
		n += (size_t)got;
	}
	text[n] = '\0';
	close(sock);
}

static void expect(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no '%s' in:\n%s", line, text);
}

/* 32 and 33 are the C library's own: it lets nobody set them, whoever started us. */
static void expect_no_signals(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	assert_non_null(at);
	assert_int_equal(strtoull(at + strlen(line), NULL, 16) & ~UINT64_C(0x180000000), 0);
}

static void expect_not(const char *text, const char *line)
{
	if (strstr(text, line))
		fail_msg("'%s' in:\n%s", line, text);
}

static void on_signal(int sig)
{
}

static void test_started_with(void **state)
{
	int exe = self_exe(), leak = open("/dev/null", O_RDONLY), status;
	sigset_t set, old, now;
	char text[8192];
	pid_t pid;

	setenv("SECRET", "x", 1);
	setenv("LD_PRELOAD", "", 1);
	setenv("UBSAN_OPTIONS", "halt_on_error=1", 1);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, on_signal);
	start(exe, &pid, text, sizeof(text));
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_true(sigismember(&now, SIGUSR1)); /* ours are as they were */
	assert_true(signal(SIGUSR1, SIG_DFL) == on_signal);
	assert_true(signal(SIGPIPE, SIG_DFL) == SIG_IGN);
	sigprocmask(SIG_SETMASK, &old, NULL);
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 7);

	expect(text, "SigBlk:\t0000000000000000\n");
	expect_no_signals(text, "SigIgn:\t");
	expect(text, "CapInh:\t0000000000000000\n");
	expect(text, "CapPrm:\t0000000000000000\n"); /* as root, too */
	expect(text, "CapEff:\t0000000000000000\n");
	expect(text, "CapAmb:\t0000000000000000\n");
	expect(text, "NoNewPrivs:\t1\n");
	expect(text, "null 1\n");
	expect(text, "leader 1\n");
	expect(text, "env LANG=C.UTF-8\n");
	expect(text, "env UBSAN_OPTIONS=halt_on_error=1\n");
	expect_not(text, "descriptor");
	expect_not(text, "SECRET");
	expect_not(text, "LD_PRELOAD");
	unsetenv("LD_PRELOAD");
	fd_close(&leak);
	fd_close(&exe);
}

static void test_without_standard_descriptors(void **state)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int exe = open("/proc/self/exe", O_PATH | O_CLOEXEC), sock;
		char text[4096] = "";
		pid_t h;
		close(0);
		close(1);
		dup2(exe, 3);
		if (spawn_start(3, helper_name, &h, &sock))
			_exit(1);
		for (size_t n = 0; !strstr(text, "end\n");) {
			ssize_t got = read(sock, text + n, sizeof(text) - 1 - n);
			if (got <= 0)
				_exit(2);
			n += (size_t)got;
		}
		_exit(strstr(text, "null 1\n") && !strstr(text, "descriptor") ? 0 : 3);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void test_cannot_start(void **state)
{
	int text = open("/etc/passwd", O_PATH | O_CLOEXEC), exe = -1, sock = -1;
	pid_t pid = -1;

	assert_int_equal(spawn_start(text, helper_name, &pid, &sock), -EACCES);
	assert_int_equal(sock, -1);
	assert_int_equal(pid, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left to reap */
	assert_int_equal(spawn_find("pmuscope-no-such-helper", &exe), -ENOENT);
	assert_int_equal(spawn_find("test_spawn", &exe), 0); /* beside us */
	fd_close(&exe);
	fd_close(&text);
}

/* One that does not leave is killed, one that hangs is not waited for. */
static void test_end(void **state)
{
	uint64_t begin = clock_mono();
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_true(child_end(pid, 1000));
	pid = fork();
	if (pid == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	assert_false(child_reap(pid));
	assert_true(child_end(pid, 20));
	assert_true(child_reap(pid)); /* no such child any more */
	assert_true(clock_mono() - begin < NS_PER_S);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_started_with),
		cmocka_unit_test(test_without_standard_descriptors),
		cmocka_unit_test(test_cannot_start),
		cmocka_unit_test(test_end),
	};

	if (!strcmp(argv[0], helper_name))
		return helper();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
