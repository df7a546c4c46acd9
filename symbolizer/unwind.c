/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/unwind.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "symbolizer/unwind_priv.h"

enum { ENTRY_GUESS = 64 /* bytes of an entry point that nothing describes */ };

int unwind_open(const struct image *img, struct unwind **ret)
{
	enum rows_arch arch = image_machine(img) == EM_AARCH64 ? ROWS_AARCH64 : ROWS_X86_64;
	struct unwind *u;
	int err;

	if (image_machine(img) != EM_AARCH64 && image_machine(img) != EM_X86_64)
		return -ENOTSUP;
	u = calloc(1, sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->img = img;
	u->arch = arch;
	err = page_init(&u->page, arch);
	if (!err && gopclntab_open(img, &u->go) == -ENOMEM)
		err = -ENOMEM;
	if (err) {
		unwind_close(&u);
		return err;
	}
	u->has_eh = fdes_open_eh(img, arch, &u->eh) == 0;
	*ret = u;
	return 0;
}

void unwind_close(struct unwind **up)
{
	struct unwind *u = *up;

	*up = NULL;
	if (!u)
		return;
	page_free(&u->page);
	gopclntab_close(&u->go);
	code_close(&u->code);
	fdes_close(&u->eh);
	fdes_close(&u->debug);
	free(u);
}

/* The outermost frame: whoever unwinds to it is done. */
static struct rows_rule end_rule(const struct unwind *u)
{
	struct rows_rule r = {.cfa_kind = ROWS_CFA_REG, .ra_kind = ROWS_RA_END};

	r.cfa_reg = u->arch == ROWS_X86_64 ? 7 : 31;
	r.cfa_off = u->arch == ROWS_X86_64 ? 8 : 0;
	return r;
}

void unwind_add_end(struct unwind *u, uint64_t pc)
{
	struct rows_rule r = end_rule(u);

	page_add(&u->page, pc, &r);
}

static void fill_debug(struct unwind *u, uint64_t low, uint64_t high)
{
	if (!u->opened_debug) {
		u->opened_debug = true;
		u->has_debug = fdes_open_debug(u->img, u->arch, &u->debug) == 0;
	}
	if (u->has_debug)
		unwind_fill_fdes(u, &u->debug, BYTES, low, high);
	else
		unwind_fill_bytes(u, low, high);
}

void unwind_fill(struct unwind *u, enum source source, uint64_t low, uint64_t high)
{
	if (u->err || low >= high)
		return;
	switch (source) {
	case EH_FRAME:
		if (u->has_eh) {
			unwind_fill_fdes(u, &u->eh, GO, low, high);
			break;
		}
		/* fall through */
	case GO:
		if (u->go) {
			unwind_fill_go(u, low, high);
			break;
		}
		/* fall through */
	case DEBUG_FRAME:
		fill_debug(u, low, high);
		break;
	case BYTES:
		unwind_fill_bytes(u, low, high);
		break;
	}
}

static bool has_seg(const struct image *img, uint32_t type)
{
	const struct image_seg *s;

	for (size_t i = 0; (s = image_seg(img, i)); i++)
		if (s->type == type)
			return true;
	return false;
}

/* Linkers give shared libraries the start of .text for an entry point, which it is not. The
 * dynamic linker has a real one. */
static bool has_entry(const struct unwind *u)
{
	uint64_t flags = 0;
	struct image_sec text;

	if (!image_entry(u->img) || !image_seg_at(u->img, image_entry(u->img), true))
		return false;
	image_dynamic(u->img, DT_FLAGS_1, &flags);
	if (image_type(u->img) == ET_EXEC || has_seg(u->img, PT_INTERP) || flags & DF_1_PIE)
		return true;
	return !image_sec_named(u->img, ".text", &text) || text.vaddr != image_entry(u->img);
}

/* The function at the entry point has no caller, whatever its CFI says of its first bytes. */
static void find_entry(struct unwind *u)
{
	uint64_t entry = image_entry(u->img), next = UINT64_MAX;
	struct gopclntab_func func;
	struct cfi_fde fde;

	u->knows_entry = true;
	if (!has_entry(u))
		return;
	u->entry_low = entry;
	if (u->has_eh && unwind_fde_over(&u->eh, entry, &fde)) {
		u->entry_low = fde.begin;
		u->entry_high = fde.end;
	} else if (u->go && gopclntab_func(u->go, entry, &func)) {
		u->entry_high = func.end;
	} else {
		if (u->has_eh)
			next = unwind_next_fde(&u->eh, entry);
		u->entry_high = next - entry < ENTRY_GUESS ? next : entry + ENTRY_GUESS;
	}
}

/* The code in [low, high), with the entry point cut out. */
static void fill_text(struct unwind *u, uint64_t low, uint64_t high)
{
	uint64_t from = u->entry_low > low ? u->entry_low : low;
	uint64_t to = u->entry_high < high ? u->entry_high : high;

	if (from >= to) {
		unwind_fill(u, EH_FRAME, low, high);
		return;
	}
	unwind_fill(u, EH_FRAME, low, from);
	unwind_add_end(u, from);
	unwind_fill(u, EH_FRAME, to, high);
}

/* The next executable segment's part of the page at or above `at`: false where there is none. */
static bool next_text(const struct unwind *u, uint64_t at, uint64_t *low, uint64_t *high)
{
	const struct image_seg *s;

	*low = u->page.high;
	for (size_t i = 0; (s = image_seg(u->img, i)); i++) {
		uint64_t begin = s->vaddr > at ? s->vaddr : at, end = s->vaddr + s->memsz;
		if (s->type != PT_LOAD || !(s->flags & PF_X) || begin >= *low || begin >= end)
			continue;
		*low = begin;
		*high = end < u->page.high ? end : u->page.high;
	}
	return *low < u->page.high;
}

int unwind_rows(struct unwind *u, uint32_t page, struct buf *b)
{
	uint64_t at, low, high = 0;

	page_start(&u->page, page);
	u->err = 0;
	u->eh.reader.budget = u->debug.reader.budget = CFI_BUDGET;
	if (!u->knows_entry)
		find_entry(u);
	page_add_kind(&u->page, u->page.low, ROWS_CFA_NONE);
	for (at = u->page.low; next_text(u, at, &low, &high); at = high) {
		fill_text(u, low, high);
		page_add_kind(&u->page, high, ROWS_CFA_NONE);
	}
	/* The byte before an rt_sigreturn that begins with the next page. */
	if (unwind_sigreturn(u, u->page.high, u->page.high + 1) != UINT64_MAX)
		page_add_kind(&u->page, u->page.high - 1, ROWS_CFA_SIGFRAME);
	if (u->err)
		return u->err;
	return page_write(&u->page, b);
}
