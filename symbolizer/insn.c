/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/insn.h"

#include <string.h>

/* What an opcode brings along. An opcode without OK is unknown. */
enum {
	OK = 1 << 0,
	M = 1 << 1 | OK,   /* a ModRM byte */
	IB = 1 << 2 | OK,  /* an immediate of 1 byte, */
	IW = 1 << 3 | OK,  /* 2 bytes, */
	IZ = 1 << 4 | OK,  /* 4, or 2 with the operand size prefix, */
	IV = 1 << 5 | OK,  /* or 8 with REX.W */
	MO = 1 << 6 | OK,  /* an address */
	WR = 1 << 7 | OK,  /* writes the general register ModRM.reg, */
	WE = 1 << 8 | OK,  /* ModRM.rm, */
	WV = 1 << 9 | OK,  /* VEX.vvvv, */
	WO = 1 << 10 | OK, /* the register in the opcode, */
	WS = 1 << 11 | OK, /* or some that are scratch anyway */
	B = 1 << 12 | OK,  /* its registers are bytes: 4 to 7 are ah to bh without REX */
	MREG = M | WR, MRM = M | WE,
};
#define HAS(flags, f) (((flags) & (f) & ~OK) != 0)

#define ALU(o) [o] = MRM | B, [(o) + 1] = MRM, [(o) + 2] = MREG | B, [(o) + 3] = MREG,             \
	[(o) + 4] = IB | WS, [(o) + 5] = IZ | WS

static const uint16_t one_byte[256] = {
	ALU(0x00), ALU(0x08), ALU(0x10), ALU(0x18), ALU(0x20), ALU(0x28), ALU(0x30),
	[0x38 ... 0x3b] = M, [0x3c] = IB, [0x3d] = IZ,
	[0x50 ... 0x5f] = OK, [0x63] = MREG, [0x68] = IZ, [0x69] = MREG | IZ, [0x6a] = IB,
	[0x6b] = MREG | IB, [0x6c ... 0x6f] = WS, [0x70 ... 0x7f] = IB,
	[0x80] = MRM | IB | B, [0x81] = MRM | IZ, [0x83] = MRM | IB, [0x84 ... 0x85] = M,
	[0x86] = MREG | WE | B, [0x87] = MREG | WE, [0x88] = MRM | B, [0x89] = MRM,
	[0x8a] = MREG | B, [0x8b] = MREG, [0x8c] = MRM, [0x8d] = MREG, [0x8e] = M, [0x8f] = M,
	[0x90 ... 0x97] = WO | WS, [0x98 ... 0x99] = WS, [0x9b] = OK, [0x9c ... 0x9d] = OK,
	[0x9e ... 0x9f] = WS, [0xa0 ... 0xa3] = MO | WS, [0xa4 ... 0xa7] = WS, [0xa8] = IB,
	[0xa9] = IZ, [0xaa ... 0xaf] = WS, [0xb0 ... 0xb7] = IB | WO | B, [0xb8 ... 0xbf] = IV | WO,
	[0xc0] = MRM | IB | B, [0xc1] = MRM | IB, [0xc2] = IW, [0xc3] = OK, [0xc6] = MRM | IB | B,
	[0xc7] = MRM | IZ, [0xc8] = IW | IB, [0xc9] = OK, [0xcc] = OK, [0xcd] = IB | WS,
	[0xd0] = MRM | B, [0xd1] = MRM, [0xd2] = MRM | B, [0xd3] = MRM, [0xd7] = WS,
	[0xd8 ... 0xdf] = M | WS, [0xe0 ... 0xe3] = IB | WS, [0xe4 ... 0xe7] = IB | WS,
	[0xe8 ... 0xe9] = IZ, [0xeb] = IB, [0xec ... 0xef] = WS, [0xf4 ... 0xf5] = OK,
	[0xf6] = MRM | B | WS, [0xf7] = MRM | WS, [0xf8 ... 0xfd] = OK, [0xfe] = MRM | B,
	[0xff] = MRM,
};

