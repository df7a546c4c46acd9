/* SPDX-License-Identifier: Apache-2.0
 *
 * File descriptors as owned values: they start at -1, fd_close() closes and resets,
 * fd_take() hands over. Every descriptor that pmuscope opens is close-on-exec.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>
#include <unistd.h>

static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline int fd_take(int *fd)
{
	int v = *fd;
	*fd = -1;
	return v;
}

/* Writes all of `len` bytes, across short writes and EINTR: 0 or -errno. */
int fd_write_all(int fd, const void *bytes, size_t len);

#endif
