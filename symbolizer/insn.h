/* SPDX-License-Identifier: Apache-2.0
 *
 * One x86-64 instruction: its length, where it goes on, and what it does to the registers that an
 * unwinder follows. What the tables do not know has no length: nothing is guessed.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapters 2
 * (formats, VEX, EVEX) and A (opcode maps).
 */
#ifndef SYMBOLIZER_INSN_H
#define SYMBOLIZER_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSN_MAX = 15 }; /* bytes */

/* Registers by the processor's numbers, not DWARF's. */
enum { INSN_RAX = 0, INSN_RCX, INSN_RDX, INSN_RBX, INSN_RSP, INSN_RBP, INSN_NO_REG = 0xff };

enum insn_kind {
	INSN_PLAIN, /* nothing but `writes` */
	INSN_PAD,   /* a no-op, or two bytes of zero */
	INSN_MOVE,  /* dst = src + disp, 64 bits */
	INSN_LOAD,  /* dst = 8 bytes at src + disp */
	INSN_STORE, /* 8 bytes at dst + disp = src */
	INSN_PUSH,  /* src, or INSN_NO_REG: something else */
	INSN_POP,   /* dst, likewise */
	INSN_LEAVE,
	INSN_CALL,  /* `disp` from the next instruction on, or src INSN_NO_REG: who knows */
	INSN_JMP,   /* `disp` from the next instruction on */
	INSN_JCC,
	INSN_RET,
	INSN_STOP,  /* no way on, or none that can be told */
};

struct insn {
	uint8_t len, kind; /* enum insn_kind */
	uint8_t dst, src;
	uint16_t writes; /* a bit a register, whatever part of it; all kinds but PUSH, POP, LEAVE,
			  * RET and those that only jump; not the stack pointer of these */
	int32_t disp;
};

/* Every register that a function may change (psABI, 3.2.1). */
enum { INSN_SCRATCH = 0x0fc7 };

/* False where the bytes are no instruction that we know. */
bool insn_decode(const uint8_t *text, size_t len, struct insn *ret);

#endif
