/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/gopclntab.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbolizer/gopclntab_priv.h"
#include "symbolizer/image_priv.h"

enum {
	FUNCS_MAX = 16 << 20,
	SCAN_MAX = 512 << 20,
	MODULEDATA_NAMES = 8,  /* offsets in struct moduledata, Go 1.16 to 1.26 */
	MODULEDATA_TEXT = 176,
};

static const struct {
	uint32_t magic;
	enum gopclntab_version version;
} versions[] = {{0xfffffffa, GO_1_16}, {0xfffffff0, GO_1_18}, {0xfffffff1, GO_1_20}};

static bool known_version(struct gopclntab *t, uint32_t magic)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].magic == magic) {
			t->version = versions[i].version;
			return true;
		}
	return false;
}

/* A part of the table that starts at `offset`: how long it is, nobody says. */
static struct image_span part(struct image_span all, uint64_t offset)
{
	struct cursor c = cursor_over(all.at, all.len);
	const uint8_t *at;

	if (offset >= all.len)
		return (struct image_span){0};
	cursor_skip(&c, offset);
	at = c.at;
	return (struct image_span){at, cursor_left(&c)};
}

/* Reads the header at `all`: false where it is none. `ret_text` is what it says of the text. */
static bool read_header(struct gopclntab *t, struct image_span all, uint64_t *ret_text)
{
	struct cursor c = cursor_over(all.at, all.len);
	uint32_t magic = cursor_u32(&c);
	uint16_t pad = cursor_u16(&c);
	uint8_t quantum = cursor_u8(&c), pointer = cursor_u8(&c);
	uint64_t n = cursor_u64(&c);
	size_t entry;

	if (c.bad || !known_version(t, magic) || pad || (quantum != 1 && quantum != 4) ||
	    pointer != 8 || n == 0 || n > FUNCS_MAX)
		return false;
	cursor_u64(&c); /* files */
	*ret_text = t->version >= GO_1_18 ? cursor_u64(&c) : 0;
	t->quantum = quantum;
	t->n_funcs = n;
	t->all = all;
	t->names = part(all, cursor_u64(&c));
	t->cus = part(all, cursor_u64(&c));
	t->files = part(all, cursor_u64(&c));
	t->pcs = part(all, cursor_u64(&c));
	t->funcs = part(all, cursor_u64(&c));
	entry = t->version >= GO_1_18 ? 8 : 16;
	return !c.bad && t->names.at && t->cus.at && t->files.at && t->pcs.at && t->funcs.at &&
	       t->funcs.len / entry > n;
}

static bool by_section(struct gopclntab *t, uint64_t *ret_text)
{
	static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};
	struct image_sec s;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (image_sec_named(t->img, names[i], &s)) {
			t->vaddr = s.vaddr;
			return read_header(t, image_stored(t->img, names[i]), ret_text);
		}
	return false;
}

/* Externally linked position-independent programs have it somewhere in .data.rel.ro. */
static bool by_magic(struct gopclntab *t, const struct image_seg *seg, uint64_t *ret_text)
{
	struct image_span all = image_from(t->img, seg->vaddr, SCAN_MAX);

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		uint8_t want[6] = {0};
		struct image_span left = all;
		const uint8_t *hit;

		memcpy(want, &versions[i].magic, 4);
		while (left.len && (hit = memmem(left.at, left.len, want, sizeof(want)))) {
			size_t skip = (size_t)(hit - all.at);
			t->vaddr = seg->vaddr + skip;
			if (t->vaddr % 8 == 0 && read_header(t, part(all, skip), ret_text))
				return true;
			left = part(all, skip + 1);
		}
	}
	return false;
}

static bool find_table(struct gopclntab *t, uint64_t *ret_text)
{
	const struct image_seg *s;

	if (by_section(t, ret_text))
		return true;
	for (size_t i = 0; (s = image_seg(t->img, i)); i++)
		if (s->type == PT_LOAD && !(s->flags & PF_X) && by_magic(t, s, ret_text))
			return true;
	return false;
}

