/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/unwind.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbolizer/code.h"
#include "symbolizer/fdes.h"
#include "symbolizer/gopclntab.h"
#include "symbolizer/page.h"

enum {
	SIGNAL_MAX = 4096, /* bytes of a signal trampoline's FDE that are searched */
	ENTRY_GUESS = 64, /* bytes of an entry point that nothing describes */
	SMALL_FDE = 16,   /* bytes; such ones are compared with rt_sigreturn too */
	SMALL_GAP = 16,   /* bytes between functions that are padding at most times */
	FOREIGN_GAP = 512 << 10, /* bytes without CFI in a file that has much: V8's builtins, */
	FOREIGN_FDES = 1000,     /* which keep to conventions of their own */
};

/* Where knowledge comes from: what one source leaves open is asked of the next. */
enum source { EH_FRAME, GO, DEBUG_FRAME, BYTES };

struct unwind {
	const struct image *img;
	enum rows_arch arch;
	struct fdes eh, debug;
	struct gopclntab *go; /* NULL: not a Go program */
	struct code *code;    /* NULL until the first gap in the CFI */
	bool has_eh, has_debug, opened_debug, knows_entry;
	uint64_t entry_low, entry_high; /* the function at e_entry; empty: none */
	struct page page;
	int err; /* of the page at work */
};

static void fill(struct unwind *u, enum source source, uint64_t low, uint64_t high);

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

static void add_end(struct unwind *u, uint64_t pc)
{
	struct rows_rule r = end_rule(u);

	page_add(&u->page, pc, &r);
}

/* The two instructions that enter rt_sigreturn(2), as every C library and kernel writes them, and
 * as debuggers know them. */