static const uint16_t map_0f[256] = {
	[0x00 ... 0x01] = MRM | WS, [0x02 ... 0x03] = MREG, [0x05] = WS, [0x0b] = OK, [0x0d] = M,
	[0x10 ... 0x1f] = M, [0x28 ... 0x2b] = M, [0x2c ... 0x2d] = MREG, [0x2e ... 0x2f] = M,
	[0x30] = OK, [0x31 ... 0x33] = WS, [0x40 ... 0x4f] = MREG, [0x50] = MREG,
	[0x51 ... 0x6f] = M, [0x70 ... 0x73] = M | IB, [0x74 ... 0x76] = M, [0x77] = OK,
	[0x7c ... 0x7d] = M, [0x7e] = MRM, [0x7f] = M, [0x80 ... 0x8f] = IZ,
	[0x90 ... 0x9f] = MRM | B, [0xa2] = WS, [0xa3] = M, [0xa4] = MRM | IB, [0xa5] = MRM,
	[0xab] = MRM, [0xac] = MRM | IB, [0xad] = MRM, [0xae] = M, [0xaf] = MREG,
	[0xb0] = MRM | B | WS, [0xb1] = MRM | WS, [0xb2] = MREG, [0xb3] = MRM,
	[0xb4 ... 0xb8] = MREG, [0xba] = MRM | IB, [0xbb] = MRM, [0xbc ... 0xbf] = MREG,
	[0xc0] = MREG | WE | B, [0xc1] = MREG | WE, [0xc2] = M | IB, [0xc3] = M, [0xc4] = M | IB,
	[0xc5] = MREG | IB, [0xc6] = M | IB, [0xc7] = MRM | WS, [0xc8 ... 0xcf] = WO,
	[0xd0 ... 0xd6] = M, [0xd7] = MREG, [0xd8 ... 0xfe] = M,
};

static const uint16_t map_38[256] = {
	[0x00 ... 0x0b] = M, [0x10] = M, [0x14 ... 0x15] = M, [0x17] = M, [0x1c ... 0x1e] = M,
	[0x20 ... 0x25] = M, [0x28 ... 0x2b] = M, [0x30 ... 0x35] = M, [0x37 ... 0x41] = M,
	[0xc8 ... 0xcd] = M, [0xcf] = M, [0xdb ... 0xdf] = M, [0xf0 ... 0xf1] = MREG, [0xf6] = MREG,
};

static const uint16_t map_3a[256] = {
	[0x08 ... 0x0f] = M | IB, [0x14 ... 0x17] = MRM | IB, [0x20 ... 0x22] = M | IB,
	[0x40 ... 0x42] = M | IB, [0x44] = M | IB, [0x60 ... 0x63] = M | IB | WS, [0xcc] = M | IB,
	[0xce ... 0xcf] = M | IB, [0xdf] = M | IB,
};

/* By VEX and EVEX; the maps' other opcodes are vectors' alone. */
static const uint16_t vex_0f[256] = {
	[0x10 ... 0x17] = M, [0x28 ... 0x2b] = M, [0x2c ... 0x2d] = MREG, [0x2e ... 0x2f] = M,
	[0x41 ... 0x4b] = M, [0x50] = MREG, [0x51 ... 0x6f] = M, [0x70 ... 0x73] = M | IB,
	[0x74 ... 0x76] = M, [0x77] = OK, [0x78 ... 0x79] = MREG, [0x7a ... 0x7d] = M, [0x7e] = MRM,
	[0x7f] = M, [0x90 ... 0x92] = M, [0x93] = MREG, [0x98 ... 0x99] = M, [0xae] = M,
	[0xc2] = M | IB, [0xc4] = M | IB, [0xc5] = MREG | IB, [0xc6] = M | IB, [0xd0 ... 0xd6] = M,
	[0xd7] = MREG, [0xd8 ... 0xfe] = M,
};

static const uint16_t vex_38[256] = {
	[0x00 ... 0xdf] = M, [0xf2] = MREG, [0xf3] = M | WV, [0xf5] = MREG, [0xf6] = MREG | WV,
	[0xf7] = MREG,
};

static const uint16_t vex_3a[256] = {
	[0x00 ... 0x13] = M | IB, [0x14 ... 0x17] = MRM | IB, [0x18 ... 0x5f] = M | IB,
	[0x60 ... 0x63] = M | IB | WS, [0x64 ... 0xef] = M | IB, [0xf0] = MREG | IB,
};

