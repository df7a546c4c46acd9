/* SPDX-License-Identifier: Apache-2.0
 *
 * gzip (RFC 1952): out at once, by libdeflate; back in by zlib, bounded, and telling where it broke.
 */
#ifndef EXPORTERS_GZIP_H
#define EXPORTERS_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/buf.h"

/* Before files cannot be opened any more: on aarch64 libdeflate learns from /proc/self/auxv what the
 * processor can do, when it is first used. */
void gzip_prepare(void);

/* Writes the bytes to `fd` as one gzip member, in a third of the time that zlib takes at an equal
 * `level`. No time and no name in the header: the same content gives the same bytes. 0, -ENOMEM, or
 * the write's -errno (-ENOSPC, …). */
int gzip_write(int fd, const void *bytes, size_t len, int level);

enum {
	GUNZIP_MAX = 512 * 1024 * 1024, /* bytes that gunzip() yields at most */
	/* What a real profile never reaches, and a bomb lives of: bytes out per byte in, judged
	 * once GUNZIP_FREE bytes are out. */
	GUNZIP_RATIO = 250,
	GUNZIP_FREE = 64 * 1024 * 1024,
};

bool gzip_is(const void *bytes, size_t len); /* by its magic */

/* Unpacks all members into `out`, whose ceiling holds too. 0; -EBADMSG (not gzip, damaged, cut
 * off), -EFBIG (past a bound above), -ENOMEM; `ret_at` is the byte of the input where it ended. */
int gunzip(const void *bytes, size_t len, struct buf *out, size_t *ret_at);

#endif
