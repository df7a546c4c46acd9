/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the symbol tables of an image: by section header, or by the dynamic section where a
 * program was stripped of its headers.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/base/vec.h"
#include "symbolizer/symtab.h"

enum { SECTIONS_MAX = SHN_LORESERVE };

typedef VEC(struct symtab_sec) sections;

static void read_sections(const struct image *img, sections *ret)
{
	struct image_sec s;

	for (size_t i = 0; i < SECTIONS_MAX && image_sec(img, i, &s); i++) {
		struct symtab_sec *out = vec_add(ret);
		if (!out)
			return;
		*out = (struct symtab_sec){s.vaddr, s.vaddr + s.size,
					   (s.flags & SHF_EXECINSTR) &&
						   s.size <= UINT64_MAX - s.vaddr};
	}
}

static bool by_section(const struct image *img, const char *name, struct symtab_in *in)
{
	struct image_sec syms, strs;
	struct image_span a, b;

	if (!image_sec_named(img, name, &syms) || syms.type == SHT_NOBITS ||
	    !image_sec(img, syms.link, &strs) || strs.type == SHT_NOBITS)
		return false;
	a = image_data(img, name);
	b = image_data(img, strs.name);
	/* Two sections may share a name; the link is what counts. */
	if (strs.size != b.len)
		b = (struct image_span){image_at(img, strs.offset, strs.size), strs.size};
	in->syms = a.at;
	in->syms_len = a.len;
	in->strs = (const char *)b.at;
	in->strs_len = b.at ? b.len : 0;
	return a.at && b.at;
}

/* DT_SYMTAB has no length; every linker puts the strings right behind the symbols. */
static bool by_dynamic(const struct image *img, struct symtab_in *in)
{
	uint64_t syms, strs, strs_len;

	if (!image_dynamic(img, DT_SYMTAB, &syms) || !image_dynamic(img, DT_STRTAB, &strs) ||
	    !image_dynamic(img, DT_STRSZ, &strs_len))
		return false;
	if (strs <= syms || strs - syms > IMAGE_SECTION_MAX || strs_len > IMAGE_SECTION_MAX)
		return false;
	in->syms_len = (size_t)(strs - syms);
	in->syms = image_bytes(img, syms, in->syms_len);
	in->strs_len = (size_t)strs_len;
	in->strs = image_bytes(img, strs, in->strs_len);
	return in->syms && in->strs;
}

int symtab_of_image(const struct image *img, const char *section, const struct sym_info *info,
		    struct symtab **ret)
{
	bool is_dynamic = section[1] == 'd';
	struct symtab_in in = {.segs = info->segs, .n_segs = info->n_segs,
			       .sized_only = is_dynamic};
	sections secs = {0};
	int r = -ENOENT;

	if (by_section(img, section, &in) || (is_dynamic && by_dynamic(img, &in))) {
		read_sections(img, &secs);
		in.secs = secs.at;
		in.n_secs = secs.len;
		r = symtab_build(&in, ret);
	}
	vec_free(&secs);
	return r;
}
