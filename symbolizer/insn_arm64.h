/* SPDX-License-Identifier: Apache-2.0
 *
 * What an A64 instruction does to the flow of control, to the stack pointer and to the registers
 * that a frame is found by (Arm Architecture Reference Manual, C4.1). No more than that.
 */
#ifndef SYMBOLIZER_INSN_ARM64_H
#define SYMBOLIZER_INSN_ARM64_H

#include <stdbool.h>
#include <stdint.h>

enum { ARM64_FP = 29, ARM64_LR = 30, ARM64_SP = 31, ARM64_NONE = 32 };

enum arm64_flow {
	ARM64_ON,
	ARM64_STOP, /* undefined, a trap, a jump to who knows where */
	ARM64_RET,  /* ret, and br by x16 or x17, which linkers and tail calls use */
	ARM64_JUMP,
	ARM64_COND,
	ARM64_CALL,
};

enum arm64_kind {
	ARM64_OTHER,
	ARM64_ADD,   /* to = base + off: also mov from or to the stack pointer, and sub */
	ARM64_LOAD,  /* reg[0] (and reg[1]) from base + off, 8 bytes each */
	ARM64_STORE,
};

struct arm64_insn {
	uint8_t flow, kind;
	uint8_t base, to;  /* to: what is written besides; ARM64_NONE */
	uint8_t reg[2];    /* general ones of 8 bytes; ARM64_NONE */
	int32_t off;       /* from base as it was before */
	int32_t change;    /* of the base, by write-back */
	int32_t disp;      /* of a jump, in bytes from the instruction */
};

struct arm64_insn arm64_decode(uint32_t word);

#endif
