/* SPDX-License-Identifier: Apache-2.0 */
#include <dwarf.h>
#include <errno.h>

#include "symbolizer/cfi.h"
#include "symbolizer/cfi_priv.h"

#ifndef DW_CFA_AARCH64_negate_ra_state_with_pc
#define DW_CFA_AARCH64_negate_ra_state_with_pc 0x2c
#endif

struct run {
	struct cfi_reader *r;
	const struct cfi_cie *cie;
	struct cursor c;
	struct cfi_state st;
	struct cfi_state stack[CFI_DEPTH];
	unsigned int depth;
	bool done;
	uint64_t loc, low, high; /* high: of the range, and of the FDE */
	void (*fn)(void *arg, uint64_t begin, const struct cfi_state *state);
	void *arg;
};

/* The index in cfi_state.regs, or -1 where nobody wants to know. */
static int track(const struct run *x, uint64_t reg)
{
	if (reg == x->cie->ra)
		return CFI_RA;
	return reg < ROWS_REGS ? x->r->track[reg] : -1;
}

static void set_rule(struct run *x, uint64_t reg, enum cfi_kind kind, int64_t off)
{
	int i = track(x, reg);

	if (i >= 0)
		x->st.regs[i] = (struct cfi_rule){.kind = (uint8_t)kind, .off = off};
}

static void set_expr(struct run *x, uint64_t reg, enum cfi_kind kind)
{
	uint64_t len = cursor_uleb(&x->c);
	const uint8_t *expr = cursor_take(&x->c, len);
	int i = track(x, reg);

	if (i >= 0 && expr && len <= UINT32_MAX)
		x->st.regs[i] = (struct cfi_rule){
			.kind = (uint8_t)kind, .len = (uint32_t)len, .expr = expr};
}

/* Without overflow's undefined behaviour: a wrong file gets a wrong number. */
static int64_t scale(uint64_t n, int64_t factor)
{
	return (int64_t)(n * (uint64_t)factor);
}

static int64_t data_offset(struct run *x)
{
	return scale(cursor_uleb(&x->c), x->cie->data_align);
}

static int64_t data_offset_signed(struct run *x)
{
	return scale((uint64_t)cursor_sleb(&x->c), x->cie->data_align);
}

static void row_up_to(struct run *x, uint64_t to)
{
	if (x->c.bad)
		return;
	if (to > x->loc && to > x->low)
		x->fn(x->arg, x->loc, &x->st);
	x->loc = to;
	x->done = to >= x->high;
}

static void advance(struct run *x, uint64_t delta)
{
	uint64_t bytes, to;

	if (__builtin_mul_overflow(delta, x->cie->code_align, &bytes) ||
	    __builtin_add_overflow(x->loc, bytes, &to))
		to = UINT64_MAX;
	if (x->fn)
		row_up_to(x, to);
	else
		x->c.bad = true; /* a CIE has no place to advance from */
}

static void set_loc(struct run *x)
{
	uint64_t to = cfi_pointer(&x->c, x->cie->fde_enc, &x->r->sec, x->loc);

	if (!x->fn || to < x->loc)
		x->c.bad = true;
	else
		row_up_to(x, to);
}

static void def_cfa(struct run *x, uint64_t reg, int64_t off)
{
	x->st.cfa = (struct cfi_rule){.kind = CFI_VAL_OFFSET, .off = off};
	x->st.cfa_reg = reg;
}

static void def_cfa_expr(struct run *x)
{
	uint64_t len = cursor_uleb(&x->c);
	const uint8_t *expr = cursor_take(&x->c, len);

	if (expr && len <= UINT32_MAX)
		x->st.cfa = (struct cfi_rule){
			.kind = CFI_VAL_EXPR, .len = (uint32_t)len, .expr = expr};
}

/* Register or offset alone change a "register plus offset", nothing else (DWARF 5, 6.4.2.2). */
static void change_cfa(struct run *x, bool reg, uint64_t value)
{
	if (x->st.cfa.kind != CFI_VAL_OFFSET)
		x->c.bad = true;
	else if (reg)
		x->st.cfa_reg = value;
	else
		x->st.cfa.off = (int64_t)value;
}

static void restore(struct run *x, uint64_t reg)
{
	int i = track(x, reg);

	if (i >= 0)
		x->st.regs[i] = x->cie->initial.regs[i];
}

static void remember_state(struct run *x)
{
	if (x->depth < CFI_DEPTH)
		x->stack[x->depth++] = x->st;
	else
		x->c.bad = true;
}

static void restore_state(struct run *x)
{
	if (x->depth)
		x->st = x->stack[--x->depth];
	else
		x->c.bad = true;
}

static bool step_cfa(struct run *x, uint8_t op)
{
	uint64_t reg;

	switch (op) {
	case DW_CFA_def_cfa:
		reg = cursor_uleb(&x->c);
		def_cfa(x, reg, (int64_t)cursor_uleb(&x->c));
		return true;
	case DW_CFA_def_cfa_sf:
		reg = cursor_uleb(&x->c);
		def_cfa(x, reg, data_offset_signed(x));
		return true;
	case DW_CFA_def_cfa_register:
		change_cfa(x, true, cursor_uleb(&x->c));
		return true;
	case DW_CFA_def_cfa_offset:
		change_cfa(x, false, cursor_uleb(&x->c));
		return true;
	case DW_CFA_def_cfa_offset_sf:
		change_cfa(x, false, (uint64_t)data_offset_signed(x));
		return true;
	case DW_CFA_def_cfa_expression:
		def_cfa_expr(x);
		return true;
	default:
		return false;
	}
}

