/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/gzip.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>

#include "agent/base/fd.h"

enum { OUT_STEP = 64 * 1024, GZIP_WINDOW = 15 + 16, INPUT_STEP = 1 << 30 };

void gzip_prepare(void)
{
	libdeflate_crc32(0, "", 0);
}

int gzip_write(int fd, const void *bytes, size_t len, int level)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
	size_t most = c ? libdeflate_gzip_compress_bound(c, len) : 0, n = 0;
	uint8_t *out = c ? malloc(most) : NULL;

	if (out)
		n = libdeflate_gzip_compress(c, bytes, len, out, most);
	libdeflate_free_compressor(c);
	if (n)
		fd = fd_write_all(fd, out, n);
	free(out);
	return n ? fd : -ENOMEM;
}

bool gzip_is(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	return len >= 2 && b[0] == 0x1f && b[1] == 0x8b;
}

static bool is_bomb(uint64_t in, uint64_t out)
{
	return out > GUNZIP_MAX || (out > GUNZIP_FREE && out / GUNZIP_RATIO > in);
}

/* One step of at most OUT_STEP bytes: Z_OK, Z_STREAM_END, or -errno. */
static int unpack_step(z_stream *z, uint8_t *step, struct buf *out)
{
	int r;
	size_t n;

	z->next_out = step;
	z->avail_out = OUT_STEP;
	r = inflate(z, Z_NO_FLUSH);
	n = OUT_STEP - z->avail_out;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if ((r != Z_OK && r != Z_STREAM_END) || (r == Z_OK && !n && !z->avail_in))
		return -EBADMSG;
	if (n > out->max - out->len)
		return -EFBIG;
	buf_put(out, step, n);
	return out->bad ? -ENOMEM : r;
}

int gunzip(const void *bytes, size_t len, struct buf *out, size_t *ret_at)
{
	z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)len};
	uint8_t *step = malloc(OUT_STEP);
	uint64_t total = 0;
	int r = 0;

	*ret_at = 0;
	if (!step || len > INPUT_STEP || inflateInit2(&z, GZIP_WINDOW) != Z_OK) {
		free(step);
		return len > INPUT_STEP ? -EFBIG : -ENOMEM;
	}
	while (r == Z_OK) {
		size_t before = out->len;
		r = unpack_step(&z, step, out);
		total += out->len - before;
		if (r >= 0 && is_bomb(len - z.avail_in, total))
			r = -EFBIG;
		/* Members may follow each other; anything else behind the last one is ignored. */
		if (r == Z_STREAM_END && gzip_is(z.next_in, z.avail_in))
			r = inflateReset(&z) == Z_OK ? Z_OK : -EBADMSG;
	}
	*ret_at = len - z.avail_in;
	inflateEnd(&z);
	free(step);
	return r == Z_STREAM_END ? 0 : r;
}