static bool in_text(const struct gopclntab *t, uint64_t addr)
{
	return addr && image_seg_at(t->img, addr, true);
}

/* Where Go itself links, .text starts with runtime.text, and the entry point is a function. */
static bool text_by_entry(struct gopclntab *t)
{
	uint64_t entry = image_entry(t->img);
	struct image_sec s;
	size_t i;

	if (!image_sec_named(t->img, ".text", &s) || !in_text(t, s.vaddr) || entry < s.vaddr)
		return false;
	t->text = s.vaddr;
	i = go_find(t, entry);
	return i < t->n_funcs && go_entry(t, i) == entry;
}

/* struct moduledata starts with the table's address; its words as they stand in the file. */
static bool text_by_data(struct gopclntab *t, const struct image_seg *seg)
{
	struct image_span all = image_from(t->img, seg->vaddr, SCAN_MAX), left = all;
	const uint8_t *hit;

	while (left.len && (hit = memmem(left.at, left.len, &t->vaddr, 8))) {
		size_t skip = (size_t)(hit - all.at);
		struct image_span data = part(all, skip);
		struct cursor c = cursor_over(data.at, data.len);

		cursor_skip(&c, MODULEDATA_NAMES);
		if (cursor_u64(&c) == t->vaddr + (uint64_t)(t->names.at - t->all.at)) {
			cursor_skip(&c, MODULEDATA_TEXT - MODULEDATA_NAMES - 8);
			t->text = cursor_u64(&c);
			if (in_text(t, t->text))
				return true;
		}
		left = part(all, skip + 1);
	}
	return false;
}

/* The addend of the relocation at `want`, or (by_addend) the place of the one that has it. */
static bool relocation(struct image_span rela, bool by_addend, uint64_t want, uint64_t *ret)
{
	struct cursor c = cursor_over(rela.at, rela.len);

	while (cursor_left(&c) >= sizeof(Elf64_Rela)) {
		uint64_t place = cursor_u64(&c), addend;
		cursor_u64(&c);
		addend = cursor_u64(&c);
		if ((by_addend ? addend : place) == want) {
			*ret = by_addend ? place : addend;
			return true;
		}
	}
	return false;
}

/* The same, where the words are only in relocations. */
static bool text_by_relocations(struct gopclntab *t)
{
	uint64_t at, size, moduledata;
	struct image_span rela;

	if (!image_dynamic(t->img, DT_RELA, &at) || !image_dynamic(t->img, DT_RELASZ, &size))
		return false;
	rela = image_from(t->img, at, size < SCAN_MAX ? size : SCAN_MAX);
	return relocation(rela, true, t->vaddr, &moduledata) &&
	       relocation(rela, false, moduledata + MODULEDATA_TEXT, &t->text) &&
	       in_text(t, t->text);
}

static bool find_text(struct gopclntab *t, uint64_t header)
{
	const struct image_seg *s;

	if (t->version == GO_1_16)
		return true;
	t->text = header;
	if (in_text(t, header) || text_by_entry(t) || text_by_relocations(t))
		return true;
	for (size_t i = 0; (s = image_seg(t->img, i)); i++)
		if (s->type == PT_LOAD && !(s->flags & PF_X) && text_by_data(t, s))
			return true;
	return false;
}

static bool is_go(const struct image *img)
{
	struct image_sec s;

	return image_note(img, "Go", 4).at || image_sec_named(img, ".go.buildinfo", &s) ||
	       image_sec_named(img, ".gopclntab", &s);
}

int gopclntab_open(const struct image *img, struct gopclntab **ret)
{
	struct gopclntab *t;
	uint64_t header;

	if (!is_go(img))
		return -ENOENT;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->img = img;
	if (!find_table(t, &header) || !find_text(t, header)) {
		free(t);
		return -EBADMSG;
	}
	*ret = t;
	return 0;
}

void gopclntab_close(struct gopclntab **tab)
{
	free(*tab);
	*tab = NULL;
}