static struct image_span sigreturn(const struct unwind *u)
{
	static const uint8_t x86_64[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	static const uint8_t aarch64[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4};

	if (u->arch == ROWS_X86_64)
		return (struct image_span){x86_64, sizeof(x86_64)};
	return (struct image_span){aarch64, sizeof(aarch64)};
}

/* The first rt_sigreturn that begins in [low, high); UINT64_MAX. */
static uint64_t find_sigreturn(const struct unwind *u, uint64_t low, uint64_t high)
{
	struct image_span want = sigreturn(u);
	struct image_span text = image_from(u->img, low, high - low + want.len - 1);
	const uint8_t *hit = text.at ? memmem(text.at, text.len, want.at, want.len) : NULL;

	return hit ? low + (uint64_t)(hit - text.at) : UINT64_MAX;
}

/* Where its rows end. A sample in the system call stands behind the last instruction, which nothing
 * ever reaches otherwise, unless a function begins there: those are aligned. */
static uint64_t sigreturn_end(uint64_t end)
{
	return end % 16 ? end + 1 : end;
}

/* The FDE over `pc`, or 0; where there is none `ret->begin` is that of the next one. */
static bool fde_over(struct fdes *t, uint64_t pc, struct cfi_fde *ret)
{
	size_t i;

	if (fdes_ready(t) || !t->n)
		return false;
	i = fdes_find(t, pc);
	return cfi_fde(&t->reader, fdes_at(t, i).offset, ret) == 0 && pc >= ret->begin &&
	       pc < ret->end;
}

/* Where the first FDE above `pc` begins. */
static uint64_t next_fde(const struct fdes *t, uint64_t pc)
{
	size_t i = fdes_find(t, pc);

	while (i < t->n && fdes_at(t, i).begin <= pc)
		i++;
	return i < t->n ? fdes_at(t, i).begin : UINT64_MAX;
}

/* What CFI says of one address, for paths that lead there from where there is none. */
static void keep_state(void *arg, uint64_t begin, const struct cfi_state *state)
{
	struct cfi_state *ret = arg;

	*ret = *state;
}

static bool known_rule(void *arg, uint64_t pc, struct rows_rule *ret)
{
	struct unwind *u = arg;
	struct cfi_state st = {.cfa.kind = CFI_UNDEFINED};
	const struct cfi_rule *ra = &st.regs[CFI_RA];
	struct cfi_fde fde;

	if (!u->has_eh || !fde_over(&u->eh, pc, &fde) || fde.cie->signal ||
	    cfi_run(&u->eh.reader, &fde, pc, pc + 1, keep_state, &st) < 0 ||
	    st.cfa.kind != CFI_VAL_OFFSET || st.cfa_reg >= ROWS_REGS || ra->kind != CFI_OFFSET ||
	    st.cfa.off != (int32_t)st.cfa.off || ra->off != -8)
		return false;
	*ret = (struct rows_rule){.cfa_kind = ROWS_CFA_REG, .cfa_reg = (uint8_t)st.cfa_reg,
				  .cfa_off = (int32_t)st.cfa.off, .ra_kind = ROWS_RA_CFA,
				  .ra_off = -8};
	for (int i = 0; i < ROWS_SAVED; i++) {
		const struct cfi_rule *reg = &st.regs[i];
		bool at_cfa = reg->kind == CFI_OFFSET && reg->off == (int32_t)reg->off;
		if (reg->kind == CFI_SAME)
			continue;
		ret->saved_kinds |= (uint32_t)(at_cfa ? ROWS_SAVED_CFA : ROWS_SAVED_UNDEF) << 2 * i;
		ret->saved[i] = at_cfa ? (int32_t)reg->off : 0;
	}
	return true;
}

static void add_code(void *arg, uint64_t pc, const struct rows_rule *rule)
{
	struct unwind *u = arg;

	page_add(&u->page, pc, rule);
}

/* How far the text without CFI around [low, high) reaches; its beginning is a known one. */
static void whole_gap(struct unwind *u, struct fdes *t, struct code_gap *g)
{
	struct cfi_fde fde;
	uint64_t next;

	if (fdes_ready(t) || !t->n)
		return;
	if (cfi_fde(&t->reader, fdes_at(t, fdes_find(t, g->low)).offset, &fde) == 0 &&
	    fde.end <= g->low && fde.end > g->begin)
		g->begin = fde.end;
	next = next_fde(t, g->low);
	if (next >= g->high && next < g->end)
		g->end = next;
}

/* Text without any CFI, of which the instructions may tell something. */
static void fill_code(struct unwind *u, uint64_t low, uint64_t high)
{
	struct code_gap g = {low, high, low, high, known_rule, add_code, u};
	const struct image_seg *s = image_seg_at(u->img, low, true);

	if (low >= high)
		return;
	page_add_kind(&u->page, low, ROWS_CFA_NONE);
	if (u->go || !s || high - s->vaddr > s->memsz)
		return;
	if (u->arch == ROWS_X86_64 && high - low < SMALL_GAP &&
	    code_is_padding(u->img, low, high))
		return;
	g.begin = low == u->page.low ? s->vaddr : low;
	if (low == u->entry_high) /* which is a guess, maybe inside an instruction */
		g.begin = u->entry_low;
	g.end = high == u->page.high ? s->vaddr + s->memsz : high;
	if (u->has_eh)
		whole_gap(u, &u->eh, &g);
	if (u->has_debug)
		whole_gap(u, &u->debug, &g);
	/* A callee that takes its arguments off the stack would make rows wrong. (On aarch64 that
	 * cannot be taken for something else.) */
	if (u->arch == ROWS_X86_64 && u->has_eh && u->eh.n > FOREIGN_FDES &&
	    g.end - g.begin > FOREIGN_GAP)
		return;
	if (!u->code)
		u->err = code_open(u->img, &u->code);
	if (!u->err)
		code_rules(u->code, &g);
}

/* No CFI: still, a return address into rt_sigreturn means a signal frame. Callers look at the
 * byte before a return address, so that one belongs to it. */
static void fill_bytes(struct unwind *u, uint64_t low, uint64_t high)
{
	uint64_t len = sigreturn(u).len, from = low, at = low;

	/* Between two functions there is mostly padding, with no room for it. */
	if (high - low < len && low != u->page.low && high != u->page.high) {
		fill_code(u, low, high);
		return;
	}
	if (image_bytes(u->img, low - (len - 1), len - 1)) /* one that `low` cuts in two */
		from = low - (len - 1);
	while (from < high) {
		uint64_t hit = find_sigreturn(u, from, high);
		if (hit == UINT64_MAX)
			break;
		fill_code(u, at, hit - 1);
		page_add_kind(&u->page, hit - 1 > low ? hit - 1 : low, ROWS_CFA_SIGFRAME);
		at = from = sigreturn_end(hit + len);
	}
	fill_code(u, at, high);
}

static bool is_sigreturn(const struct unwind *u, const struct cfi_fde *fde)
{
	return fde->end - fde->begin <= (fde->cie->signal ? SIGNAL_MAX : SMALL_FDE) &&
	       find_sigreturn(u, fde->begin, fde->end) != UINT64_MAX;
}

struct fde_rows {
	struct unwind *u;
	uint64_t low;
	bool signal;
};

static void add_row(void *arg, uint64_t begin, const struct cfi_state *state)
{
	struct fde_rows *f = arg;

	page_add_cfi(&f->u->page, begin > f->low ? begin : f->low, state, f->signal);
}

/* [low, high) is what of the FDE lies in the page. */
static void add_fde(struct unwind *u, struct cfi_reader *r, const struct cfi_fde *fde, uint64_t low,
		    uint64_t high)
{
	struct fde_rows f = {u, low, fde->cie->signal};

	if (is_sigreturn(u, fde)) {
		page_add_kind(&u->page, low, ROWS_CFA_SIGFRAME);
		return;
	}
	if (cfi_run(r, fde, low, high, add_row, &f) < 0) {
		page_cut(&u->page, low);
		page_add_kind(&u->page, low, ROWS_CFA_BAD);
	}
}

/* One FDE of the table, and the gap before it from `*at` on. False where the table lied. */
static bool fill_fde(struct unwind *u, struct fdes *t, size_t i, enum source next_source,
		     uint64_t *at, uint64_t high)
{
	struct fde_ref ref = fdes_at(t, i);
	uint64_t next = i + 1 < t->n ? fdes_at(t, i + 1).begin : UINT64_MAX, end = next;
	struct cfi_fde fde;
	bool good;

	if (next < ref.begin)
		return false;
	if (next == ref.begin)
		return true; /* two for one function: the later one */
	good = cfi_fde(&t->reader, ref.offset, &fde) == 0;
	if (good && fde.begin != ref.begin)
		return false;
	if (good && fde.end < end)
		end = is_sigreturn(u, &fde) ? sigreturn_end(fde.end) : fde.end;
	if (end > high)
		end = high;
	if (end <= *at)
		return true;
	if (ref.begin > *at) {
		fill(u, next_source, *at, ref.begin);
		*at = ref.begin;
	}
	if (good)
		add_fde(u, &t->reader, &fde, *at, end);
	else
		page_add_kind(&u->page, *at, ROWS_CFA_BAD);
	*at = end;
	return true;
}

static void fill_fdes(struct unwind *u, struct fdes *t, enum source next, uint64_t low,
		      uint64_t high)
{
	uint64_t at = low;

	u->err = fdes_ready(t);
	if (u->err)
		return;
	for (size_t i = fdes_find(t, low); i < t->n && at < high; i++) {
		if (fdes_at(t, i).begin >= high)
			break;
		if (!fill_fde(u, t, i, next, &at, high)) {
			if (!fdes_distrust(t))
				continue;
			page_cut(&u->page, low);
			fill_fdes(u, t, next, low, high);
			return;
		}
	}
	if (at < high)
		fill(u, next, at, high);
}

/* Go's frames save no register of the caller's but the frame pointer. */
static void go_frame(const struct unwind *u, const struct gopclntab_span *s, struct rows_rule *r)
{
	int fp = rows_reg_slot(u->arch, u->arch == ROWS_X86_64 ? 6 : 29);

	r->cfa_kind = ROWS_CFA_REG;
	for (int i = 0; i < ROWS_SAVED; i++)
		if (i != fp && rows_slot_reg(u->arch, i) >= 0)
			r->saved_kinds |= (uint32_t)ROWS_SAVED_UNDEF << (2 * i);
	if (s->saves_fp)
		r->saved_kinds |= (uint32_t)ROWS_SAVED_CFA << (2 * fp);
	r->ra_kind = ROWS_RA_CFA;
	if (u->arch == ROWS_X86_64) {
		r->cfa_reg = s->by_fp ? 6 : 7;
		r->cfa_off = s->by_fp ? 16 : s->delta + 8;
		r->ra_off = -8;
		r->saved[fp] = s->saves_fp ? -16 : 0;
		return;
	}
	/* The frame pointer points 8 bytes below where the stack pointer was. */
	r->cfa_reg = s->by_fp ? 29 : 31;
	r->cfa_off = s->by_fp ? s->delta + 8 : s->delta;
	r->ra_off = -s->delta;
	r->saved[fp] = s->saves_fp ? -s->delta - 8 : 0;
	if (s->delta == 0) {
		r->ra_kind = ROWS_RA_REG;
		r->ra_off = 30;
	}
}

static void add_go(void *arg, const struct gopclntab_span *s)
{
	struct unwind *u = arg;
	struct rows_rule r = {0};

	switch (s->kind) {
	case GOPCLNTAB_NONE:
		fill(u, DEBUG_FRAME, s->low, s->high);
		break;
	case GOPCLNTAB_TOP:
		add_end(u, s->low);
		break;
	case GOPCLNTAB_SIGRETURN:
		page_add_kind(&u->page, s->low - 1, ROWS_CFA_SIGFRAME);
		break;
	case GOPCLNTAB_FRAME:
		go_frame(u, s, &r);
		page_add(&u->page, s->low, &r);
		break;
	default:
		page_add_kind(&u->page, s->low, ROWS_CFA_BAD);
	}
}

static void fill_debug(struct unwind *u, uint64_t low, uint64_t high)
{
	if (!u->opened_debug) {
		u->opened_debug = true;
		u->has_debug = fdes_open_debug(u->img, u->arch, &u->debug) == 0;
	}
	if (u->has_debug)
		fill_fdes(u, &u->debug, BYTES, low, high);
	else
		fill_bytes(u, low, high);
}

static void fill(struct unwind *u, enum source source, uint64_t low, uint64_t high)
{
	if (u->err || low >= high)
		return;
	switch (source) {
	case EH_FRAME:
		if (u->has_eh) {
			fill_fdes(u, &u->eh, GO, low, high);
			break;
		}
		/* fall through */
	case GO:
		if (u->go) {
			gopclntab_spans(u->go, low, high, add_go, u);
			break;
		}
		/* fall through */
	case DEBUG_FRAME:
		fill_debug(u, low, high);
		break;
	case BYTES:
		fill_bytes(u, low, high);
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
	if (u->has_eh && fde_over(&u->eh, entry, &fde)) {
		u->entry_low = fde.begin;
		u->entry_high = fde.end;
	} else if (u->go && gopclntab_func(u->go, entry, &func)) {
		u->entry_high = func.end;
	} else {
		if (u->has_eh)
			next = next_fde(&u->eh, entry);
		u->entry_high = next - entry < ENTRY_GUESS ? next : entry + ENTRY_GUESS;
	}
}

/* The code in [low, high), with the entry point cut out. */
static void fill_text(struct unwind *u, uint64_t low, uint64_t high)
{
	uint64_t from = u->entry_low > low ? u->entry_low : low;
	uint64_t to = u->entry_high < high ? u->entry_high : high;

	if (from >= to) {
		fill(u, EH_FRAME, low, high);
		return;
	}
	fill(u, EH_FRAME, low, from);
	add_end(u, from);
	fill(u, EH_FRAME, to, high);
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
	if (find_sigreturn(u, u->page.high, u->page.high + 1) != UINT64_MAX)
		page_add_kind(&u->page, u->page.high - 1, ROWS_CFA_SIGFRAME);
	if (u->err)
		return u->err;
	return page_write(&u->page, b);
}
