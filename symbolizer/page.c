/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbolizer/expr.h"

enum { SPARE_RULES = 4 }; /* always room for the plain kinds */

int page_init(struct page *p, enum rows_arch arch)
{
	*p = (struct page){.arch = arch};
	p->rows = malloc(ROWS_MAX * sizeof(*p->rows));
	p->rules = malloc(ROWS_RULES_MAX * sizeof(*p->rules));
	p->ops = malloc(ROWS_OPS_MAX * sizeof(*p->ops));
	return p->rows && p->rules && p->ops ? 0 : -ENOMEM;
}

void page_free(struct page *p)
{
	free(p->rows);
	free(p->rules);
	free(p->ops);
}

void page_start(struct page *p, uint32_t number)
{
	p->number = number;
	p->low = (uint64_t)number << ROWS_PAGE_BITS;
	p->high = p->low + ROWS_PAGE_SIZE;
	p->n_rows = p->n_rules = p->n_ops = p->n_exprs = 0;
	memset(p->rule_hash, 0, sizeof(p->rule_hash));
	memset(p->expr_hash, 0, sizeof(p->expr_hash));
}

/* For tables of our own making: hostile input can make them slow, not endless. In two lanes, since
 * there is one for each row; `len` is a multiple of 8. */
static uint32_t hash_bytes(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t a = len, b = ~len, w[2] = {0};

	for (; len >= sizeof(w); at += sizeof(w), len -= sizeof(w)) {
		memcpy(w, at, sizeof(w));
		a = (a ^ w[0]) * UINT64_C(0x9e3779b97f4a7c15);
		b = (b ^ w[1]) * UINT64_C(0xc2b2ae3d27d4eb4f);
	}
	memcpy(w, at, len);
	a = (a ^ w[0]) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)((a ^ b >> 7) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (PAGE_HASH - 1);
}

static bool is_plain(const struct rows_rule *r)
{
	return r->cfa_kind == ROWS_CFA_NONE || r->cfa_kind == ROWS_CFA_BAD ||
	       r->cfa_kind == ROWS_CFA_SIGFRAME;
}

/* The index of the rule in the page: -1 where there are too many. */
static int rule_index(struct page *p, const struct rows_rule *r)
{
	uint32_t at = hash_bytes(r, sizeof(*r));

	for (; p->rule_hash[at]; at = (at + 1) & (PAGE_HASH - 1))
		if (!memcmp(&p->rules[p->rule_hash[at] - 1], r, sizeof(*r)))
			return p->rule_hash[at] - 1;
	if (p->n_rules >= (is_plain(r) ? ROWS_RULES_MAX : ROWS_RULES_MAX - SPARE_RULES))
		return -1;
	p->rules[p->n_rules++] = *r;
	p->rule_hash[at] = (uint16_t)p->n_rules;
	return (int)p->n_rules - 1;
}

void page_add(struct page *p, uint64_t pc, const struct rows_rule *rule)
{
	static const struct rows_rule bad = {.cfa_kind = ROWS_CFA_BAD};
	uint16_t low;
	int index;

	if (pc >= p->high)
		return;
	index = rule_index(p, rule);
	if (index < 0)
		index = rule_index(p, &bad);
	low = pc > p->low ? (uint16_t)(pc - p->low) : 0;
	if (p->n_rows && p->rows[p->n_rows - 1].pc_low >= low)
		p->n_rows--;
	if (p->n_rows && p->rows[p->n_rows - 1].rule == index)
		return;
	p->rows[p->n_rows++] = (struct rows_row){low, (uint16_t)index};
}

void page_add_kind(struct page *p, uint64_t pc, enum rows_cfa kind)
{
	struct rows_rule r = {.cfa_kind = (uint8_t)kind};

	page_add(p, pc, &r);
}

void page_cut(struct page *p, uint64_t pc)
{
	uint64_t low = pc > p->low ? pc - p->low : 0;

	while (p->n_rows && p->rows[p->n_rows - 1].pc_low >= low)
		p->n_rows--;
}

/* The index of the expression's first operation in the page: -1 where there is no saying it. */
static int32_t expr_index(struct page *p, const struct cfi_rule *rule, bool with_cfa)
{
	struct rows_op ops[ROWS_EXPR_MAX + 1];
	int n = expr_compile(rule->expr, rule->len, with_cfa, ops);
	uint32_t at;

	if (n < 0)
		return -1;
	/* An expression ends with the only END in it, so equal bytes are the equal expression. */
	at = hash_bytes(ops, (size_t)n * sizeof(*ops));
	for (; p->expr_hash[at]; at = (at + 1) & (PAGE_HASH - 1)) {
		uint32_t i = p->expr_hash[at] - 1u;
		if (i + (uint32_t)n <= p->n_ops &&
		    !memcmp(&p->ops[i], ops, (size_t)n * sizeof(*ops)))
			return (int32_t)i;
	}
	if (p->n_ops + (uint32_t)n > ROWS_OPS_MAX || p->n_exprs >= PAGE_HASH / 2)
		return -1;
	memcpy(&p->ops[p->n_ops], ops, (size_t)n * sizeof(*ops));
	p->expr_hash[at] = (uint16_t)(p->n_ops + 1);
	p->n_ops += (uint32_t)n;
	p->n_exprs++;
	return (int32_t)p->n_ops - n;
}

