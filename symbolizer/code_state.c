/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/code_priv.h"

#include <string.h>

enum { FAR = 1 << 24 }; /* no frame is larger */

static const uint8_t dwarf_reg[16] = {0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};

/* The slot of rows.h; -1 for a register that is not kept. */
static int slot_of(uint8_t reg)
{
	return reg < 16 ? rows_reg_slot(ROWS_X86_64, dwarf_reg[reg]) : -1;
}

struct code_state code_entry(void)
{
	return (struct code_state){.status = CODE_RULE, .reg = INSN_RSP, .off = 8};
}

static void lose(struct code_state *s)
{
	*s = (struct code_state){0};
}

static void write_slot(struct code_state *s, int slot, bool known, int64_t at)
{
	if (slot < 0 || s->kinds[slot] != ROWS_SAVED_SAME)
		return; /* overwritten later */
	known = known && at <= -16 && at > -FAR;
	s->kinds[slot] = known ? ROWS_SAVED_CFA : ROWS_SAVED_UNDEF;
	s->at[slot] = known ? (int32_t)at : 0;
}

/* Before `src` is stored at CFA + at, what is restored from there later is still in `src`. */
static void store_slot(struct code_state *s, uint8_t src, bool known, int64_t at)
{
	for (int i = 0; i < CODE_SLOTS; i++) {
		bool same = slot_of(src) == i;
		if (s->kinds[i] != ROWS_SAVED_CFA || (known ? s->at[i] != at : !same))
			continue;
		s->kinds[i] = known && same ? ROWS_SAVED_SAME : ROWS_SAVED_UNDEF;
		s->at[i] = 0;
	}
}

static void before_writes(struct code_state *s, uint16_t writes)
{
	if (writes >> s->reg & 1) {
		lose(s);
		return;
	}
	for (uint8_t r = 0; r < 16; r++)
		if (writes >> r & 1)
			write_slot(s, slot_of(r), false, 0);
}

static void before_move(const struct insn *i, struct code_state *s)
{
	write_slot(s, slot_of(i->dst), false, 0);
	if (s->reg != i->dst)
		return;
	s->reg = i->src;
	s->off = i->disp > -FAR && i->disp < FAR ? s->off + i->disp : FAR;
}

static void before_pop(uint8_t dst, struct code_state *s)
{
	bool by_sp = s->reg == INSN_RSP;

	if (s->reg == dst) {
		lose(s);
		return;
	}
	s->off += by_sp ? 8 : 0;
	write_slot(s, slot_of(dst), by_sp, -(int64_t)s->off);
}

static void before_push(uint8_t src, struct code_state *s)
{
	bool by_sp = s->reg == INSN_RSP;

	store_slot(s, src, by_sp, -(int64_t)s->off);
	s->off -= by_sp ? 8 : 0;
}

static void before_load(const struct insn *i, struct code_state *s)
{
	if (s->reg == i->dst)
		lose(s);
	else
		write_slot(s, slot_of(i->dst), s->reg == i->src, (int64_t)i->disp - s->off);
}

static void before_leave(struct code_state *s)
{
	if (s->reg == INSN_RBP) {
		lose(s);
		return;
	}
	if (s->reg == INSN_RSP) {
		s->reg = INSN_RBP;
		s->off += 8;
	}
	write_slot(s, slot_of(INSN_RBP), s->reg == INSN_RBP, -(int64_t)s->off);
}

/* The return address lies at or above the stack pointer, and so does all that was saved. */
static void check(struct code_state *s)
{
	if (s->status != CODE_RULE)
		return;
	if (s->off >= FAR || s->off <= -FAR || (s->reg == INSN_RSP && s->off < 8)) {
		lose(s);
		return;
	}
	for (int i = 0; i < CODE_SLOTS; i++)
		if (s->reg == INSN_RSP && s->kinds[i] == ROWS_SAVED_CFA && s->at[i] < -s->off) {
			s->kinds[i] = ROWS_SAVED_UNDEF;
			s->at[i] = 0;
		}
}

