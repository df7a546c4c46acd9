/* SPDX-License-Identifier: Apache-2.0
 *
 * code.h's analysis for A64, where each instruction has four bytes: PLT stubs, linkers' veneers,
 * .init, hand-written assembly.
 */
#include <string.h>

#include "symbolizer/code_priv.h"
#include "symbolizer/insn_arm64.h"

enum {
	PASSES = 16,   /* until nothing changes any more */
	OFF_MAX = 1 << 24,
	PLT_HEAD = 8,  /* instructions */
};

#define STP_X16_LR 0xa9bf7bf0u /* stp x16, x30, [sp, #-16]!: a PLT's first stub */

/* What the way from an instruction on amounts to is a rule: kind NONE is not known, BAD is known to
 * be contradictory. */
struct arm64 {
	const struct code_gap *gap;
	const uint8_t *text; /* from `low` on, n instructions */
	uint64_t low;
	size_t n;
	struct rows_rule *states; /* before each instruction */
};

static uint32_t word_at(const struct arm64 *a, size_t i)
{
	uint32_t w;

	memcpy(&w, a->text + 4 * i, sizeof(w));
	return w;
}

/* At the beginning of every function and before it returns. */
static struct rows_rule entry(void)
{
	return (struct rows_rule){.cfa_kind = ROWS_CFA_REG, .cfa_reg = ARM64_SP,
				  .ra_kind = ROWS_RA_REG, .flags = ROWS_RULE_CODE,
				  .ra_off = ARM64_LR};
}

/* ---- one instruction backwards ---- */

static void set_saved(struct rows_rule *r, int slot, enum rows_saved kind, int32_t at)
{
	r->saved_kinds = (r->saved_kinds & ~(3u << 2 * slot)) | (uint32_t)kind << 2 * slot;
	r->saved[slot] = at;
}

/* It is read back from `at`: until then that is where it stands. */
static void before_load(struct rows_rule *r, int reg, int32_t at)
{
	int slot = rows_reg_slot(ROWS_AARCH64, reg);

	if (reg == ARM64_LR && r->ra_kind == ROWS_RA_REG) {
		r->ra_kind = ROWS_RA_CFA;
		r->ra_off = at;
	} else if (slot >= 0 && (r->saved_kinds >> 2 * slot & 3) == ROWS_SAVED_SAME) {
		set_saved(r, slot, ROWS_SAVED_CFA, at);
	}
}

/* It is put where it stands from then on: until then it is still in its place. */
static void before_store(struct rows_rule *r, int reg, int32_t at)
{
	int slot = rows_reg_slot(ROWS_AARCH64, reg);

	if (reg == ARM64_LR && r->ra_kind == ROWS_RA_CFA && r->ra_off == at) {
		r->ra_kind = ROWS_RA_REG;
		r->ra_off = ARM64_LR;
	} else if (slot >= 0 && (r->saved_kinds >> 2 * slot & 3) == ROWS_SAVED_CFA &&
		   r->saved[slot] == at) {
		set_saved(r, slot, ROWS_SAVED_SAME, 0);
	}
}

static bool overwrites(const struct arm64_insn *i, const struct rows_rule *r)
{
	return i->to != ARM64_NONE &&
	       (i->to == r->cfa_reg || (i->to == ARM64_LR && r->ra_kind == ROWS_RA_REG));
}

static bool loads(const struct arm64_insn *i, int reg)
{
	return i->kind == ARM64_LOAD && (i->reg[0] == reg || i->reg[1] == reg);
}

/* False: nothing is known before it. */
static bool before_memory(const struct arm64_insn *i, struct rows_rule *r)
{
	void (*apply)(struct rows_rule *, int, int32_t) =
		i->kind == ARM64_LOAD ? before_load : before_store;

	if (r->cfa_reg == ARM64_FP && loads(i, ARM64_FP))
		return false;
	if (i->base != r->cfa_reg)
		return true;
	r->cfa_off += i->change;
	for (int k = 0; k < 2; k++)
		if (i->reg[k] != ARM64_NONE && i->reg[k] != ARM64_SP)
			apply(r, i->reg[k], i->off + 8 * k - r->cfa_off);
	return true;
}

static bool before(const struct arm64_insn *i, struct rows_rule *r)
{
	if (i->kind == ARM64_LOAD || i->kind == ARM64_STORE) {
		if (!before_memory(i, r))
			return false;
	} else if (i->kind == ARM64_ADD && i->to == r->cfa_reg &&
		   (i->base == ARM64_SP || i->base == ARM64_FP)) {
		r->cfa_reg = i->base;
		r->cfa_off += i->off;
	} else if (overwrites(i, r)) {
		return false;
	}
	return r->cfa_off > -OFF_MAX && r->cfa_off < OFF_MAX;
}

