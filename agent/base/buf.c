/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUF_FIRST = 256, READ_STEP = 65536 };

static bool buf_grow(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	uint8_t *data;

	if (b->bad || n > b->max || b->len > b->max - n)
		return false;
	if (b->len + n <= b->cap)
		return true;
	while (cap < b->len + n)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	data = realloc(b->data, cap);
	if (!data)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

void *buf_add(struct buf *b, size_t n)
{
	void *p;

	if (!buf_grow(b, n)) {
		b->bad = true;
		return NULL;
	}
	p = b->data + b->len;
	b->len += n;
	return p;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
	void *p = n ? buf_add(b, n) : NULL;
	if (p)
		memcpy(p, bytes, n);
}

void buf_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s) + 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char small[512];
	char *big = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->bad = true;
	} else if ((size_t)n < sizeof(small)) {
		buf_put(b, small, (size_t)n);
	} else {
		va_start(ap, fmt);
		if (vasprintf(&big, fmt, ap) < 0) {
			b->bad = true;
			big = NULL;
		}
		va_end(ap);
		if (big)
			buf_put(b, big, (size_t)n);
		free(big);
	}
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->bad = false;
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.max = b->max};
}

int buf_read_fd(struct buf *b, int fd)
{
	for (;;) {
		size_t room = b->max - b->len;
		size_t want = room < READ_STEP ? room + 1 : READ_STEP;
		uint8_t step[READ_STEP];
		ssize_t n = read(fd, step, want > sizeof(step) ? sizeof(step) : want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return b->bad ? -ENOMEM : 0;
		if ((size_t)n > room)
			return -EFBIG;
		buf_put(b, step, (size_t)n);
		if (b->bad)
			return -ENOMEM;
	}
}
