/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/helpers/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/fd.h"
#include "agent/helpers/effective.h"

enum { HELPER_SOCK = 3, ENV_MAX = 8 };

static int open_in(const char *dir, const char *name)
{
	char path[4096];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A copy of pmuscope that somebody links into a folder of his own brings his helpers; they get no
 * rights that he has not got. */
int spawn_find(const char *name, int *ret_exe)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = n > 0 ? memrchr(self, '/', (size_t)n) : NULL;
	int fd = -ENOENT;

	if (slash) {
		*slash = '\0';
		fd = open_in(self, name);
	}
	if (fd < 0)
		fd = open_in(PMUSCOPE_LIBEXEC, name);
	if (fd < 0)
		return fd;
	*ret_exe = fd;
	return 0;
}

struct start {
	int exe, sock, null;
	char *const *argv, *const *envp;
	volatile int err;
};

static void default_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Runs on our memory until the exec (vfork(2)), since posix_spawn(3) can neither set no_new_privs nor
 * start a descriptor: system calls only. All three descriptors are above
 * that of the socket by now, so nothing is overwritten here. */
static void child(struct start *s)
{
	default_signals();
	setpgid(0, 0);
	if (dup2(s->null, STDIN_FILENO) < 0 || dup2(s->null, STDOUT_FILENO) < 0 ||
	    dup2(s->sock, HELPER_SOCK) < 0 ||
	    close_range(HELPER_SOCK + 1, ~0U, CLOSE_RANGE_CLOEXEC) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) && errno != EINVAL))
		s->err = errno;
	else if ((s->err = -effective_give_up(0)) == 0) {
		syscall(SYS_execveat, s->exe, "", s->argv, s->envp, AT_EMPTY_PATH);
		s->err = errno;
	}
	_exit(127);
}

/* No handler of ours may run in the child, which shares our memory. */
static int vfork_child(struct start *s, pid_t *ret_pid)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &before))
		return -errno;
	pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): why is said at child() */
	if (pid == 0)
		child(s); /* NOLINT(clang-analyzer-unix.Vfork): it makes system calls only */
	if (pid < 0)
		s->err = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid > 0 && s->err)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (!s->err)
		*ret_pid = pid;
	return -s->err;
}

/* Nothing of the caller's environment but what a sanitized build needs. */
static void environment(char *envp[ENV_MAX])
{
	static char path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
	static const char *const passed[] = {"ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS="};
	int n = 0;

	envp[n++] = path;
	envp[n++] = lang;
	for (char **e = environ; *e; e++)
		for (int i = 0; i < 3 && n < ENV_MAX - 1; i++)
			if (!strncmp(*e, passed[i], strlen(passed[i])))
				envp[n++] = *e;
	envp[n] = NULL;
}

/* Moves an own descriptor above those that a helper starts with. */
static int lift(int *fd)
{
	int high;

	if (*fd > HELPER_SOCK)
		return 0;
	high = *fd < 0 ? -1 : fcntl(*fd, F_DUPFD_CLOEXEC, HELPER_SOCK + 1);
	if (high < 0)
		return -errno;
	fd_close(fd);
	*fd = high;
	return 0;
}

int spawn_start(int exe, const char *name, pid_t *ret_pid, int *ret_sock)
{
	char *envp[ENV_MAX], argv0[32], *argv[] = {argv0, NULL};
	struct start s = {.exe = exe, .sock = -1, .argv = argv, .envp = envp};
	int ours = -1, pair[2], r = 0, own_exe = -1;

	snprintf(argv0, sizeof(argv0), "%s", name);
	environment(envp);
	s.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
		ours = pair[0];
		s.sock = pair[1];
	}
	if (exe <= HELPER_SOCK)
		s.exe = own_exe = fcntl(exe, F_DUPFD_CLOEXEC, HELPER_SOCK + 1);
	if (s.exe < 0 || s.null < 0 || s.sock < 0)
		r = -errno;
	if (!r)
		r = lift(&s.null);
	if (!r)
		r = lift(&s.sock);
	if (!r)
		r = vfork_child(&s, ret_pid);
	fd_close(&own_exe);
	fd_close(&s.null);
	fd_close(&s.sock);
	if (!r)
		*ret_sock = fd_take(&ours);
	fd_close(&ours);
	return r;
}
