/* SPDX-License-Identifier: Apache-2.0
 *
 * refuse kernel|filter|space ERRNO COMMAND…: runs a command for which perf_event_open(2) fails.
 *
 * kernel: only calls with flags that exist, as a kernel does that lets nobody open events
 * (perf_event_paranoid 3 of Debian's kernels, which others do not have).
 * filter: every call, as a container's seccomp filter does.
 * space: fallocate(2) instead, as on file systems that cannot hold space (EOPNOTSUPP, 95).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FLAGS_THERE_ARE = 0xf }; /* PERF_FLAG_* */

int main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[1] : "";
	int err = argc > 3 ? atoi(argv[2]) : 0, all = strcmp(what, "kernel");
	unsigned call = strcmp(what, "space") ? SYS_perf_event_open : SYS_fallocate;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, all ? 0 : ~(unsigned)FLAGS_THERE_ARE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (!err)
		return 2;
	/* Without no_new_privs only root may; a user needs it. */
	if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 2;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
		perror("refuse: seccomp");
		return 2;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