static bool fits(int64_t v, int32_t *ret)
{
	*ret = (int32_t)v;
	return *ret == v;
}

static bool cfa_of(struct page *p, const struct cfi_state *st, struct rows_rule *r)
{
	if (st->cfa.kind == CFI_VAL_EXPR) {
		r->cfa_kind = ROWS_CFA_EXPR;
		r->cfa_off = expr_index(p, &st->cfa, false);
		return r->cfa_off >= 0;
	}
	r->cfa_kind = ROWS_CFA_REG;
	r->cfa_reg = (uint8_t)st->cfa_reg;
	return st->cfa.kind == CFI_VAL_OFFSET && st->cfa_reg < ROWS_REGS &&
	       fits(st->cfa.off, &r->cfa_off);
}

static bool ra_of(struct page *p, const struct cfi_rule *ra, struct rows_rule *r)
{
	switch (ra->kind) {
	case CFI_UNDEFINED:
		r->ra_kind = ROWS_RA_END;
		return true;
	case CFI_OFFSET:
		r->ra_kind = ROWS_RA_CFA;
		return fits(ra->off, &r->ra_off);
	case CFI_SAME: /* the link register; x86_64 has none */
		r->ra_kind = ROWS_RA_REG;
		r->ra_off = 30;
		return p->arch == ROWS_AARCH64;
	case CFI_REGISTER:
		r->ra_kind = ROWS_RA_REG;
		return fits(ra->off, &r->ra_off) && ra->off >= 0 && ra->off < ROWS_REGS;
	case CFI_EXPR:
		r->ra_kind = ROWS_RA_EXPR;
		r->ra_off = expr_index(p, ra, true);
		return r->ra_off >= 0;
	default:
		return false;
	}
}

/* A callee-saved register that rows cannot find is lost, not a reason to stop here. */
static void saved_of(struct page *p, int slot, const struct cfi_rule *reg, struct rows_rule *r)
{
	uint32_t kind = ROWS_SAVED_UNDEF;
	int32_t at = 0;

	if (reg->kind == CFI_SAME) {
		return;
	} else if (reg->kind == CFI_OFFSET && fits(reg->off, &at)) {
		kind = ROWS_SAVED_CFA;
	} else if (reg->kind == CFI_EXPR) {
		at = expr_index(p, reg, true);
		kind = at >= 0 ? ROWS_SAVED_EXPR : ROWS_SAVED_UNDEF;
	} else if (reg->kind == CFI_REGISTER && reg->off == rows_slot_reg(p->arch, slot)) {
		return;
	}
	r->saved_kinds |= kind << (2 * slot);
	r->saved[slot] = kind == ROWS_SAVED_UNDEF ? 0 : at;
}

void page_add_cfi(struct page *p, uint64_t pc, const struct cfi_state *st, bool signal)
{
	struct rows_rule r = {.flags = signal ? ROWS_RULE_SIGNAL : 0};
	const struct cfi_rule *sp = &st->regs[CFI_SP];
	/* The caller's stack pointer is the CFA in all that rows can say. */
	bool ok = sp->kind == CFI_VAL_OFFSET && sp->off == 0;

	ok = ok && cfa_of(p, st, &r) && ra_of(p, &st->regs[CFI_RA], &r);
	if (!ok) {
		page_add_kind(p, pc, ROWS_CFA_BAD);
		return;
	}
	for (int i = 0; i < ROWS_SAVED && r.ra_kind != ROWS_RA_END; i++)
		saved_of(p, i, &st->regs[i], &r);
	page_add(p, pc, &r);
}

int page_write(const struct page *p, struct buf *b)
{
	struct rows_head h = {p->number, (uint16_t)p->arch, (uint16_t)p->n_rules, p->n_rows,
			      p->n_ops};

	buf_put(b, &h, sizeof(h));
	buf_put(b, p->rows, p->n_rows * sizeof(*p->rows));
	buf_put(b, p->rules, p->n_rules * sizeof(*p->rules));
	buf_put(b, p->ops, p->n_ops * sizeof(*p->ops));
	return b->bad ? -ENOMEM : 0;
}
