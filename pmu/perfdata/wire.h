/* SPDX-License-Identifier: Apache-2.0
 *
 * The cursor of agent/base over bytes of either byte order: a recording is read on any machine.
 */
#ifndef PERFDATA_WIRE_H
#define PERFDATA_WIRE_H

#include "agent/base/cursor.h"

struct wire {
	struct cursor c;
	bool swap; /* written by a machine of the other byte order */
};

static inline struct wire wire_over(const void *data, size_t len, bool swap)
{
	return (struct wire){.c = cursor_over(data, len), .swap = swap};
}

static inline uint16_t wire_u16(struct wire *w)
{
	uint16_t v = cursor_u16(&w->c);
	return w->swap ? __builtin_bswap16(v) : v;
}

static inline uint32_t wire_u32(struct wire *w)
{
	uint32_t v = cursor_u32(&w->c);
	return w->swap ? __builtin_bswap32(v) : v;
}

static inline uint64_t wire_u64(struct wire *w)
{
	uint64_t v = cursor_u64(&w->c);
	return w->swap ? __builtin_bswap64(v) : v;
}

static inline void wire_skip_words(struct wire *w, uint64_t n)
{
	if (n > cursor_left(&w->c) / sizeof(uint64_t))
		w->c.bad = true;
	else
		cursor_skip(&w->c, n * sizeof(uint64_t));
}

/* The next n words where they stand, turned to our byte order there: the bytes are the reader's own
 * copy, and each record is decoded once. NULL and bad when there are fewer, or not aligned. */
static inline const uint64_t *wire_words(struct wire *w, uint64_t n)
{
	uint64_t *at;

	if (n > cursor_left(&w->c) / sizeof(uint64_t) || (uintptr_t)w->c.at % sizeof(uint64_t)) {
		w->c.bad = true;
		return NULL;
	}
	at = (uint64_t *)cursor_take(&w->c, n * sizeof(uint64_t));
	for (uint64_t i = 0; w->swap && at && i < n; i++)
		at[i] = __builtin_bswap64(at[i]);
	return at;
}

/* A string of features and build ID lists: u32 room, then text with its NUL; NULL where there is
 * none in that room. */
static inline const char *wire_text(struct wire *w)
{
	uint32_t room = wire_u32(w);
	const char *s = cursor_take(&w->c, room);

	return s && room && memchr(s, 0, room) ? s : NULL;
}

#endif
