/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "agent/base/fd.h"

enum { OUT_STEP = 64 * 1024, GZIP_WINDOW = 15 + 16, MEM_LEVEL = 8, INPUT_STEP = 1 << 30 };

struct gzip_writer {
	z_stream z;
	int fd, error;
	uint8_t out[OUT_STEP];
};

int gzip_open(struct gzip_writer **ret, int fd, int level)
{
	struct gzip_writer *w = calloc(1, sizeof(*w));

	if (!w || deflateInit2(&w->z, level, Z_DEFLATED, GZIP_WINDOW, MEM_LEVEL,
			       Z_DEFAULT_STRATEGY) != Z_OK) {
		free(w);
		return -ENOMEM;
	}
	w->fd = fd;
	w->z.next_out = w->out;
	w->z.avail_out = sizeof(w->out);
	*ret = w;
	return 0;
}

static void flush_out(struct gzip_writer *w)
{
	if (!w->error)
		w->error = fd_write_all(w->fd, w->out, sizeof(w->out) - w->z.avail_out);
	w->z.next_out = w->out;
	w->z.avail_out = sizeof(w->out);
}

void gzip_write(struct gzip_writer *w, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len && !w->error) {
		size_t step = len > INPUT_STEP ? INPUT_STEP : len;

		w->z.next_in = (Bytef *)at;
		w->z.avail_in = (uInt)step;
		while (w->z.avail_in && !w->error) {
			if (deflate(&w->z, Z_NO_FLUSH) == Z_STREAM_ERROR)
				w->error = -EINVAL;
			if (!w->z.avail_out)
				flush_out(w);
		}
		at += step;
		len -= step;
	}
}

int gzip_close(struct gzip_writer **w)
{
	struct gzip_writer *g = *w;
	int r = Z_OK;

	*w = NULL;
	g->z.avail_in = 0;
	while (r != Z_STREAM_END && !g->error) {
		r = deflate(&g->z, Z_FINISH);
		if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
			g->error = -EINVAL;
		flush_out(g);
	}
	r = g->error;
	deflateEnd(&g->z);
	free(g);
	return r;
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