struct state {
	const uint8_t *at, *end;
	uint8_t rex, rep, map, op, mod, reg, rm, vvvv;
	uint8_t base; /* INSN_NO_REG: no plain base + displacement */
	bool narrow, addr32, segment, vex, evex, bad;
	uint16_t flags;
	int32_t disp;
	int64_t imm;
};

static uint8_t next(struct state *s)
{
	if (s->at < s->end)
		return *s->at++;
	s->bad = true;
	return 0;
}

static int64_t little(struct state *s, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++)
		v |= (uint64_t)next(s) << 8 * i;
	return len < 8 ? (int64_t)(v << (64 - 8 * len)) >> (64 - 8 * len) : (int64_t)v;
}

/* Ends at the first byte of the opcode, which is returned. */
static uint8_t prefixes(struct state *s)
{
	for (;;) {
		uint8_t b = next(s);
		if (s->rex && (b == 0xf0 || b == 0xf2 || b == 0xf3 || (b & 0xf0) == 0x40 ||
			       (b & 0xfc) == 0x64 || (b & 0xe7) == 0x26))
			s->bad = true; /* a REX that does not count: nobody writes that */
		if (s->bad)
			return 0;
		if ((b & 0xf0) == 0x40)
			s->rex = b;
		else if (b == 0xf2 || b == 0xf3)
			s->rep = b;
		else if (b == 0x66)
			s->narrow = true;
		else if (b == 0x67)
			s->addr32 = true;
		else if (b == 0x64 || b == 0x65)
			s->segment = true;
		else if (b != 0xf0 && b != 0x2e && b != 0x36 && b != 0x3e && b != 0x26)
			return b;
	}
}

/* The second half of a VEX or EVEX prefix; REX's bits are inverted there. */
static void vector_prefix(struct state *s, uint8_t first)
{
	static const uint8_t reps[] = {0, 0, 0xf3, 0xf2};
	static const uint16_t *const maps[8] = {[1] = vex_0f, [2] = vex_38, [3] = vex_3a};
	uint8_t a = next(s), b = first == 0xc5 ? a : next(s);

	s->bad |= s->rex || s->rep || s->narrow;
	s->vex = true;
	s->evex = first == 0x62;
	s->map = first == 0xc5 ? 1 : s->evex ? a & 7 : a & 31;
	s->bad |= s->evex && (a & 8 || !(b & 4));
	s->rex = (uint8_t)(0x40 | (~a >> 5 & (first == 0xc5 ? 4 : 7)));
	s->vvvv = ~b >> 3 & 15;
	s->rep = reps[b & 3];
	if (s->evex)
		next(s);
	s->op = next(s);
	if (s->evex && (s->map == 5 || s->map == 6)) /* half floats */
		s->flags = s->map == 5 ? (vex_0f[s->op] & ~(unsigned)IB) | OK : M;
	else
		s->flags = s->map < 8 && maps[s->map] ? maps[s->map][s->op] : 0;
	if (s->evex && s->map == 1 && s->op == 0x77)
		s->flags = 0;
}

static void opcode(struct state *s)
{
	uint8_t b = prefixes(s);

	if (b == 0xc4 || b == 0xc5 || b == 0x62) {
		vector_prefix(s, b);
		return;
	}
	if (b != 0x0f) {
		s->op = b;
		s->flags = one_byte[b];
		return;
	}
	s->map = 1;
	s->op = next(s);
	s->flags = map_0f[s->op];
	if (s->op == 0x38 || s->op == 0x3a) {
		const uint16_t *t = s->op == 0x38 ? map_38 : map_3a;
		s->map = s->op == 0x38 ? 2 : 3;
		s->op = next(s);
		s->flags = t[s->op];
	}
}

static void modrm(struct state *s)
{
	uint8_t m = next(s), sib, base;
	bool rip;

	s->mod = m >> 6;
	s->reg = (m >> 3 & 7) | (s->rex & 4) << 1;
	s->rm = (m & 7) | (s->rex & 1) << 3;
	s->base = INSN_NO_REG;
	if (s->mod == 3)
		return;
	base = m & 7;
	rip = s->mod == 0 && base == 5;
	if (base == 4) {
		sib = next(s);
		base = sib & 7;
		if ((sib >> 3 & 7) == 4 && !(s->rex & 2) && !(s->mod == 0 && base == 5))
			s->base = base | (s->rex & 1) << 3;
		rip = s->mod == 0 && base == 5;
	} else if (!rip) {
		s->base = s->rm;
	}
	if (s->mod == 1)
		s->disp = (int32_t)little(s, 1);
	else if (s->mod == 2 || rip)
		s->disp = (int32_t)little(s, 4);
	if (s->addr32 || s->segment)
		s->base = INSN_NO_REG;
}

