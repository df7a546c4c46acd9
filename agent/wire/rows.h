/* SPDX-License-Identifier: Apache-2.0
 *
 * The unwind table of one 64 KiB page of text, flat: what the symbolizer compiles from CFI (or
 * from .gopclntab) and the collector walks stacks with.
 *
 * A page covers the ELF virtual addresses [page << 16, (page + 1) << 16) of one module. Its rows
 * are sorted by pc_low, strictly rising; rows[0].pc_low is 0; a row holds up to the next one.
 * The blob is hostile until rows_check() has passed it: afterwards every index in it is in range,
 * every kind is known, and every expression ends.
 *
 * Registers are numbered as DWARF numbers them (x86-64 psABI figure 3.36: 0 rax 1 rdx 2 rcx 3 rbx
 * 4 rsi 5 rdi 6 rbp 7 rsp 8-15 r8-r15 16 rip; AADWARF64: 0-30 x0-x30, 31 sp, 32 pc).
 */
#ifndef WIRE_ROWS_H
#define WIRE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ROWS_PAGE_BITS = 16,
	ROWS_PAGE_SIZE = 1 << ROWS_PAGE_BITS,
	ROWS_MAX = 65536,      /* rows of a page */
	ROWS_RULES_MAX = 4096, /* different rules of a page */
	ROWS_OPS_MAX = 16384,  /* expression operations of a page */
	ROWS_EXPR_MAX = 64,    /* operations of one expression, END not counted */
	ROWS_STACK_MAX = 16,   /* depth of an expression's stack */
	ROWS_SAVED = 12,
	ROWS_REGS = 33, /* registers that a walk knows */
};

enum rows_arch {
	ROWS_X86_64 = 1,
	ROWS_AARCH64 = 2,
#ifdef __aarch64__
	ROWS_NATIVE = ROWS_AARCH64,
#else
	ROWS_NATIVE = ROWS_X86_64,
#endif
};

/* How the canonical frame address (the stack pointer before the call) is found. A row of kind NONE
 * or BAD says nothing else (all other fields 0); the outermost frame is always of kind REG (or
 * EXPR) with ROWS_RA_END, whether CFI or the entry point told it. */
enum rows_cfa {
	ROWS_CFA_NONE = 0, /* no CFI covers this pc (padding, hand-written assembly, V8 builtins) */
	ROWS_CFA_BAD,      /* CFI covers it, but it is broken or beyond us */
	ROWS_CFA_REG,      /* regs[cfa_reg] + cfa_off */
	ROWS_CFA_EXPR,     /* value of the expression at ops[cfa_off] */
	ROWS_CFA_SIGFRAME, /* the instructions of rt_sigreturn: all registers stand in the kernel's
			    * struct rt_sigframe at the stack pointer (asm/sigcontext.h) */
	ROWS_CFA_KINDS
};

/* How the return address is found. */
enum rows_ra {
	ROWS_RA_END = 0, /* undefined: this is the outermost frame (DWARF 5, 6.4.4), or by what the
			  * symbolizer knows of the entry point or of Go's top frames */
	ROWS_RA_CFA,     /* 8 bytes at CFA + ra_off */
	ROWS_RA_REG,     /* in register ra_off (aarch64: x30 in a leaf) */
	ROWS_RA_EXPR,    /* 8 bytes at the address that ops[ra_off] computes */
	ROWS_RA_KINDS
};

/* How a callee-saved register of the caller is found; two bits a slot in saved_kinds. */
enum rows_saved {
	ROWS_SAVED_SAME = 0, /* unchanged */
	ROWS_SAVED_CFA,      /* 8 bytes at CFA + saved[slot] */
	ROWS_SAVED_UNDEF,    /* lost */
	ROWS_SAVED_EXPR,     /* 8 bytes at the address that ops[saved[slot]] computes */
};

enum rows_rule_flag {
	ROWS_RULE_SIGNAL = 1, /* the caller's pc is exact, not a return address (CIE 'S') */
	ROWS_RULE_CODE = 2,   /* found from the instructions, where there is no CFI */
};

struct rows_rule {
	uint8_t cfa_kind, cfa_reg, ra_kind, flags;
	int32_t cfa_off, ra_off;
	uint32_t saved_kinds;
	int32_t saved[ROWS_SAVED];
};
_Static_assert(sizeof(struct rows_rule) == 64, "one cache line, no padding");

/* Which register a slot is; -1 past the architecture's last one.
 * x86_64: rbx rbp r12 r13 r14 r15; aarch64: x19 … x28, x29. */
int rows_slot_reg(enum rows_arch arch, int slot);
int rows_reg_slot(enum rows_arch arch, int reg); /* -1 when it is not kept */

/* One operation of a CFI expression: our own fixed-size form of DWARF 5, 2.5. All values are
 * 64 bits and wrap. The stack is empty at the start; the result is its top. */
enum rows_opcode {
	ROWS_OP_END = 0,
	ROWS_OP_CONST,  /* push arg */
	ROWS_OP_REG,    /* push regs[reg] + arg */
	ROWS_OP_CFA,    /* push CFA (for register rules; not inside a CFA expression) */
	ROWS_OP_DEREF,  /* pop address, push the arg (1, 2, 4, 8) bytes there, zero-extended */
	ROWS_OP_ADD_CONST, /* top += arg */
	ROWS_OP_DUP, ROWS_OP_DROP, ROWS_OP_SWAP, ROWS_OP_OVER,
	/* pop b, pop a, push a op b; comparisons are signed and push 0 or 1 */
	ROWS_OP_ADD, ROWS_OP_SUB, ROWS_OP_MUL, ROWS_OP_AND, ROWS_OP_OR, ROWS_OP_XOR,
	ROWS_OP_SHL, ROWS_OP_SHR, ROWS_OP_SHRA,
	ROWS_OP_EQ, ROWS_OP_NE, ROWS_OP_LT, ROWS_OP_LE, ROWS_OP_GT, ROWS_OP_GE,
	ROWS_OP_NEG, ROWS_OP_NOT, /* top = -top, ~top */
	ROWS_OP_KINDS
};

struct rows_op {
	uint8_t op, reg;
	uint16_t zero;
	int32_t arg;
};

struct rows_row {
	uint16_t pc_low; /* pc & 0xffff */
	uint16_t rule;   /* index into the page's rules */
};

/* The blob: this head, then rows[n_rows], rules[n_rules], ops[n_ops], each packed, no gaps. */
struct rows_head {
	uint32_t page; /* address >> ROWS_PAGE_BITS; text above 256 TiB is nobody's */
	uint16_t arch; /* enum rows_arch */
	uint16_t n_rules;
	uint32_t n_rows, n_ops;
};

struct rows_page {
	struct rows_head head;
	const struct rows_row *rows;
	const struct rows_rule *rules;
	const struct rows_op *ops;
};

/* Checks a blob of `len` bytes (4-byte aligned) and points `ret` into it: 0, or -EBADMSG for
 * anything that the description above does not allow. */
int rows_check(const void *blob, size_t len, struct rows_page *ret);

#endif
