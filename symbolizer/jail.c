/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/confine.h"
#include "agent/base/fd.h"

#define ADDRESS_SPACE_MAX (UINT64_C(8) << 30) /* large debug files are mapped whole */
enum { FDS_MAX = 65536 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Measured with strace(1) over libelf, libdw, liblzma and libiberty at work. newfstatat is how
 * glibc 2.36 spells fstat(2), sysinfo is called by its qsort, writev by its abort messages. */
static const char *const allowed[] = {
	"brk", "clock_gettime", "close", "exit", "exit_group", "fcntl", "fstat", "futex",
	"getrandom", "lseek", "madvise", "mmap", "mprotect", "mremap", "munmap", "newfstatat",
	"poll", "ppoll",
	"pread64", "read", "recvmsg", "restart_syscall", "rt_sigreturn", "sendmsg", "sysinfo",
	"write", "writev",
};
/* libdw tries to open supplementary files by itself; they are handed over instead. */
static const char *const refused[] = {"open", "openat", "access", "faccessat", "faccessat2",
				      "readlink", "readlinkat"};

bool jail_has_socket(int fd)
{
	int domain, type;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

static int drop_descriptors(int sock)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = 0;

	if (null < 0)
		return -errno;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    (fcntl(STDERR_FILENO, F_GETFD) < 0 && dup2(null, STDERR_FILENO) < 0))
		r = -errno;
	if (!r && close_range((unsigned)sock + 1, ~0U, 0))
		r = -errno;
	return r;
}

static int set_limit(int what, uint64_t max)
{
	struct rlimit l;

	if (getrlimit(what, &l))
		return -errno;
	if (l.rlim_max > max)
		l.rlim_max = max;
	l.rlim_cur = l.rlim_max;
	return setrlimit(what, &l) ? -errno : 0;
}

static int set_limits(void)
{
	int r = set_limit(RLIMIT_NOFILE, FDS_MAX);

	if (!r)
		r = set_limit(RLIMIT_CORE, 0);
	if (!r)
		r = set_limit(RLIMIT_FSIZE, 0);
#ifndef __SANITIZE_ADDRESS__ /* its shadow alone is 16 TB */
	if (!r)
		r = set_limit(RLIMIT_AS, ADDRESS_SPACE_MAX);
#endif
	return r;
}

/* Where memory runs out this process goes first: it can be started again. */
static void offer_to_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1000", 4);
	fd_close(&fd);
}

/* Ctrl-C reaches the whole process group; the recording still needs its names afterwards. */
static void ignore_terminal(void)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGPIPE};

	for (size_t i = 0; i < COUNT(signals); i++)
		signal(signals[i], SIG_IGN);
}

int jail_enter(int sock)
{
	int r;

	prctl(PR_SET_NAME, "pmuscope-symb", 0, 0, 0);
	ignore_terminal();
	clearenv();
	offer_to_oom_killer();
	r = drop_descriptors(sock);
	if (!r)
		r = set_limits();
	if (!r)
		r = confine_become(getuid(), getgid(), NULL, 0);
	return r ? r : confine_syscalls(allowed, COUNT(allowed), refused, COUNT(refused));
}