void code_before(const struct insn *i, struct code_state *s)
{
	if (s->status != CODE_RULE)
		return;
	switch (i->kind) {
	case INSN_MOVE:
		before_move(i, s);
		break;
	case INSN_LOAD:
		before_load(i, s);
		break;
	case INSN_STORE:
		if (s->reg == i->dst || i->dst == INSN_RSP || i->dst == INSN_RBP)
			store_slot(s, i->src, s->reg == i->dst, (int64_t)i->disp - s->off);
		break;
	case INSN_PUSH:
		before_push(i->src, s);
		break;
	case INSN_POP:
		before_pop(i->dst, s);
		break;
	case INSN_LEAVE:
		before_leave(s);
		break;
	case INSN_CALL:
		if (INSN_SCRATCH >> s->reg & 1)
			lose(s);
		break;
	default:
		before_writes(s, i->writes);
	}
	check(s);
}

/* What is said of one register of the caller: where it was saved wins over "unchanged", which is
 * then as true: this register was saved and has not been changed yet. */
static bool join_slot(struct code_state *s, const struct code_state *o, int i)
{
	uint8_t kind = o->kinds[i];

	if (kind == s->kinds[i] && (kind != ROWS_SAVED_CFA || o->at[i] == s->at[i]))
		return false;
	if (kind == ROWS_SAVED_CFA && s->kinds[i] == ROWS_SAVED_CFA)
		kind = ROWS_SAVED_UNDEF;
	if (kind <= s->kinds[i])
		return false;
	s->kinds[i] = kind;
	s->at[i] = kind == ROWS_SAVED_CFA ? o->at[i] : 0;
	return true;
}

bool code_join(struct code_state *s, const struct code_state *o)
{
	bool changed = false;

	if (s->status == CODE_CONFLICT || o->status == CODE_OPEN)
		return false;
	if (s->status == CODE_OPEN) {
		*s = *o;
		return true;
	}
	if (o->status == CODE_CONFLICT || (o->reg == s->reg && o->off != s->off)) {
		*s = (struct code_state){.status = CODE_CONFLICT};
		return true;
	}
	if (o->reg != s->reg) { /* two ways to say it; the stack pointer's never goes stale */
		if (o->reg != INSN_RSP)
			return false;
		s->reg = o->reg;
		s->off = o->off;
		changed = true;
	}
	for (int i = 0; i < CODE_SLOTS; i++)
		changed |= join_slot(s, o, i);
	return changed;
}

void code_to_rule(const struct code_state *s, struct rows_rule *ret)
{
	*ret = (struct rows_rule){.cfa_kind = ROWS_CFA_NONE};
	if (s->status != CODE_RULE)
		return;
	ret->cfa_kind = ROWS_CFA_REG;
	ret->cfa_reg = dwarf_reg[s->reg];
	ret->cfa_off = s->off;
	ret->ra_kind = ROWS_RA_CFA;
	ret->ra_off = -8;
	ret->flags = ROWS_RULE_CODE;
	for (int i = 0; i < CODE_SLOTS; i++) {
		ret->saved_kinds |= (uint32_t)s->kinds[i] << 2 * i;
		ret->saved[i] = s->at[i];
	}
}

struct code_state code_from_rule(const struct rows_rule *r)
{
	struct code_state s = {.status = CODE_RULE, .off = r->cfa_off};

	if (r->cfa_kind != ROWS_CFA_REG || r->ra_kind != ROWS_RA_CFA || r->ra_off != -8 ||
	    r->flags & ROWS_RULE_SIGNAL)
		return (struct code_state){0};
	while (s.reg < 16 && dwarf_reg[s.reg] != r->cfa_reg)
		s.reg++;
	if (s.reg == 16)
		return (struct code_state){0};
	for (int i = 0; i < CODE_SLOTS; i++) {
		uint32_t kind = r->saved_kinds >> 2 * i & 3;
		s.kinds[i] = kind == ROWS_SAVED_EXPR ? ROWS_SAVED_UNDEF : (uint8_t)kind;
		s.at[i] = kind == ROWS_SAVED_CFA ? r->saved[i] : 0;
	}
	check(&s);
	return s;
}