/* ---- paths ---- */

/* What both paths say; `s` is the one that was known before. True where it has changed. */
static bool join(struct rows_rule *s, const struct rows_rule *o)
{
	struct rows_rule was = *s;

	if (o->cfa_kind == ROWS_CFA_NONE || s->cfa_kind == ROWS_CFA_BAD)
		return false;
	if (s->cfa_kind == ROWS_CFA_NONE) {
		*s = *o;
		return true;
	}
	if (o->cfa_kind == ROWS_CFA_BAD || s->cfa_reg != o->cfa_reg || s->cfa_off != o->cfa_off ||
	    s->ra_kind != o->ra_kind || s->ra_off != o->ra_off) {
		*s = (struct rows_rule){.cfa_kind = ROWS_CFA_BAD};
		return true;
	}
	for (int i = 0; i < ROWS_SAVED; i++) {
		uint32_t mine = s->saved_kinds >> 2 * i & 3;
		if (mine != (o->saved_kinds >> 2 * i & 3) || s->saved[i] != o->saved[i])
			set_saved(s, i, ROWS_SAVED_UNDEF, 0);
	}
	return memcmp(&was, s, sizeof(was)) != 0;
}

/* A jump to text that has CFI is a tail call. */
static struct rows_rule at_target(const struct arm64 *a, size_t i, int32_t disp)
{
	int64_t to = (int64_t)i + disp / 4;
	uint64_t pc = a->low + 4 * (uint64_t)to;

	if (to >= 0 && to < (int64_t)a->n)
		return a->states[to];
	return pc >= a->gap->begin && pc < a->gap->end ? (struct rows_rule){0} : entry();
}

static bool follow(struct arm64 *a, size_t i)
{
	struct arm64_insn insn = arm64_decode(word_at(a, i));
	struct rows_rule s = {0}, other;

	if (insn.flow == ARM64_RET) {
		s = entry();
	} else if (insn.flow == ARM64_JUMP) {
		s = at_target(a, i, insn.disp);
	} else if (insn.flow != ARM64_STOP && i + 1 < a->n) {
		s = a->states[i + 1];
	}
	if (insn.flow == ARM64_COND) {
		other = at_target(a, i, insn.disp);
		join(&s, &other);
	}
	/* Nothing comes back from a call that needs the link register after it. */
	if (insn.flow == ARM64_CALL && s.ra_kind == ROWS_RA_REG)
		return false;
	if (s.cfa_kind == ROWS_CFA_REG && !before(&insn, &s))
		return false;
	return join(&a->states[i], &s);
}

/* The first stub of a PLT jumps with two words on the stack. */
static void correct_plt(struct arm64 *a)
{
	for (size_t i = 0; i < a->n; i++) {
		if (word_at(a, i) != STP_X16_LR)
			continue;
		a->states[i] = entry();
		for (size_t k = i + 1; k < a->n && k < i + PLT_HEAD; k++) {
			a->states[k] = entry();
			a->states[k].cfa_off = 16;
			if (arm64_decode(word_at(a, k)).flow == ARM64_RET)
				break;
		}
	}
}

/* False where there is no end of it. */
static bool settle(struct arm64 *a)
{
	bool changed = true;

	for (int pass = 0; changed && pass < PASSES; pass++) {
		changed = false;
		for (size_t i = a->n; i-- > 0;)
			changed |= follow(a, i);
	}
	return !changed;
}

static void tell(const struct arm64 *a, const struct code_symbols *symbols)
{
	static const struct rows_rule none;
	struct rows_rule end = entry();

	end.ra_kind = ROWS_RA_END;
	end.ra_off = 0;
	for (size_t i = 0; i < a->n && a->low + 4 * i < a->gap->high; i++) {
		const struct rows_rule *r = &a->states[i];

		if (code_symbols_root(symbols, a->low + 4 * i))
			r = &end;
		else if (r->cfa_kind != ROWS_CFA_REG)
			r = &none;
		a->gap->found(a->gap->arg, a->low + 4 * i, r);
	}
}

void code_rules_arm64(const struct image *img, const struct code_symbols *symbols,
		      const struct code_gap *g, struct rows_rule *states)
{
	uint64_t low = (g->low + 3) & ~UINT64_C(3);
	uint64_t end = g->end - g->high > CODE_ARM64_TAIL ? g->high + CODE_ARM64_TAIL : g->end;
	struct image_span text = low < end ? image_from(img, low, end - low)
					   : (struct image_span){0};
	struct arm64 a = {g, text.at, low, text.at ? text.len / 4 : 0, states};

	memset(states, 0, a.n * sizeof(*states));
	if (!settle(&a))
		memset(states, 0, a.n * sizeof(*states));
	correct_plt(&a);
	tell(&a, symbols);
}
