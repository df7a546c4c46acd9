/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int stream_init(struct stream *s, int fd, uint64_t pos, uint64_t limit)
{
	*s = (struct stream){.fd = fd, .pos = pos, .left = limit, .buf = malloc(STREAM_BUFFER)};
	return s->buf ? 0 : -ENOMEM;
}

void stream_free(struct stream *s)
{
	free(s->buf);
	s->buf = NULL;
}

/* Reads once; what is unread moves to the front first. */
static void fill(struct stream *s)
{
	size_t room;
	ssize_t n;

	memmove(s->buf, s->buf + s->at, s->len - s->at);
	s->len -= s->at;
	s->at = 0;
	room = STREAM_BUFFER - s->len;
	if (room > s->left)
		room = s->left;
	do {
		n = room ? read(s->fd, s->buf + s->len, room) : 0;
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		s->error = -errno;
	if (n <= 0) {
		s->ended = true;
		return;
	}
	s->len += (size_t)n;
	s->left -= (uint64_t)n;
}

const uint8_t *stream_peek(struct stream *s, size_t n)
{
	while (s->len - s->at < n && !s->ended)
		fill(s);
	return s->len - s->at >= n ? s->buf + s->at : NULL;
}

size_t stream_left(const struct stream *s)
{
	return s->len - s->at;
}

bool stream_skip(struct stream *s, uint64_t n)
{
	while (n) {
		size_t part = s->len - s->at;

		if (!part && !stream_peek(s, 1))
			return false;
		part = s->len - s->at;
		if (part > n)
			part = (size_t)n;
		s->at += part;
		s->pos += part;
		n -= part;
	}
	return true;
}
