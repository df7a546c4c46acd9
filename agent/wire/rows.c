/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wire/rows.h"

#include <errno.h>

#include "agent/base/cursor.h"

static const int8_t slot_regs[][ROWS_SAVED] = {
	[ROWS_X86_64] = {3, 6, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1},
	[ROWS_AARCH64] = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, -1},
};

int rows_slot_reg(enum rows_arch arch, int slot)
{
	return slot_regs[arch][slot];
}

int rows_reg_slot(enum rows_arch arch, int reg)
{
	for (int i = 0; i < ROWS_SAVED; i++)
		if (slot_regs[arch][i] == reg && reg >= 0)
			return i;
	return -1;
}

/* How many values an operation takes and leaves. */
static const struct {
	uint8_t pops, pushes;
} op_effect[ROWS_OP_KINDS] = {
	[ROWS_OP_CONST] = {0, 1}, [ROWS_OP_REG] = {0, 1}, [ROWS_OP_CFA] = {0, 1},
	[ROWS_OP_DEREF] = {1, 1}, [ROWS_OP_ADD_CONST] = {1, 1},
	[ROWS_OP_DUP] = {1, 2}, [ROWS_OP_DROP] = {1, 0}, [ROWS_OP_SWAP] = {2, 2},
	[ROWS_OP_OVER] = {2, 3},
	[ROWS_OP_ADD] = {2, 1}, [ROWS_OP_SUB] = {2, 1}, [ROWS_OP_MUL] = {2, 1},
	[ROWS_OP_AND] = {2, 1}, [ROWS_OP_OR] = {2, 1}, [ROWS_OP_XOR] = {2, 1},
	[ROWS_OP_SHL] = {2, 1}, [ROWS_OP_SHR] = {2, 1}, [ROWS_OP_SHRA] = {2, 1},
	[ROWS_OP_EQ] = {2, 1}, [ROWS_OP_NE] = {2, 1}, [ROWS_OP_LT] = {2, 1},
	[ROWS_OP_LE] = {2, 1}, [ROWS_OP_GT] = {2, 1}, [ROWS_OP_GE] = {2, 1},
	[ROWS_OP_NEG] = {1, 1}, [ROWS_OP_NOT] = {1, 1},
};

static bool op_ok(const struct rows_op *o)
{
	if (o->op == ROWS_OP_END || o->op >= ROWS_OP_KINDS || o->zero)
		return false;
	if (o->op == ROWS_OP_REG && o->reg >= ROWS_REGS)
		return false;
	return o->op != ROWS_OP_DEREF || o->arg == 1 || o->arg == 2 || o->arg == 4 || o->arg == 8;
}

/* True when an expression that ends, and leaves a value, starts at `at`. */
static bool expr_ok(const struct rows_page *p, int32_t at)
{
	int depth = 0;

	for (int i = 0; i <= ROWS_EXPR_MAX; i++) {
		const struct rows_op *o;
		if (at < 0 || (uint32_t)at + (uint32_t)i >= p->head.n_ops)
			return false;
		o = &p->ops[at + i];
		if (o->op == ROWS_OP_END)
			return depth >= 1;
		if (!op_ok(o) || depth < op_effect[o->op].pops)
			return false;
		depth += op_effect[o->op].pushes - op_effect[o->op].pops;
		if (depth > ROWS_STACK_MAX)
			return false;
	}
	return false;
}

static bool rule_ok(const struct rows_page *p, const struct rows_rule *r)
{
	if (r->cfa_kind >= ROWS_CFA_KINDS || r->cfa_reg >= ROWS_REGS || r->ra_kind >= ROWS_RA_KINDS)
		return false;
	if (r->cfa_kind == ROWS_CFA_EXPR && !expr_ok(p, r->cfa_off))
		return false;
	if (r->ra_kind == ROWS_RA_EXPR && !expr_ok(p, r->ra_off))
		return false;
	if (r->ra_kind == ROWS_RA_REG && (r->ra_off < 0 || r->ra_off >= ROWS_REGS))
		return false;
	for (int i = 0; i < ROWS_SAVED; i++)
		if ((r->saved_kinds >> (2 * i) & 3) == ROWS_SAVED_EXPR && !expr_ok(p, r->saved[i]))
			return false;
	return r->saved_kinds >> (2 * ROWS_SAVED) == 0;
}

int rows_check(const void *blob, size_t len, struct rows_page *ret)
{
	struct cursor c = cursor_over(blob, len);
	struct rows_page p = {0};
	const struct rows_head *h = cursor_take(&c, sizeof(*h));

	if (!h || h->n_rows == 0 || h->n_rows > ROWS_MAX || h->n_rules == 0 ||
	    h->n_rules > ROWS_RULES_MAX || h->n_ops > ROWS_OPS_MAX ||
	    (h->arch != ROWS_X86_64 && h->arch != ROWS_AARCH64))
		return -EBADMSG;
	p.head = *h;
	p.rows = cursor_take(&c, h->n_rows * sizeof(*p.rows));
	p.rules = cursor_take(&c, h->n_rules * sizeof(*p.rules));
	p.ops = cursor_take(&c, h->n_ops * sizeof(*p.ops));
	if (c.bad || cursor_left(&c) || p.rows[0].pc_low != 0)
		return -EBADMSG;
	for (uint32_t i = 0; i < h->n_rows; i++)
		if (p.rows[i].rule >= h->n_rules || (i && p.rows[i].pc_low <= p.rows[i - 1].pc_low))
			return -EBADMSG;
	for (uint32_t i = 0; i < h->n_rules; i++)
		if (!rule_ok(&p, &p.rules[i]))
			return -EBADMSG;
	*ret = p;
	return 0;
}
