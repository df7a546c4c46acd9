/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/expr.h"

#include <dwarf.h>
#include <errno.h>

#include "agent/base/cursor.h"

struct compiler {
	struct cursor c;
	struct rows_op *out;
	int n, depth;
	bool cfa_known;
	int err;
};

static void fail(struct compiler *x, int err)
{
	if (!x->err)
		x->err = err;
}

/* One operation that pops and pushes so many values. */
static void emit(struct compiler *x, enum rows_opcode op, unsigned int reg, int32_t arg, int pops,
		 int pushes)
{
	x->depth -= pops;
	if (x->n >= ROWS_EXPR_MAX || x->depth < 0 || x->depth + pushes > ROWS_STACK_MAX) {
		fail(x, -EBADMSG);
		return;
	}
	x->depth += pushes;
	x->out[x->n++] = (struct rows_op){.op = (uint8_t)op, .reg = (uint8_t)reg, .arg = arg};
}

/* A constant wider than an operation's is put together from pieces. */
static void push_const(struct compiler *x, uint64_t v)
{
	if ((int64_t)v == (int32_t)v) {
		emit(x, ROWS_OP_CONST, 0, (int32_t)v, 0, 1);
		return;
	}
	emit(x, ROWS_OP_CONST, 0, (int32_t)(v >> 32), 0, 1);
	for (int shift = 16; shift >= 0; shift -= 16) {
		emit(x, ROWS_OP_CONST, 0, 16, 0, 1);
		emit(x, ROWS_OP_SHL, 0, 0, 2, 1);
		emit(x, ROWS_OP_ADD_CONST, 0, (int32_t)(v >> shift & 0xffff), 1, 1);
	}
}

static void push_register(struct compiler *x, uint64_t reg, int64_t offset)
{
	if (reg >= ROWS_REGS) {
		fail(x, -ENOTSUP);
	} else if (offset == (int32_t)offset) {
		emit(x, ROWS_OP_REG, (unsigned int)reg, (int32_t)offset, 0, 1);
	} else {
		emit(x, ROWS_OP_REG, (unsigned int)reg, 0, 0, 1);
		push_const(x, (uint64_t)offset);
		emit(x, ROWS_OP_ADD, 0, 0, 2, 1);
	}
}

static void add_const(struct compiler *x, uint64_t v)
{
	if (v <= INT32_MAX) {
		emit(x, ROWS_OP_ADD_CONST, 0, (int32_t)v, 1, 1);
	} else {
		push_const(x, v);
		emit(x, ROWS_OP_ADD, 0, 0, 2, 1);
	}
}

static void deref(struct compiler *x, unsigned int bytes)
{
	if (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8)
		emit(x, ROWS_OP_DEREF, 0, (int32_t)bytes, 1, 1);
	else
		fail(x, -EBADMSG);
}

static void pick(struct compiler *x, unsigned int index)
{
	if (index == 0)
		emit(x, ROWS_OP_DUP, 0, 0, 1, 2);
	else if (index == 1)
		emit(x, ROWS_OP_OVER, 0, 0, 2, 3);
	else
		fail(x, -ENOTSUP);
}

static bool constant(struct compiler *x, uint8_t op)
{
	struct cursor *c = &x->c;

	switch (op) {
	case DW_OP_const1u: push_const(x, cursor_u8(c)); return true;
	case DW_OP_const1s: push_const(x, (uint64_t)(int64_t)cursor_i8(c)); return true;
	case DW_OP_const2u: push_const(x, cursor_u16(c)); return true;
	case DW_OP_const2s: push_const(x, (uint64_t)(int64_t)cursor_i16(c)); return true;
	case DW_OP_const4u: push_const(x, cursor_u32(c)); return true;
	case DW_OP_const4s: push_const(x, (uint64_t)(int64_t)cursor_i32(c)); return true;
	case DW_OP_const8u:
	case DW_OP_const8s: push_const(x, cursor_u64(c)); return true;
	case DW_OP_constu: push_const(x, cursor_uleb(c)); return true;
	case DW_OP_consts: push_const(x, (uint64_t)cursor_sleb(c)); return true;
	default:
		if (op < DW_OP_lit0 || op > DW_OP_lit31)
			return false;
		push_const(x, op - DW_OP_lit0);
		return true;
	}
}