/* Groups whose flags depend on ModRM.reg, and opcodes whose meaning depends on a prefix. */
static void refine(struct state *s)
{
	uint8_t n = s->reg & 7;

	if (s->map == 0 && !s->vex) {
		if ((s->op >= 0x80 && s->op <= 0x83 && n == 7) ||
		    (s->op == 0xff && n >= 2) || ((s->op | 1) == 0xf7 && n != 2 && n != 3))
			s->flags &= (uint16_t)~(1 << 8);
		if ((s->op | 1) == 0xf7 && n < 2)
			s->flags |= s->op == 0xf6 ? IB : IZ;
		s->bad |= (s->op == 0xfe && n > 1) || (s->op == 0xff && (n == 7 || n == 3)) ||
			  ((s->op | 1) == 0xc7 && n) || (s->op == 0x8f && n);
	} else if (s->map == 1 || s->map == 5) {
		if (((s->op & 0xfe) == 0x2c || (s->vex && (s->op & 0xfe) == 0x78)) && !s->rep)
			s->flags &= (uint16_t)~(1 << 7);
		if (s->op == 0x7e && s->rep == 0xf3)
			s->flags &= (uint16_t)~(1 << 8);
		if (!s->vex && s->rep == 0xf3 && (s->op == 0xae || s->op == 0x1e))
			s->flags |= WE;
		if (!s->vex && s->op == 0xba) {
			s->bad |= n < 4;
			s->flags &= n == 4 ? (uint16_t)~(1 << 8) : 0xffff;
		}
		s->bad |= !s->vex && s->op == 0xb8 && s->rep != 0xf3;
	}
}

static void immediate(struct state *s)
{
	bool wide = s->rex & 8;

	if (HAS(s->flags, IZ)) {
		bool branch = (s->map == 0 && (s->op & 0xfe) == 0xe8) ||
			      (s->map == 1 && (s->op & 0xf0) == 0x80);
		/* Of a branch some processors heed the prefix, others do not. */
		s->bad |= branch && s->narrow && !wide;
		s->imm = little(s, s->narrow && !wide ? 2 : 4);
	}
	if (HAS(s->flags, IV))
		s->imm = little(s, wide ? 8 : s->narrow ? 2 : 4);
	if (HAS(s->flags, MO))
		s->imm = little(s, s->addr32 ? 4 : 8);
	if (HAS(s->flags, IW))
		s->imm = little(s, 2);
	if (HAS(s->flags, IB))
		s->imm = little(s, 1);
}

static uint16_t reg_bit(const struct state *s, uint8_t reg)
{
	if (HAS(s->flags, B) && !s->rex && reg >= 4)
		reg -= 4;
	return (uint16_t)(1 << (reg & 15));
}

static uint16_t writes(const struct state *s)
{
	uint16_t w = HAS(s->flags, WS) ? INSN_SCRATCH : 0;

	if (HAS(s->flags, WR))
		w |= reg_bit(s, s->reg);
	if (HAS(s->flags, WE) && s->mod == 3)
		w |= reg_bit(s, s->rm);
	if (HAS(s->flags, WV))
		w |= (uint16_t)(1 << s->vvvv);
	if (HAS(s->flags, WO))
		w |= reg_bit(s, (s->op & 7) | (s->rex & 1) << 3);
	if (s->map == 1 && !s->vex && s->op == 0xa2)
		w |= 1 << INSN_RBX;
	return w;
}

static void set(struct insn *i, enum insn_kind kind, uint8_t dst, uint8_t src, int64_t disp)
{
	i->kind = (uint8_t)kind;
	i->dst = dst;
	i->src = src;
	i->disp = (int32_t)disp;
}

