/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/confined.h"

#include <unistd.h>

#include "agent/base/confine.h"

/* Memory, the descriptors at hand, the clock (where the vDSO has none), an orderly end; sysinfo is
 * glibc's qsort, getrandom its malloc, writev and the signals are its abort. */
#define COMMON                                                                                     \
	"read", "write", "writev", "lseek", "close", "fstat", "newfstatat", "mmap", "munmap",      \
	"mremap", "mprotect", "madvise", "brk", "futex", "clock_gettime", "sysinfo", "getrandom",  \
	"rt_sigreturn", "rt_sigprocmask", "getpid", "gettid", "tgkill", "exit", "exit_group",      \
	"restart_syscall"

/* isatty() of the log on stderr. */
#define READER COMMON, "ioctl"
#define SERVER COMMON, "ioctl", "ftruncate", "recvmsg", "sendmsg", "poll", "ppoll", "pread64"

static int confine(const char *const *calls, size_t n)
{
	int r = confine_become(geteuid(), getegid(), NULL, 0);
	return r ? r : confine_syscalls(calls, n, NULL, 0);
}

int confined_reader(void)
{
	static const char *const calls[] = {READER};
	return confine(calls, sizeof(calls) / sizeof(*calls));
}

int confined_server(void)
{
	static const char *const calls[] = {SERVER};
	return confine(calls, sizeof(calls) / sizeof(*calls));
}
