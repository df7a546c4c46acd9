/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's perf_event interface (perf_event_open(2), linux/perf_event.h). The only file that
 * includes it; where libpfm4's header is needed too, this one comes first (libpfm4 brings its own
 * older copy otherwise).
 *
 * Constants newer than the headers of Debian 12 (Linux 6.1) are defined here. They are enumerators
 * in the kernel's header, which #ifdef cannot see: a macro of the same value shadows them.
 */
#ifndef PMU_ABI_H
#define PMU_ABI_H

#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define PERF_FORMAT_LOST (1U << 4) /* Linux 6.0 */

#define PERF_RECORD_TEXT_POKE 20           /* Linux 5.9 */
#define PERF_RECORD_AUX_OUTPUT_HW_ID 21    /* Linux 5.16 */
#define PERF_RECORD_CALLCHAIN_DEFERRED 22  /* Linux 6.19 */
#define PERF_CONTEXT_USER_DEFERRED ((__u64)-640)

/* An attribute of PERF_ATTR_SIZE_VER0 is what every kernel takes; a kernel answers E2BIG to
 * non-zero bytes behind what it knows. */

/* perf_event_open(2): the descriptor, or -1 and errno. */
static inline int abi_perf_event_open(struct perf_event_attr *attr, pid_t pid, int cpu,
				      int group_fd, unsigned long flags)
{
	return (int)syscall(SYS_perf_event_open, attr, pid, cpu, group_fd, flags);
}

#endif
