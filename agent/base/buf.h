/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer with a hard ceiling, the writer's side of cursor.h.
 *
 * Latching like the cursor: append straight down, test `bad` once at the end
 * (out of memory, or past the ceiling). The buffer owns its bytes; buf_free()
 * releases them. Appended integers are in the machine's own byte order.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len, cap;
	size_t max; /* ceiling in bytes */
	bool bad;
};

#define BUF_INIT(ceiling) ((struct buf){.max = (ceiling)})

void buf_put(struct buf *b, const void *bytes, size_t n);

/* Room for `n` more bytes, already counted in `len`; NULL (and bad) where there is none. The
 * pointer is valid until the next append. */
void *buf_add(struct buf *b, size_t n);

void buf_reset(struct buf *b); /* keeps the memory, forgets the content and `bad` */
void buf_free(struct buf *b);

void buf_str(struct buf *b, const char *s); /* with its NUL */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define BUF_PUT(name, type)                                                                        \
	static inline void buf_##name(struct buf *b, type v)                                       \
	{                                                                                          \
		buf_put(b, &v, sizeof(v));                                                         \
	}
BUF_PUT(u8, uint8_t)
BUF_PUT(u16, uint16_t)
BUF_PUT(u32, uint32_t)
BUF_PUT(u64, uint64_t)
BUF_PUT(i32, int32_t)
BUF_PUT(i64, int64_t)
#undef BUF_PUT

/* Reads `fd` to its end, at most `b->max` bytes: 0, -EFBIG, or the read's -errno. */
int buf_read_fd(struct buf *b, int fd);

#endif
