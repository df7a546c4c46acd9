/* SPDX-License-Identifier: Apache-2.0
 *
 * The opener's first process. It opens nothing itself, so it can never hang in somebody's file
 * system; it keeps one worker alive and puts a new one in the place of one that hangs.
 */
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/base/confine.h"
#include "agent/base/fd.h"
#include "agent/helpers/children.h"
#include "agent/space/opener_priv.h"

enum {
	STUCK_MAX = 16,   /* killed workers that hang in the kernel; no new one beyond that */
	RETRY_MS = 100,
	DIED_US = 10000,  /* before the next start of a worker that died by itself */
};

struct supervisor {
	int data, control, root;
	pid_t worker; /* 0: none */
	int pidfd;
	int stuck[STUCK_MAX]; /* pidfds; -1 free */
};

static const int kept[] = {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_CHECKPOINT_RESTORE,
			   CAP_SYSLOG};

/* The supervisor's and its workers': sockets that are there, opening to read, looking at what was
 * opened, the C library's memory and files, capabilities on and off. Nothing that writes, connects,
 * renames, starts programs or looks into other processes' memory. */
static const char *const allowed[] = {
	"brk", "capget", "capset", "clock_gettime", "clock_nanosleep", "clone", "close", "exit",
	"exit_group", "fcntl", "fstat", "fstatfs", "futex", "getpid", "getppid", "getrandom",
	"gettid", "kill", "lseek", "madvise", "mmap", "mprotect", "munmap", "nanosleep",
	"newfstatat", "open", "openat", "openat2", "pidfd_open", "poll", "ppoll", "prctl", "read",
	"readlink", "readlinkat", "recvfrom", "restart_syscall", "rt_sigprocmask", "rt_sigreturn",
	"rseq", "sendmsg", "sendto", "set_robust_list", "stat", "statx", "tgkill", "wait4",
};

static int pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static bool has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	return poll(&p, 1, 0) != 0;
}

/* A free place among the stuck ones, or -1. */
static int place_for_stuck(struct supervisor *s)
{
	for (int i = 0; i < STUCK_MAX; i++) {
		if (s->stuck[i] >= 0 && has_ended(s->stuck[i]))
			fd_close(&s->stuck[i]);
		if (s->stuck[i] < 0)
			return i;
	}
	return -1;
}

static void start_worker(struct supervisor *s)
{
	pid_t pid, self = getpid();

	if (place_for_stuck(s) < 0)
		return; /* it could not be given up when it hangs as well */
	pid = fork();
	if (pid == 0) {
		fd_close(&s->control);
		opener_serve(s->data, s->root, self);
	}
	if (pid > 0) {
		s->worker = pid;
		s->pidfd = pidfd_of(pid);
	}
}

static void give_up_worker(struct supervisor *s)
{
	int place = place_for_stuck(s);

	kill(s->worker, SIGKILL);
	if (place >= 0)
		s->stuck[place] = fd_take(&s->pidfd);
	fd_close(&s->pidfd);
	s->worker = 0;
}

static _Noreturn void leave(const struct supervisor *s)
{
	if (s->worker > 0)
		kill(s->worker, SIGKILL);
	_exit(0);
}

static void obey(struct supervisor *s)
{
	char byte;
	ssize_t n = recv(s->control, &byte, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		leave(s); /* the collector is gone */
	if (byte != OPENER_REPLACE)
		return;
	if (s->worker > 0)
		give_up_worker(s);
	start_worker(s);
	(void)!send(s->control, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void watch(struct supervisor *s)
{
	struct pollfd p[2] = {{.fd = s->control, .events = POLLIN},
			      {.fd = s->pidfd, .events = POLLIN}};

	if (s->worker <= 0)
		start_worker(s);
	p[1].fd = s->pidfd;
	if (poll(p, 2, s->pidfd < 0 ? RETRY_MS : -1) < 0)
		return;
	if (p[0].revents)
		obey(s);
	else if (p[1].revents || (s->pidfd < 0 && s->worker > 0 && kill(s->worker, 0))) {
		fd_close(&s->pidfd);
		s->worker = 0;
		usleep(DIED_US);
	}
}

static int become(const struct supervisor *s, uid_t uid, gid_t gid)
{
	int keep[] = {s->data, s->control, s->root}, r;

	r = child_settle("pmuscope-open", keep, 3);
	if (!r)
		r = confine_become(uid, gid, kept, sizeof(kept) / sizeof(kept[0]));
	/* After the change of ids, which would clear it. End of file on the socket tells the same;
	 * this is for a worker that hangs while we are killed. */
	if (!r && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		r = -errno;
	/* Workers vanish by themselves, those that were stuck when their file system lets go. */
	if (!r && signal(SIGCHLD, SIG_IGN) == SIG_ERR)
		r = -errno;
	return r ? r : confine_syscalls(allowed, sizeof(allowed) / sizeof(allowed[0]), NULL, 0);
}

_Noreturn void opener_supervise(int data, int control, int root, uid_t uid, gid_t gid)
{
	struct supervisor s = {.data = data, .control = control, .root = root, .pidfd = -1};
	int32_t status = become(&s, uid, gid);

	for (int i = 0; i < STUCK_MAX; i++)
		s.stuck[i] = -1;
	if (!status)
		start_worker(&s); /* before the greeting: it is there when we are asked */
	if (send(control, &status, sizeof(status), MSG_NOSIGNAL) < 0 || status)
		leave(&s);
	for (;;)
		watch(&s);
}
