/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/insn_arm64.h"

static uint32_t bits(uint32_t w, int at, int n)
{
	return w >> at & ((1u << n) - 1);
}

static int32_t signed_bits(uint32_t w, int at, int n)
{
	return (int32_t)(w << (32 - at - n)) >> (32 - n);
}

static bool is(uint32_t w, uint32_t mask, uint32_t value)
{
	return (w & mask) == value;
}

/* Branches, exceptions, system instructions: bits 28 to 26 are 101. */
static void decode_branch(uint32_t w, struct arm64_insn *i)
{
	uint8_t by = (uint8_t)bits(w, 5, 5);

	if (is(w, 0x7c000000, 0x14000000)) { /* b, bl */
		i->flow = w >> 31 ? ARM64_CALL : ARM64_JUMP;
		i->disp = signed_bits(w, 0, 26) * 4;
	} else if (is(w, 0xff000000, 0x54000000) || is(w, 0x7e000000, 0x34000000)) {
		i->flow = ARM64_COND; /* b.cond, cbz, cbnz */
		i->disp = signed_bits(w, 5, 19) * 4;
	} else if (is(w, 0x7e000000, 0x36000000)) { /* tbz, tbnz */
		i->flow = ARM64_COND;
		i->disp = signed_bits(w, 5, 14) * 4;
	} else if (is(w, 0xfe000000, 0xd6000000)) { /* by register; bit 24, 11: authenticated */
		uint32_t op = bits(w, 21, 3);
		i->flow = op == 1 ? ARM64_CALL
			  : op == 2 || (op == 0 && (by == 16 || by == 17)) ? ARM64_RET : ARM64_STOP;
	} else if (is(w, 0xff000000, 0xd4000000)) { /* svc goes on, as far as we know */
		i->flow = is(w, 0xffe0001f, 0xd4000001) ? ARM64_ON : ARM64_STOP;
	}
}

/* Data processing with an immediate, bits 28 to 26 are 100. */
static void decode_immediate(uint32_t w, struct arm64_insn *i)
{
	i->to = (uint8_t)bits(w, 0, 5);
	if (is(w, 0xbf800000, 0x91000000)) { /* add, sub; sp is register 31 */
		i->kind = ARM64_ADD;
		i->base = (uint8_t)bits(w, 5, 5);
		i->off = (int32_t)bits(w, 10, 12) << (bits(w, 22, 1) ? 12 : 0);
		i->off = w >> 30 & 1 ? -i->off : i->off;
	} else if (i->to == ARM64_SP &&
		   (!is(w, 0x1f800000, 0x12000000) || bits(w, 29, 2) == 3)) {
		i->to = ARM64_NONE; /* the zero register, but for logical ones without flags */
	}
}

static void decode_register(uint32_t w, struct arm64_insn *i)
{
	i->to = (uint8_t)bits(w, 0, 5);
	if (i->to == ARM64_SP && !is(w, 0x3fe00000, 0x0b200000)) /* add, sub (extended register) */
		i->to = ARM64_NONE;
}

static void decode_pair(uint32_t w, struct arm64_insn *i)
{
	uint32_t opc = bits(w, 30, 2), mode = bits(w, 23, 2);
	bool vector = bits(w, 26, 1);
	int32_t off = signed_bits(w, 15, 7) * (vector ? 4 << opc : opc == 2 ? 8 : 4);

	i->kind = bits(w, 22, 1) ? ARM64_LOAD : ARM64_STORE;
	i->base = (uint8_t)bits(w, 5, 5);
	i->off = mode == 1 ? 0 : off;
	i->change = mode == 1 || mode == 3 ? off : 0;
	if (opc == 2 && !vector) {
		i->reg[0] = (uint8_t)bits(w, 0, 5);
		i->reg[1] = (uint8_t)bits(w, 10, 5);
	}
}

static void decode_single(uint32_t w, struct arm64_insn *i)
{
	bool scaled = is(w, 0x3b000000, 0x39000000), vector = bits(w, 26, 1);
	uint32_t mode = bits(w, 10, 2), opc = bits(w, 22, 2);
	int32_t off = scaled ? (int32_t)bits(w, 10, 12) * 8 : signed_bits(w, 12, 9);

	if (!scaled && bits(w, 21, 1))
		return; /* with a register, or atomic: the base stays */
	i->kind = opc ? ARM64_LOAD : ARM64_STORE;
	i->base = (uint8_t)bits(w, 5, 5);
	i->off = !scaled && mode == 1 ? 0 : off;
	i->change = !scaled && (mode & 1) ? off : 0;
	if (bits(w, 30, 2) == 3 && !vector && opc <= 1)
		i->reg[0] = (uint8_t)bits(w, 0, 5);
}

static void decode_memory(uint32_t w, struct arm64_insn *i)
{
	if (is(w, 0x3a000000, 0x28000000))
		decode_pair(w, i);
	else if (is(w, 0x3a000000, 0x38000000))
		decode_single(w, i);
	else if (is(w, 0xbe800000, 0x0c800000)) /* several vectors, with write-back */
		i->to = (uint8_t)bits(w, 5, 5);
}

struct arm64_insn arm64_decode(uint32_t w)
{
	struct arm64_insn i = {.base = ARM64_NONE, .to = ARM64_NONE,
			       .reg = {ARM64_NONE, ARM64_NONE}};

	if (is(w, 0x1c000000, 0x14000000))
		decode_branch(w, &i);
	else if (is(w, 0x1c000000, 0x10000000))
		decode_immediate(w, &i);
	else if (is(w, 0x0e000000, 0x0a000000))
		decode_register(w, &i);
	else if (is(w, 0x0a000000, 0x08000000))
		decode_memory(w, &i);
	else if (is(w, 0x1e000000, 0))
		i.flow = ARM64_STOP; /* reserved, udf; SVE is not for frames */
	return i;
}
