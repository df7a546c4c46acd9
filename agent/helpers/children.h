/* SPDX-License-Identifier: Apache-2.0
 *
 * What our children that are forked, not executed, have in common (the opener, the caller's
 * child), and how any child is ended without waiting for one that cannot die.
 */
#ifndef AGENT_HELPERS_CHILDREN_H
#define AGENT_HELPERS_CHILDREN_H

#include <stdbool.h>
#include <sys/types.h>

/* In the child: its name, its own process group (the terminal's Ctrl-C is not for it), signals
 * that would end it early ignored, /dev/null as standard input and output, every descriptor
 * closed but stderr and the n `keep` (negative ones are passed over). 0 or -errno. */
int child_settle(const char *name, const int *keep, int n);

/* Waits `ms` for the end of a child, then kills it; waits a moment for that. True when it has been
 * reaped; false when it hangs in the kernel: try child_reap() later. */
bool child_end(pid_t pid, unsigned ms);
bool child_reap(pid_t pid); /* without waiting; also true when there is no such child */

#endif
