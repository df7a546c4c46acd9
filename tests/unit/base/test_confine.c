/* SPDX-License-Identifier: Apache-2.0
 *
 * Each case runs in a child process, since what is given up is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/confine.h"

enum { NOBODY = 65534 };

/* The child's result: 0, the line of the first CHECK that failed, or 128 + a signal. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static uint64_t status_hex(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long long v = UINT64_MAX;
	char line[256];
	size_t n = strlen(name);

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, n) && line[n] == ':')
			v = strtoull(line + n + 1, NULL, 16);
	if (f)
		fclose(f);
	return v;
}

static int become_nobody(void)
{
	static const int keep[] = {CAP_PERFMON, CAP_SYS_PTRACE, CAP_IPC_LOCK};
	uint64_t want = UINT64_C(1) << CAP_PERFMON | 1 << CAP_SYS_PTRACE | 1 << CAP_IPC_LOCK;
	uid_t r, e, s;
	gid_t rg, eg, sg;

	want &= status_hex("CapPrm");
	CHECK(want);
	CHECK(confine_become(NOBODY, NOBODY, keep, 3) == 0);
	CHECK(!getresuid(&r, &e, &s) && r == NOBODY && e == NOBODY && s == NOBODY);
	CHECK(!getresgid(&rg, &eg, &sg) && rg == NOBODY && eg == NOBODY && sg == NOBODY);
	CHECK(getgroups(0, NULL) == 0);
	CHECK(status_hex("CapPrm") == want && status_hex("CapEff") == want);
	CHECK(status_hex("CapInh") == 0 && status_hex("CapAmb") == 0 && status_hex("CapBnd") == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(confine_has(CAP_SYS_PTRACE) && !confine_has(CAP_SETUID) && !confine_has(CAP_SYS_ADMIN));
	CHECK(setuid(0) < 0 && setgid(0) < 0);
	CHECK(open("/etc/shadow", O_RDONLY) < 0);
	/* Once more, as a process does that gives up the rest later. */
	CHECK(confine_become(NOBODY, NOBODY, NULL, 0) == 0);
	CHECK(status_hex("CapPrm") == 0);
	return 0;
}

static int drop_as_root(void)
{
	CHECK(confine_become(0, 0, NULL, 0) == 0);
	CHECK(status_hex("CapPrm") == 0 && status_hex("CapEff") == 0 && status_hex("CapBnd") == 0);
	CHECK(getuid() == 0);
	CHECK(confine_become(NOBODY, NOBODY, NULL, 0) == -EPERM);
	return 0;
}

/* An ordinary user: nothing to change, and nothing that goes wrong. */
static int ordinary_user(void)
{
	static const int keep[] = {CAP_PERFMON};

	CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
	CHECK(confine_become(NOBODY, NOBODY, keep, 1) == 0);
	CHECK(status_hex("CapPrm") == 0 && status_hex("CapEff") == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(confine_become(0, 0, NULL, 0) == -EPERM);
	return 0;
}

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), r = fd >= 0 && write(fd, text, strlen(text)) > 0 ? 0 : -1;

	close(fd);
	return r;
}

/* Root of a user namespace with one uid, where setgroups(2) is denied: the present ids work, an
 * id that is not mapped fails closed. */
static int namespace_root(void)
{
	static const int keep[] = {CAP_SYS_PTRACE};

	CHECK(write_to("/proc/self/setgroups", "deny") == 0);
	CHECK(write_to("/proc/self/uid_map", "0 0 1") == 0);
	CHECK(write_to("/proc/self/gid_map", "0 0 1") == 0);
	CHECK(confine_become(NOBODY, NOBODY, keep, 1) < 0);
	CHECK(confine_become(0, 0, keep, 1) == 0);
	CHECK(status_hex("CapEff") == UINT64_C(1) << CAP_SYS_PTRACE);
	return 0;
}

static int in_namespace(void)
{
	return unshare(CLONE_NEWUSER) ? 77 : namespace_root();
}

static const char *const few_calls[] = {"exit_group", "getpid",	    "write",
					"rt_sigreturn", "no_such_call", "fstat"};
static const char *const refused_calls[] = {"mkdirat", "also_no_such_call"};

static int refuses(void)
{
	if (confine_syscalls(few_calls, 6, refused_calls, 2))
		return 1;
	return mkdirat(AT_FDCWD, "/", 0) == -1 && errno == ENOENT && getpid() > 0 ? 0 : 2;
}

static int kills(void)
{
	if (confine_syscalls(few_calls, 6, refused_calls, 2))
		return 1;
	socket(AF_INET, SOCK_STREAM, 0);
	return 2;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void test_become_nobody(void **state)
{
	need_root();
	assert_int_equal(in_child(become_nobody), 0);
}

static void test_drop_as_root(void **state)
{
	need_root();
	assert_int_equal(in_child(drop_as_root), 0);
}

static void test_ordinary_user(void **state)
{
	need_root();
	assert_int_equal(in_child(ordinary_user), 0);
}

static void test_namespace_root(void **state)
{
	int r = in_child(in_namespace);

	need_root();
	if (r == 77)
		skip();
	assert_int_equal(r, 0);
}

static void test_refused_calls(void **state)
{
	assert_int_equal(in_child(refuses), 0);
}

static void test_other_calls_kill(void **state)
{
	assert_int_equal(in_child(kills), 128 + SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_become_nobody),  cmocka_unit_test(test_drop_as_root),
		cmocka_unit_test(test_ordinary_user),  cmocka_unit_test(test_namespace_root),
		cmocka_unit_test(test_refused_calls),  cmocka_unit_test(test_other_calls_kill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
