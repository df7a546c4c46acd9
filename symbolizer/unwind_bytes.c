/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of text that nothing describes, from its bytes: signal trampolines, and what the
 * instructions tell.
 */
#include <string.h>

#include "symbolizer/unwind_priv.h"

enum {
	SMALL_GAP = 16,          /* bytes between functions that are padding at most times */
	FOREIGN_GAP = 512 << 10, /* bytes without CFI in a file that has much: V8's builtins, */
	FOREIGN_FDES = 1000,     /* which keep to conventions of their own */
};

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
uint64_t unwind_sigreturn(const struct unwind *u, uint64_t low, uint64_t high)
{
	struct image_span want = sigreturn(u);
	struct image_span text = image_from(u->img, low, high - low + want.len - 1);
	const uint8_t *hit = text.at ? memmem(text.at, text.len, want.at, want.len) : NULL;

	return hit ? low + (uint64_t)(hit - text.at) : UINT64_MAX;
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

	if (!u->has_eh || !unwind_fde_over(&u->eh, pc, &fde) || fde.cie->signal ||
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
	next = unwind_next_fde(t, g->low);
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
void unwind_fill_bytes(struct unwind *u, uint64_t low, uint64_t high)
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
		uint64_t hit = unwind_sigreturn(u, from, high);
		if (hit == UINT64_MAX)
			break;
		fill_code(u, at, hit - 1);
		page_add_kind(&u->page, hit - 1 > low ? hit - 1 : low, ROWS_CFA_SIGFRAME);
		at = from = unwind_sigreturn_end(hit + len);
	}
	fill_code(u, at, high);
}
