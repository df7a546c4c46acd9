/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/inflate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { PIECE = 512 * 1024 };

struct inflate {
	ZSTD_DStream *stream;
	size_t len; /* in `piece` */
	uint8_t piece[PIECE] __attribute__((aligned(8)));
};

int inflate_new(struct inflate **ret)
{
	struct inflate *z = malloc(sizeof(*z));

	if (!z)
		return -ENOMEM;
	z->len = 0;
	z->stream = ZSTD_createDStream();
	if (!z->stream) {
		free(z);
		return -ENOMEM;
	}
	*ret = z;
	return 0;
}

void inflate_free(struct inflate **z)
{
	if (!*z)
		return;
	ZSTD_freeDStream((*z)->stream);
	free(*z);
	*z = NULL;
}

size_t inflate_left(const struct inflate *z)
{
	return z->len;
}

static int hand_on(struct inflate *z, inflate_fn fn, void *arg)
{
	long used = fn(arg, z->piece, z->len);

	if (used < 0)
		return (int)used;
	z->len -= (size_t)used;
	memmove(z->piece, z->piece + used, z->len);
	return z->len < PIECE ? 0 : -EBADMSG;
}

int inflate_feed(struct inflate *z, const void *bytes, size_t len, inflate_fn fn, void *arg)
{
	ZSTD_inBuffer in = {.src = bytes, .size = len};
	bool full;
	int r;

	do {
		ZSTD_outBuffer out = {.dst = z->piece, .size = PIECE, .pos = z->len};

		if (ZSTD_isError(ZSTD_decompressStream(z->stream, &out, &in)))
			return -EBADMSG;
		z->len = out.pos;
		full = out.pos == PIECE; /* there may be more inside, without further input */
		r = hand_on(z, fn, arg);
	} while (!r && (in.pos < in.size || full));
	return r;
}
