/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/fdes.h"

#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

enum { FDES_MAX = 4 << 20, HDR_MAX = 256 << 20 };

static const struct image_seg *eh_frame_seg(const struct image *img)
{
	const struct image_seg *s;

	for (size_t i = 0; (s = image_seg(img, i)); i++)
		if (s->type == PT_GNU_EH_FRAME)
			return s;
	return NULL;
}

/* Reads .eh_frame_hdr: where .eh_frame is (0: it does not say), and the table if it is of the one
 * encoding that every linker writes. */
static uint64_t read_hdr(struct fdes *f, const struct image_seg *seg)
{
	struct image_span span = image_from(f->img, seg->vaddr, HDR_MAX);
	struct cfi_section sec = {.bytes = span, .vaddr = seg->vaddr, .data = seg->vaddr};
	struct cursor c = cursor_over(span.at, span.len);
	uint8_t version = cursor_u8(&c), eh_enc = cursor_u8(&c);
	uint8_t count_enc = cursor_u8(&c), table_enc = cursor_u8(&c);
	uint64_t eh, count;

	if (c.bad || version != 1 || eh_enc == DW_EH_PE_omit)
		return 0;
	eh = cfi_pointer(&c, eh_enc, &sec, 0);
	if (c.bad || count_enc == DW_EH_PE_omit ||
	    table_enc != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return c.bad ? 0 : eh;
	count = cfi_pointer(&c, count_enc, &sec, 0);
	if (!c.bad && count && count <= cursor_left(&c) / 8) {
		f->table = (struct image_span){cursor_take(&c, count * 8), count * 8};
		f->base = seg->vaddr;
		f->n = count;
	}
	return eh;
}

/* Whether the table tells the truth about its FDE `i`. */
static bool table_right(struct fdes *f, size_t i)
{
	struct fde_ref ref = fdes_at(f, i);
	struct cfi_fde fde;

	return cfi_fde(&f->reader, ref.offset, &fde) == 0 && fde.begin == ref.begin;
}

int fdes_open_eh(const struct image *img, enum rows_arch arch, struct fdes *ret)
{
	const struct image_seg *seg = eh_frame_seg(img);
	struct cfi_section sec = {.arch = arch, .eh = true};
	struct image_sec s;
	bool by_section;

	*ret = (struct fdes){.img = img};
	if (seg)
		sec.vaddr = read_hdr(ret, seg);
	by_section = image_sec_named(img, ".eh_frame", &s) && s.type != SHT_NOBITS;
	if (by_section && (!sec.vaddr || sec.vaddr == s.vaddr)) {
		sec.vaddr = s.vaddr;
		sec.bytes = image_stored(img, ".eh_frame");
	}
	if (!sec.bytes.at && sec.vaddr)
		sec.bytes = image_from(img, sec.vaddr, IMAGE_SECTION_MAX);
	if (!sec.bytes.at)
		return -ENOENT;
	image_dynamic(img, DT_PLTGOT, &sec.data);
	if (image_sec_named(img, ".text", &s))
		sec.text = s.vaddr;
	cfi_reader_init(&ret->reader, &sec);
	if (ret->table.at && !(table_right(ret, 0) && table_right(ret, ret->n - 1)))
		fdes_distrust(ret);
	return 0;
}

int fdes_open_debug(const struct image *img, enum rows_arch arch, struct fdes *ret)
{
	struct cfi_section sec = {.arch = arch};

	*ret = (struct fdes){.img = img};
	sec.bytes = image_data(img, ".debug_frame");
	if (!sec.bytes.at)
		return -ENOENT;
	cfi_reader_init(&ret->reader, &sec);
	return 0;
}

void fdes_close(struct fdes *f)
{
	vec_free(&f->own);
	f->n = 0;
}

static int by_begin(const void *va, const void *vb)
{
	const struct fde_ref *a = va, *b = vb;

	if (a->begin != b->begin)
		return a->begin < b->begin ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* One pass over the section. FDEs of code that the linker dropped point to nowhere executable. */
static int scan(struct fdes *f)
{
	size_t at, next = 0;
	struct cfi_fde fde;
	int got;

	for (at = 0; (got = cfi_next(&f->reader, &next, &fde)) >= 0; at = next) {
		struct fde_ref *r;

		f->reader.budget = CFI_BUDGET; /* CIEs spend it too */
		if (!got || fde.begin == fde.end || !image_seg_at(f->img, fde.begin, true))
			continue;
		if (f->own.len == FDES_MAX)
			break;
		r = vec_add(&f->own);
		if (!r)
			return -ENOMEM;
		*r = (struct fde_ref){fde.begin, at};
	}
	return 0;
}

int fdes_ready(struct fdes *f)
{
	int err;

	if (f->table.at || f->scanned)
		return 0;
	err = scan(f);
	if (err)
		return err;
	if (f->own.len)
		qsort(f->own.at, f->own.len, sizeof(*f->own.at), by_begin);
	f->n = f->own.len;
	f->scanned = true;
	return 0;
}

bool fdes_distrust(struct fdes *f)
{
	if (!f->table.at)
		return false;
	f->table = (struct image_span){0};
	f->n = 0;
	return true;
}

struct fde_ref fdes_at(const struct fdes *f, size_t i)
{
	struct cursor c;
	struct fde_ref r;

	if (!f->table.at)
		return f->own.at[i];
	c = cursor_over(f->table.at + 8 * i, 8);
	r.begin = f->base + (uint64_t)(int64_t)cursor_i32(&c);
	r.offset = f->base + (uint64_t)(int64_t)cursor_i32(&c) - f->reader.sec.vaddr;
	return r;
}

size_t fdes_find(const struct fdes *f, uint64_t pc)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (fdes_at(f, mid).begin <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? low - 1 : 0;
}
