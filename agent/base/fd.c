/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/fd.h"

#include <errno.h>
#include <fcntl.h>

int fd_write_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_room_take(struct fd_room *r, int n)
{
	while (r->n < n && r->n < FD_ROOM_MAX) {
		int fd = open("/dev/null", O_PATH | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		r->fds[r->n++] = fd;
	}
	return 0;
}

void fd_room_give(struct fd_room *r)
{
	while (r->n)
		fd_close(&r->fds[--r->n]);
}
