/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a recording from first to last, through one buffer: a file or a pipe, at most
 * STREAM_NEED_MAX bytes of it at hand.
 */
#ifndef PERFDATA_STREAM_H
#define PERFDATA_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STREAM_NEED_MAX = 128 * 1024, STREAM_BUFFER = 1024 * 1024 };

struct stream {
	int fd;
	uint8_t *buf;
	size_t at, len;  /* unread: buf[at … len) */
	uint64_t pos;    /* of buf[at] in the input */
	uint64_t left;   /* bytes that may still be read from fd */
	bool ended;
	int error;       /* -errno of a read that failed */
};

int stream_init(struct stream *s, int fd, uint64_t pos, uint64_t limit); /* fd stays the caller's */
void stream_free(struct stream *s);

/* The next n bytes (at most STREAM_NEED_MAX), valid until the next call; NULL where the input ends
 * before them. stream_skip() then moves on. */
const uint8_t *stream_peek(struct stream *s, size_t n);
size_t stream_left(const struct stream *s); /* at hand, after a peek that failed: all there is */
bool stream_skip(struct stream *s, uint64_t n); /* false: the input ends before */

#endif