/* 64-bit moves between registers, and to and from memory at a register. */
static void classify_move(const struct state *s, struct insn *i)
{
	uint8_t n = s->reg & 7;

	if (!(s->rex & 8))
		return;
	if ((s->op == 0x81 || s->op == 0x83) && s->mod == 3 && (n == 0 || n == 5))
		set(i, INSN_MOVE, s->rm, s->rm, n ? -s->imm : s->imm);
	else if (s->op == 0x8d && s->base != INSN_NO_REG)
		set(i, INSN_MOVE, s->reg, s->base, s->disp);
	else if (s->op == 0x89 && s->mod == 3)
		set(i, INSN_MOVE, s->rm, s->reg, 0);
	else if (s->op == 0x8b && s->mod == 3)
		set(i, INSN_MOVE, s->reg, s->rm, 0);
	else if (s->op == 0x8b && s->base != INSN_NO_REG)
		set(i, INSN_LOAD, s->reg, s->base, s->disp);
	else if (s->op == 0x89 && s->base != INSN_NO_REG)
		set(i, INSN_STORE, s->base, s->reg, s->disp);
}

static void classify_group5(const struct state *s, struct insn *i)
{
	static const uint8_t kinds[8] = {[2] = INSN_CALL, [4] = INSN_STOP, [5] = INSN_STOP,
					 [6] = INSN_PUSH};
	uint8_t n = s->reg & 7;

	if (kinds[n])
		set(i, kinds[n], INSN_NO_REG, INSN_NO_REG, 0);
}

static void classify_one_byte(const struct state *s, struct insn *i)
{
	uint8_t op = s->op, reg = (op & 7) | (s->rex & 1) << 3;

	if (op >= 0x50 && op <= 0x57)
		set(i, INSN_PUSH, INSN_NO_REG, reg, 0);
	else if (op >= 0x58 && op <= 0x5f)
		set(i, INSN_POP, reg, INSN_NO_REG, 0);
	else if (op == 0x68 || op == 0x6a || op == 0x9c)
		set(i, INSN_PUSH, INSN_NO_REG, INSN_NO_REG, 0);
	else if (op == 0x8f || op == 0x9d)
		set(i, INSN_POP, op == 0x8f && s->mod == 3 ? s->rm : INSN_NO_REG, INSN_NO_REG, 0);
	else if ((op >= 0x70 && op <= 0x7f) || (op >= 0xe0 && op <= 0xe3))
		set(i, INSN_JCC, 0, 0, s->imm);
	else if (op == 0xe8)
		set(i, INSN_CALL, 0, 0, s->imm);
	else if (op == 0xe9 || op == 0xeb)
		set(i, INSN_JMP, 0, 0, s->imm);
	else if (op == 0xc3)
		set(i, INSN_RET, 0, 0, 0);
	else if (op == 0xc9)
		set(i, INSN_LEAVE, 0, 0, 0);
	else if (op == 0xc2 || op == 0xc8 || op == 0xcc || op == 0xf4)
		set(i, INSN_STOP, 0, 0, 0);
	else if (op == 0xff)
		classify_group5(s, i);
	else if (op == 0x90 && !(s->rex & 1))
		i->kind = INSN_PAD, i->writes = 0;
	else
		classify_move(s, i);
	if (s->narrow && (i->kind == INSN_PUSH || i->kind == INSN_POP || i->kind == INSN_LEAVE))
		i->kind = INSN_STOP; /* 2 bytes */
}

bool insn_decode(const uint8_t *text, size_t len, struct insn *ret)
{
	struct state s = {.at = text, .end = text + (len < INSN_MAX ? len : INSN_MAX)};

	opcode(&s);
	if (s.bad || !s.flags)
		return false;
	if (HAS(s.flags, M)) {
		modrm(&s);
		refine(&s);
	}
	immediate(&s);
	if (s.bad)
		return false;
	*ret = (struct insn){.len = (uint8_t)(s.at - text), .kind = INSN_PLAIN,
			     .writes = writes(&s)};
	if (!s.vex && s.map == 0)
		classify_one_byte(&s, ret);
	else if (!s.vex && s.map == 1 && (s.op & 0xf0) == 0x80)
		set(ret, INSN_JCC, 0, 0, s.imm);
	else if (!s.vex && s.map == 1 && s.op == 0x0b)
		ret->kind = INSN_STOP;
	else if (!s.vex && s.map == 1 && s.op == 0x1f)
		ret->kind = INSN_PAD;
	if (ret->len == 2 && text[0] == 0 && text[1] == 0)
		ret->kind = INSN_PAD;
	return true;
}
