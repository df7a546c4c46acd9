/* SPDX-License-Identifier: Apache-2.0
 *
 * deny_perf filter COMMAND…: runs it where a filter answers EPERM to perf_event_open, as in a
 * container. deny_perf kernel COMMAND…: as a kernel with perf_event_paranoid 3 answers a user:
 * EACCES to everything but a call with flags that do not exist, which it looks at before.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int call = SCMP_SYS(perf_event_open), e;

	if (argc < 3 || !filter)
		return 2;
	if (!strcmp(argv[1], "kernel"))
		e = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), call, 1,
				     SCMP_A4(SCMP_CMP_LT, 16));
	else
		e = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
	if (e || seccomp_load(filter)) {
		perror("seccomp");
		return 2;
	}
	seccomp_release(filter);
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
