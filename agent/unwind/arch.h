/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between architectures when a stack is walked: how perf numbers registers, which
 * DWARF numbers the stack and frame pointers have, where the kernel's signal frame keeps registers,
 * which bits of a code address are its authentication code.
 *
 * Sources: arch/ARCH/include/uapi/asm/perf_regs.h, asm/sigcontext.h, the x86-64 psABI, AADWARF64.
 */
#ifndef AGENT_UNWIND_ARCH_H
#define AGENT_UNWIND_ARCH_H

#include <stdint.h>

#include "agent/wire/rows.h"

#ifdef __aarch64__
enum {
	ARCH_PERF_REGS = 33, /* x0 … x30, sp, pc: DWARF's order */
	ARCH_REG_FP = 29,
	ARCH_REG_SP = 31,
	ARCH_REG_PC = 32,
	ARCH_REG_LR = 30,
	/* struct rt_sigframe: siginfo (128), then ucontext, whose mcontext is at 176; in it:
	 * fault_address, regs[31], sp, pc. */
	ARCH_SIGFRAME = 128 + 176 + 8,
};
#else
enum {
	ARCH_PERF_REGS = 17, /* of PERF_REG_X86_*, without flags and segment registers */
	ARCH_REG_FP = 6,
	ARCH_REG_SP = 7,
	ARCH_REG_PC = 16,
	ARCH_REG_LR = -1,
	/* At rt_sigreturn the stack pointer stands on the ucontext; its gregs are at 40. */
	ARCH_SIGFRAME = 40,
};
#endif

struct arch_regs {
	uint64_t r[ROWS_REGS]; /* by DWARF number */
	uint64_t known;        /* bit n: r[n] is this frame's */
};

/* From the order of a sample (ascending bits of the mask that pmu/open.c asks for). */
void arch_from_perf(const uint64_t *perf, struct arch_regs *ret);

/* Registers that a function must give back as it got them. */
uint64_t arch_callee_saved(void);

/* The order of registers in the kernel's signal frame: DWARF number of word i, -1 for others; the
 * number of words is returned. */
int arch_sigframe(const int8_t **ret_order);

/* A code address without its pointer authentication code. */
static inline uint64_t arch_code(uint64_t pc)
{
#ifdef __aarch64__
	return pc >> 55 & 1 ? pc : pc & ((UINT64_C(1) << 48) - 1);
#else
	return pc;
#endif
}

#endif
