/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/inflate.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* All sections of a file together; a debug file that inflates to more keeps its .symtab. */
enum {
	INFLATE_MAX = 1 << 30,
	ZSTD_TYPE = 2, /* ELFCOMPRESS_ZSTD, newer than Debian 12's elf.h */
	/* The best that the formats can do: zlib's 258 bytes in two bits, and zstd's blocks of 128
	 * KiB of one byte, in four. */
	ZLIB_RATIO = 1032,
	ZSTD_RATIO = 32768,
};

bool inflate_plausible(uint32_t type, uint64_t packed, uint64_t size)
{
	uint64_t ratio = type == ZSTD_TYPE ? ZSTD_RATIO : ZLIB_RATIO;

	return size > 0 && size / ratio <= packed;
}

static bool expand_zlib(const void *in, size_t n, void *out, size_t size)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	bool ok = d && libdeflate_zlib_decompress(d, in, n, out, size, NULL) == LIBDEFLATE_SUCCESS;

	libdeflate_free_decompressor(d);
	return ok;
}

static bool expand(uint32_t type, const void *in, size_t n, void *out, size_t size)
{
	if (type == ELFCOMPRESS_ZLIB)
		return expand_zlib(in, n, out, size);
	return type == ZSTD_TYPE && ZSTD_decompress(out, size, in, n) == size;
}

void inflate_section(Elf_Scn *scn, GElf_Shdr *h, struct inflated *bufs)
{
	Elf_Data *d = h->sh_flags & SHF_COMPRESSED ? elf_getdata(scn, NULL) : NULL;
	Elf64_Chdr c;
	void **slot, *out;

	if (!d || !d->d_buf || d->d_size < sizeof(c))
		return;
	memcpy(&c, d->d_buf, sizeof(c));
	if (c.ch_size > INFLATE_MAX - bufs->total ||
	    !inflate_plausible(c.ch_type, d->d_size - sizeof(c), c.ch_size))
		return;
	out = malloc(c.ch_size);
	slot = out ? vec_add_max(bufs, 64) : NULL;
	if (!slot || !expand(c.ch_type, (const char *)d->d_buf + sizeof(c), d->d_size - sizeof(c),
			     out, c.ch_size)) {
		bufs->len -= slot != NULL;
		free(out);
		return;
	}
	*slot = out;
	bufs->total += c.ch_size;
	d->d_buf = out;
	d->d_size = c.ch_size;
	d->d_type = ELF_T_BYTE;
	d->d_align = c.ch_addralign ? c.ch_addralign : 1;
	h->sh_flags &= ~(GElf_Xword)SHF_COMPRESSED;
	h->sh_size = c.ch_size;
	gelf_update_shdr(scn, h);
}

void inflated_free(struct inflated *bufs)
{
	for (size_t i = 0; i < bufs->len; i++)
		free(bufs->at[i]);
	vec_free(bufs);
}
