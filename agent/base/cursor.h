/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded, latching reader over bytes from outside.
 *
 * Decode straight down and test `bad` once at the end: a read past the end
 * yields zero (or NULL), sets `bad`, and every later read yields zero too.
 * No other pointer arithmetic is done on input anywhere in pmuscope.
 * All integers are in the machine's own byte order and may be unaligned.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static inline struct cursor cursor_over(const void *data, size_t len)
{
	const uint8_t *p = data;
	return (struct cursor){.at = p, .end = p ? p + len : p};
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* The next `n` bytes, valid as long as the underlying data; NULL when there are fewer. */
static inline const void *cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *p = c->at;
	if (c->bad || n > cursor_left(c)) {
		c->bad = true;
		c->at = c->end;
		return NULL;
	}
	c->at += n;
	return p;
}

static inline void cursor_skip(struct cursor *c, size_t n)
{
	(void)cursor_take(c, n);
}

/* A cursor over the next `n` bytes alone; empty and bad when there are fewer. */
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
	const void *p = cursor_take(c, n);
	struct cursor s = cursor_over(p, p ? n : 0);
	s.bad = !p;
	return s;
}

#define CURSOR_READ(name, type)                                                                    \
	static inline type cursor_##name(struct cursor *c)                                         \
	{                                                                                          \
		type v = 0;                                                                        \
		const void *p = cursor_take(c, sizeof(v));                                         \
		if (p)                                                                             \
			memcpy(&v, p, sizeof(v));                                                  \
		return v;                                                                          \
	}
CURSOR_READ(u8, uint8_t)
CURSOR_READ(u16, uint16_t)
CURSOR_READ(u32, uint32_t)
CURSOR_READ(u64, uint64_t)
CURSOR_READ(i8, int8_t)
CURSOR_READ(i16, int16_t)
CURSOR_READ(i32, int32_t)
CURSOR_READ(i64, int64_t)
#undef CURSOR_READ

/* LEB128 (DWARF 5, section 7.6). Bits past the 64th are dropped; over 10 bytes is bad. */
uint64_t cursor_uleb(struct cursor *c);
int64_t cursor_sleb(struct cursor *c);

/* A NUL-terminated string; NULL and bad where no NUL is left. */
const char *cursor_str(struct cursor *c);

#endif
