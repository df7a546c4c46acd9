/* SPDX-License-Identifier: Apache-2.0
 *
 * What the symbolizer gives up before it reads anything: descriptors, limits, capabilities, and
 * every system call that reading a file through a given descriptor does not need.
 */
#ifndef SYMBOLIZER_JAIL_H
#define SYMBOLIZER_JAIL_H

#include <stdbool.h>

/* True when `fd` is a unix stream socket, as pmuscope hands it over. */
bool jail_has_socket(int fd);

/* Keeps `sock` and stderr alone, for good: 0 or -errno; on an error the caller must exit. */
int jail_enter(int sock);

#endif
