/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting pmuscope-symbolizer and pmuscope-exporter: programs that are trusted with nothing but
 * a socket (descriptor 3). End of file on it is their order to leave.
 */
#ifndef AGENT_HELPERS_SPAWN_H
#define AGENT_HELPERS_SPAWN_H

#include <sys/types.h>

enum { SPAWN_FDS = 3 }; /* that spawn_start() needs for a moment, ret_sock among them */

/* Opens helper `name` beside our own executable, else in PMUSCOPE_LIBEXEC, with O_PATH: before
 * privileges are dropped, since the folders on the way may be closed to us later. 0 or -errno. */
int spawn_find(const char *name, int *ret_exe);

/* Starts it: no capabilities now or later, an environment of its own, signals as by default, its
 * own process group (Ctrl-C is not for it), /dev/null for standard input and output, our stderr,
 * no other descriptor. `ret_sock` is our end, close-on-exec. 0 or -errno. */
int spawn_start(int exe, const char *name, pid_t *ret_pid, int *ret_sock);

#endif