/* Operations without an operand that ours mirror. */
static const struct {
	uint8_t op, pops, pushes;
} plain[256] = {
	[DW_OP_dup] = {ROWS_OP_DUP, 1, 2}, [DW_OP_drop] = {ROWS_OP_DROP, 1, 0},
	[DW_OP_swap] = {ROWS_OP_SWAP, 2, 2}, [DW_OP_over] = {ROWS_OP_OVER, 2, 3},
	[DW_OP_plus] = {ROWS_OP_ADD, 2, 1}, [DW_OP_minus] = {ROWS_OP_SUB, 2, 1},
	[DW_OP_mul] = {ROWS_OP_MUL, 2, 1}, [DW_OP_and] = {ROWS_OP_AND, 2, 1},
	[DW_OP_or] = {ROWS_OP_OR, 2, 1}, [DW_OP_xor] = {ROWS_OP_XOR, 2, 1},
	[DW_OP_shl] = {ROWS_OP_SHL, 2, 1}, [DW_OP_shr] = {ROWS_OP_SHR, 2, 1},
	[DW_OP_shra] = {ROWS_OP_SHRA, 2, 1}, [DW_OP_eq] = {ROWS_OP_EQ, 2, 1},
	[DW_OP_ne] = {ROWS_OP_NE, 2, 1}, [DW_OP_lt] = {ROWS_OP_LT, 2, 1},
	[DW_OP_le] = {ROWS_OP_LE, 2, 1}, [DW_OP_gt] = {ROWS_OP_GT, 2, 1},
	[DW_OP_ge] = {ROWS_OP_GE, 2, 1}, [DW_OP_neg] = {ROWS_OP_NEG, 1, 1},
	[DW_OP_not] = {ROWS_OP_NOT, 1, 1},
};

static void operation(struct compiler *x, uint8_t op)
{
	uint64_t reg;

	switch (op) {
	case DW_OP_nop:
		break;
	case DW_OP_deref:
		deref(x, 8);
		break;
	case DW_OP_deref_size:
		deref(x, cursor_u8(&x->c));
		break;
	case DW_OP_plus_uconst:
		add_const(x, cursor_uleb(&x->c));
		break;
	case DW_OP_pick:
		pick(x, cursor_u8(&x->c));
		break;
	case DW_OP_bregx:
		reg = cursor_uleb(&x->c);
		push_register(x, reg, cursor_sleb(&x->c));
		break;
	case DW_OP_call_frame_cfa:
		if (x->cfa_known)
			emit(x, ROWS_OP_CFA, 0, 0, 0, 1);
		else
			fail(x, -EBADMSG);
		break;
	default:
		if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
			push_register(x, op - DW_OP_breg0, cursor_sleb(&x->c));
		else if (plain[op].op)
			emit(x, plain[op].op, 0, 0, plain[op].pops, plain[op].pushes);
		else if (!constant(x, op))
			fail(x, -ENOTSUP);
	}
}

int expr_compile(const uint8_t *expr, size_t len, bool with_cfa,
		 struct rows_op ret[ROWS_EXPR_MAX + 1])
{
	struct compiler x = {.c = cursor_over(expr, len), .out = ret, .cfa_known = with_cfa};

	if (with_cfa)
		emit(&x, ROWS_OP_CFA, 0, 0, 0, 1);
	while (!x.err && cursor_left(&x.c))
		operation(&x, cursor_u8(&x.c));
	if (x.err)
		return x.err;
	if (x.c.bad || x.depth < 1)
		return -EBADMSG;
	ret[x.n] = (struct rows_op){.op = ROWS_OP_END};
	return x.n + 1;
}
