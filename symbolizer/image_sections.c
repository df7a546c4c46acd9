/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "agent/base/cursor.h"
#include "symbolizer/image.h"
#include "symbolizer/image_priv.h"
#include "symbolizer/inflate.h"

enum {
	SECTIONS_MAX = 1 << 18,
	NAME_MAX_LEN = 256,
};

/* Section headers are optional: whatever is wrong with them means that there are none. */
void image_sections_open(struct image *img, const Elf64_Ehdr *h)
{
	struct image_sec strs;
	uint64_t num = h->e_shnum, strndx = h->e_shstrndx;
	Elf64_Shdr first;
	const void *p;

	if (h->e_shoff == 0 || h->e_shentsize != sizeof(Elf64_Shdr))
		return;
	p = image_at(img, h->e_shoff, sizeof(first));
	if (!p)
		return;
	memcpy(&first, p, sizeof(first));
	if (num == 0)
		num = first.sh_size;
	if (strndx == SHN_XINDEX)
		strndx = first.sh_link;
	if (num > SECTIONS_MAX || !image_at(img, h->e_shoff, num * sizeof(Elf64_Shdr)))
		return;
	img->shoff = h->e_shoff;
	img->n_secs = (uint32_t)num;
	if (image_sec(img, strndx, &strs) && strs.type != SHT_NOBITS &&
	    strs.size <= IMAGE_SECTION_MAX) {
		img->shstr.at = image_at(img, strs.offset, strs.size);
		img->shstr.len = img->shstr.at ? strs.size : 0;
	}
}

void image_sections_close(struct image *img)
{
	if (img->elf)
		elf_end(img->elf);
	img->elf = NULL;
}

bool image_sec(const struct image *img, size_t i, struct image_sec *ret)
{
	const void *p = i < img->n_secs ? image_at(img, img->shoff + i * sizeof(Elf64_Shdr),
						   sizeof(Elf64_Shdr)) : NULL;
	struct cursor names;
	const char *name;
	Elf64_Shdr s;

	if (!p)
		return false;
	memcpy(&s, p, sizeof(s));
	names = cursor_over(img->shstr.at, img->shstr.len);
	cursor_skip(&names, s.sh_name);
	if (cursor_left(&names) > NAME_MAX_LEN)
		names = cursor_sub(&names, NAME_MAX_LEN);
	name = cursor_str(&names);
	*ret = (struct image_sec){name ? name : "", s.sh_addr, s.sh_offset, s.sh_size, s.sh_flags,
				  s.sh_entsize, s.sh_type, s.sh_link, (uint32_t)i};
	return true;
}

bool image_sec_named(const struct image *img, const char *name, struct image_sec *ret)
{
	struct image_sec s;

	for (size_t i = 0; image_sec(img, i, &s); i++)
		if (!strcmp(s.name, name)) {
			*ret = s;
			return true;
		}
	return false;
}

static struct image_span stored(const struct image *img, const struct image_sec *s)
{
	struct image_span span = {0};

	if (s->type == SHT_NOBITS || s->size > IMAGE_SECTION_MAX)
		return span;
	span.at = image_at(img, s->offset, s->size);
	span.len = span.at ? s->size : 0;
	return span;
}

struct image_span image_stored(const struct image *img, const char *name)
{
	struct image_sec s;

	return image_sec_named(img, name, &s) ? stored(img, &s) : (struct image_span){0};
}

/* libelf reads the header too: what it is told there decides how much it allocates. */
static bool size_plausible(struct image_span in)
{
	Elf64_Chdr h;

	if (in.len < sizeof(h))
		return false;
	memcpy(&h, in.at, sizeof(h));
	return h.ch_size <= IMAGE_SECTION_MAX &&
	       inflate_plausible(h.ch_type, in.len - sizeof(h), h.ch_size);
}