static bool step_place(struct run *x, uint8_t op)
{
	switch (op) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_set_loc:
		set_loc(x);
		return true;
	case DW_CFA_advance_loc1:
		advance(x, cursor_u8(&x->c));
		return true;
	case DW_CFA_advance_loc2:
		advance(x, cursor_u16(&x->c));
		return true;
	case DW_CFA_advance_loc4:
		advance(x, cursor_u32(&x->c));
		return true;
	case DW_CFA_MIPS_advance_loc8:
		advance(x, cursor_u64(&x->c));
		return true;
	case DW_CFA_remember_state:
		remember_state(x);
		return true;
	case DW_CFA_restore_state:
		restore_state(x);
		return true;
	case DW_CFA_GNU_args_size: /* matters to landing pads only */
		(void)cursor_uleb(&x->c);
		return true;
	case DW_CFA_AARCH64_negate_ra_state:
	case DW_CFA_AARCH64_negate_ra_state_with_pc:
		/* Signed return addresses are masked always, whatever the state. On other machines
		 * the number means SPARC's register windows. */
		if (x->r->sec.arch != ROWS_AARCH64)
			x->c.bad = true;
		return true;
	default:
		return false;
	}
}

static void step_register(struct run *x, uint8_t op)
{
	uint64_t reg = cursor_uleb(&x->c);

	switch (op) {
	case DW_CFA_offset_extended:
		set_rule(x, reg, CFI_OFFSET, data_offset(x));
		break;
	case DW_CFA_offset_extended_sf:
		set_rule(x, reg, CFI_OFFSET, data_offset_signed(x));
		break;
	case DW_CFA_GNU_negative_offset_extended:
		set_rule(x, reg, CFI_OFFSET, scale((uint64_t)data_offset(x), -1));
		break;
	case DW_CFA_val_offset:
		set_rule(x, reg, CFI_VAL_OFFSET, data_offset(x));
		break;
	case DW_CFA_val_offset_sf:
		set_rule(x, reg, CFI_VAL_OFFSET, data_offset_signed(x));
		break;
	case DW_CFA_restore_extended:
		restore(x, reg);
		break;
	case DW_CFA_undefined:
		set_rule(x, reg, CFI_UNDEFINED, 0);
		break;
	case DW_CFA_same_value:
		set_rule(x, reg, CFI_SAME, 0);
		break;
	case DW_CFA_register:
		set_rule(x, reg, CFI_REGISTER, (int64_t)cursor_uleb(&x->c));
		break;
	case DW_CFA_expression:
		set_expr(x, reg, CFI_EXPR);
		break;
	case DW_CFA_val_expression:
		set_expr(x, reg, CFI_VAL_EXPR);
		break;
	default:
		x->c.bad = true;
	}
}

static void step(struct run *x)
{
	uint8_t op = cursor_u8(&x->c), low = op & 0x3f;

	switch (op & 0xc0) {
	case DW_CFA_advance_loc:
		advance(x, low);
		break;
	case DW_CFA_offset:
		set_rule(x, low, CFI_OFFSET, data_offset(x));
		break;
	case DW_CFA_restore:
		restore(x, low);
		break;
	default:
		if (!step_place(x, op) && !step_cfa(x, op))
			step_register(x, op);
	}
}

static int run(struct run *x)
{
	while (!x->c.bad && !x->done && cursor_left(&x->c)) {
		if (x->r->budget-- <= 0)
			return -EBADMSG;
		step(x);
	}
	return x->c.bad ? -EBADMSG : 0;
}

int cfi_run_cie(struct cfi_reader *r, struct cfi_cie *cie, struct cursor program)
{
	struct run x;
	int err;

	x.r = r;
	x.cie = cie;
	x.c = program;
	x.st = cie->initial;
	x.depth = 0;
	x.done = false;
	x.loc = x.low = x.high = 0;
	x.fn = NULL;
	err = run(&x);
	cie->initial = x.st;
	return err;
}

int cfi_run(struct cfi_reader *r, const struct cfi_fde *fde, uint64_t low, uint64_t high,
	    void (*fn)(void *arg, uint64_t begin, const struct cfi_state *state), void *arg)
{
	struct run x; /* not zeroed: the stack of states is large and read only where written */
	int err;

	x.r = r;
	x.cie = fde->cie;
	x.c = fde->program;
	x.st = fde->cie->initial;
	x.depth = 0;
	x.loc = fde->begin;
	x.low = low;
	x.high = high < fde->end ? high : fde->end;
	x.done = x.loc >= x.high;
	x.fn = fn;
	x.arg = arg;
	err = run(&x);
	if (!err && !x.done)
		row_up_to(&x, x.high);
	return err;
}
