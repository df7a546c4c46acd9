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

/* Room for descriptors, held against RLIMIT_NOFILE: taken while there is some, given up just before
 * it is needed. */
enum { FD_ROOM_MAX = 8 };

struct fd_room {
	int n, fds[FD_ROOM_MAX];
};

int fd_room_take(struct fd_room *r, int n); /* up to n in all; 0, or -errno: fewer are held */
void fd_room_give(struct fd_room *r);

/* Writes all of `len` bytes, across short writes and EINTR: 0 or -errno. */
int fd_write_all(int fd, const void *bytes, size_t len);

#endif
