/* SPDX-License-Identifier: Apache-2.0
 *
 * gzip (RFC 1952) as a stream out and, bounded, back in. Wraps zlib.
 */
#ifndef EXPORTERS_GZIP_H
#define EXPORTERS_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/buf.h"

struct gzip_writer;

/* Compressed bytes go to `fd`, which stays the caller's; no time and no name in the header, so the
 * same content gives the same bytes. 0 or -ENOMEM. */
int gzip_open(struct gzip_writer **ret, int fd, int level);
/* Latching: after the first error nothing is written, and gzip_close() tells. */
void gzip_write(struct gzip_writer *w, const void *bytes, size_t len);
/* Ends the stream and releases the writer: 0, or the first error (-ENOSPC, …). */
int gzip_close(struct gzip_writer **w);

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
