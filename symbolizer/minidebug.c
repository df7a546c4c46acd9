/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/minidebug.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <lzma.h>
#include <stdlib.h>

#include "agent/base/buf.h"
#include "agent/base/vec.h"

enum {
	STEP = 256 * 1024,
	LZMA_MEMORY_MAX = 128 << 20, /* xz -9 needs 65 MB */
	SECTIONS_MAX = 4096,
};

struct minidebug {
	struct buf elf; /* the decompressed file */
	struct symtab *symtab;
};

static int inflate_xz(struct image_span xz, struct buf *out)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret r = lzma_stream_decoder(&s, LZMA_MEMORY_MAX, 0);

	s.next_in = xz.at;
	s.avail_in = xz.len;
	while (r == LZMA_OK) {
		size_t had = out->len;
		s.next_out = buf_add(out, STEP);
		if (!s.next_out)
			break;
		s.avail_out = STEP;
		r = lzma_code(&s, LZMA_FINISH);
		out->len = had + STEP - s.avail_out;
	}
	lzma_end(&s);
	return out->bad ? -EFBIG : r == LZMA_STREAM_END ? 0 : -EBADMSG;
}

/* Finds .symtab, its strings, and every section's bounds. */
static int find_tables(Elf *elf, struct symtab_in *in, struct symtab_sec *secs)
{
	Elf_Data *syms = NULL, *strs = NULL;
	Elf_Scn *scn = NULL;
	GElf_Shdr h;

	while ((scn = elf_nextscn(elf, scn)) && gelf_getshdr(scn, &h)) {
		size_t i = elf_ndxscn(scn);
		if (i >= SECTIONS_MAX)
			break;
		secs[i] = (struct symtab_sec){h.sh_addr, h.sh_addr + h.sh_size,
					      h.sh_flags & SHF_EXECINSTR &&
						      h.sh_size <= UINT64_MAX - h.sh_addr};
		in->n_secs = i + 1;
		if (h.sh_type == SHT_SYMTAB && !syms) {
			Elf_Scn *link = elf_getscn(elf, h.sh_link);
			syms = elf_rawdata(scn, NULL);
			strs = link ? elf_rawdata(link, NULL) : NULL;
		}
	}
	if (!syms || !strs || !syms->d_buf || !strs->d_buf)
		return -EBADMSG;
	in->secs = secs;
	in->syms = syms->d_buf;
	in->syms_len = syms->d_size;
	in->strs = strs->d_buf;
	in->strs_len = strs->d_size;
	return 0;
}

static int read_symtab(struct minidebug *m, const struct sym_info *info)
{
	struct symtab_in in = {.segs = info->segs, .n_segs = info->n_segs};
	struct symtab_sec *secs = calloc(SECTIONS_MAX, sizeof(*secs));
	Elf *elf;
	int r = -EBADMSG;

	elf_version(EV_CURRENT);
	elf = secs ? elf_memory((char *)m->elf.data, m->elf.len) : NULL;
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64)
		r = find_tables(elf, &in, secs);
	/* The strings stand in our buffer, not in libelf's memory: they outlive `elf`. */
	if (!r && ((const uint8_t *)in.strs < m->elf.data ||
		   (const uint8_t *)in.strs + in.strs_len > m->elf.data + m->elf.len))
		r = -EBADMSG;
	if (!r)
		r = symtab_build(&in, &m->symtab);
	if (elf)
		elf_end(elf);
	free(secs);
	return r;
}

int minidebug_open(struct image_span xz, const struct sym_info *info, struct minidebug **ret)
{
	struct minidebug *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->elf = BUF_INIT(MINIDEBUG_MAX);
	r = inflate_xz(xz, &m->elf);
	if (!r)
		r = read_symtab(m, info);
	if (r)
		minidebug_close(&m);
	else
		*ret = m;
	return r;
}

void minidebug_close(struct minidebug **m)
{
	if (*m) {
		symtab_free(&(*m)->symtab);
		buf_free(&(*m)->elf);
	}
	free(*m);
	*m = NULL;
}

struct str minidebug_find(const struct minidebug *m, uint64_t addr)
{
	return symtab_find(m ? m->symtab : NULL, addr);
}
