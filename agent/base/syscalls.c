/* SPDX-License-Identifier: Apache-2.0
 *
 * The seccomp half of confine.h, apart so that only programs that filter system calls need
 * libseccomp.
 */
#include "agent/base/confine.h"

#include <errno.h>
#include <seccomp.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* A sanitizer's runtime maps shadow memory, looks at itself in /proc, and reports. */
static const char *const sanitizer_calls[] = {
	"close", "exit_group", "futex", "getpid", "getrlimit", "gettid", "ioctl", "madvise", "mmap",
	"mprotect", "munmap", "open", "openat", "pipe2", "prctl", "prlimit64", "read", "readlink",
	"readlinkat", "rt_sigaction", "rt_sigprocmask", "sched_getaffinity", "sched_yield",
	"sigaltstack", "write",
};
enum { N_SANITIZER_CALLS = sizeof(sanitizer_calls) / sizeof(sanitizer_calls[0]) };
#else
static const char *const *const sanitizer_calls;
enum { N_SANITIZER_CALLS = 0 };
#endif

static int add_rules(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);
		/* Negative: unknown, or libseccomp's stand-in for another architecture's call. */
		int r = nr < 0 ? 0 : seccomp_rule_add(ctx, action, nr, 0);
		if (r && r != -EEXIST)
			return r;
	}
	return 0;
}

int confine_syscalls(const char *const *allowed, size_t n, const char *const *refused,
		     size_t n_refused)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!ctx)
		return -ENOMEM;
	r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!r)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 1);
	if (!r)
		r = add_rules(ctx, SCMP_ACT_ALLOW, allowed, n);
	if (!r)
		r = add_rules(ctx, SCMP_ACT_ALLOW, sanitizer_calls, N_SANITIZER_CALLS);
	if (!r)
		r = add_rules(ctx, SCMP_ACT_ERRNO(ENOENT), refused, n_refused);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}
