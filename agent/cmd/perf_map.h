/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a process's JIT has written a perf map (tools/perf/Documentation/jit-interface.txt).
 */
#ifndef AGENT_CMD_PERF_MAP_H
#define AGENT_CMD_PERF_MAP_H

#include <sys/types.h>

/* Looks for /tmp/perf-NS_PID.map below the root of process `pid`: 1 when it is a regular file of
 * `owner`'s, 0 when it is not there or something else, or -errno. Follows no symbolic link and
 * opens nothing for reading. */
int perf_map_there(int pid, int ns_pid, uid_t owner);

#endif