static struct image_span inflated(struct image *img, const struct image_sec *s)
{
	struct image_span span = stored(img, s);
	Elf_Data *data;
	Elf_Scn *scn;
	GElf_Shdr sh;

	if (!size_plausible(span))
		return (struct image_span){0};
	elf_version(EV_CURRENT);
	if (!img->elf)
		img->elf = elf_begin(img->fd, ELF_C_READ, NULL);
	scn = img->elf ? elf_getscn(img->elf, s->index) : NULL;
	if (!scn || !gelf_getshdr(scn, &sh))
		return (struct image_span){0};
	if (sh.sh_flags & SHF_COMPRESSED && elf_compress(scn, 0, 0) < 0)
		return (struct image_span){0};
	data = elf_getdata(scn, NULL);
	if (!data || !data->d_buf)
		return (struct image_span){0};
	return (struct image_span){data->d_buf, data->d_size};
}

struct image_span image_data(const struct image *cimg, const char *name)
{
	struct image *img = (struct image *)cimg; /* the decompressed sections are a cache */
	struct image_sec s;

	if (!image_sec_named(img, name, &s))
		return (struct image_span){0};
	return s.flags & SHF_COMPRESSED ? inflated(img, &s) : stored(img, &s);
}

bool image_debuglink(const struct image *img, const char **ret_name, uint32_t *ret_crc)
{
	struct image_span s = image_stored(img, ".gnu_debuglink");
	struct cursor c = cursor_over(s.at, s.len);
	const char *name = cursor_str(&c);
	uint32_t crc;

	cursor_skip(&c, (size_t)-(c.at - s.at) & 3);
	crc = cursor_u32(&c);
	if (c.bad)
		return false;
	*ret_name = name;
	*ret_crc = crc;
	return true;
}

static bool has(const struct image *img, const char *name)
{
	struct image_sec s;

	return image_sec_named(img, name, &s) && s.type != SHT_NOBITS;
}

static bool has_seg(const struct image *img, uint32_t type)
{
	const struct image_seg *s;

	for (size_t i = 0; (s = image_seg(img, i)); i++)
		if (s->type == type)
			return true;
	return false;
}

static uint16_t flags_of(const struct image *img)
{
	uint16_t flags = 0;
	uint64_t v;

	if (has(img, ".symtab"))
		flags |= SYM_HAS_SYMTAB;
	if (has(img, ".dynsym") || image_dynamic(img, DT_SYMTAB, &v))
		flags |= SYM_HAS_DYNSYM;
	if (has(img, ".debug_info") || has(img, ".zdebug_info"))
		flags |= SYM_HAS_DEBUG;
	if (has(img, ".gnu_debugdata"))
		flags |= SYM_HAS_MINI;
	if (has_seg(img, PT_GNU_EH_FRAME) || has(img, ".eh_frame") || has(img, ".debug_frame"))
		flags |= SYM_HAS_CFI;
	if (has(img, ".gopclntab") || has(img, ".go.buildinfo") || image_note(img, "Go", 4).at)
		flags |= SYM_IS_GO;
	return flags;
}

void image_info(const struct image *img, struct sym_info *ret)
{
	struct image_span id = image_note(img, "GNU", NT_GNU_BUILD_ID);
	const struct image_seg *s;

	*ret = (struct sym_info){.machine = image_machine(img), .entry = image_entry(img)};
	ret->flags = flags_of(img);
	ret->build_id_len = id.len <= SYM_BUILD_ID_MAX ? (uint8_t)id.len : SYM_BUILD_ID_MAX;
	if (id.at)
		memcpy(ret->build_id, id.at, ret->build_id_len);
	for (size_t i = 0; (s = image_seg(img, i)) && ret->n_segs < SYM_SEGS_MAX; i++)
		if (s->type == PT_LOAD && s->flags & PF_X)
			ret->segs[ret->n_segs++] =
				(struct sym_seg){s->vaddr, s->offset, s->filesz, s->memsz};
}
