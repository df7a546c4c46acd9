/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/helpers/children.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/fd.h"

enum { KEEP_MAX = 64, KILLED_MS = 100 };

static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE, SIGTSTP,
			      SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGALRM};

/* Whatever handlers the parent had, they know nothing of this process. */
static int settle_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL}, ign = {.sa_handler = SIG_IGN};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL); /* refused for SIGKILL, SIGSTOP and glibc's own */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (sigaction(ignored[i], &ign, NULL))
			return -errno;
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) ? -errno : 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int close_others(const int *keep, int n)
{
	int sorted[KEEP_MAX], from = STDERR_FILENO + 1, m = 0;

	for (int i = 0; i < n && m < KEEP_MAX; i++)
		if (keep[i] >= from)
			sorted[m++] = keep[i];
	qsort(sorted, (size_t)m, sizeof(sorted[0]), by_number);
	for (int i = 0; i < m; i++) {
		if (sorted[i] > from && close_range((unsigned)from, (unsigned)sorted[i] - 1, 0))
			return -errno;
		from = sorted[i] + 1;
	}
	return close_range((unsigned)from, ~0U, 0) ? -errno : 0;
}

int child_settle(const char *name, const int *keep, int n)
{
	int r = settle_signals(), null;

	if (r)
		return r;
	prctl(PR_SET_NAME, name, 0, 0, 0);
	setpgid(0, 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		r = -errno;
	/* Among them are the other children's sockets: held here, their ends would never be seen. */
	if (!r)
		r = close_others(keep, n);
	return r;
}

bool child_reap(pid_t pid)
{
	pid_t r;

	do {
		r = waitpid(pid, NULL, WNOHANG);
	} while (r < 0 && errno == EINTR);
	return r == pid || (r < 0 && errno == ECHILD);
}

static void wait_end(int pidfd, unsigned ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	if (pidfd >= 0)
		(void)poll(&p, 1, (int)ms); /* cut short by a signal: killed a little early */
}

bool child_end(pid_t pid, unsigned ms)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool gone;

	if (ms)
		wait_end(pidfd, ms);
	gone = child_reap(pid);
	if (!gone) {
		kill(pid, SIGKILL);
		wait_end(pidfd, KILLED_MS);
		gone = child_reap(pid);
	}
	fd_close(&pidfd);
	return gone;
}
