/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unwind/arch.h"

#ifdef __aarch64__
void arch_from_perf(const uint64_t *perf, struct arch_regs *ret)
{
	for (int i = 0; i < ARCH_PERF_REGS; i++)
		ret->r[i] = perf[i];
	ret->r[ARCH_REG_PC] = arch_code(ret->r[ARCH_REG_PC]);
	ret->known = (UINT64_C(1) << ARCH_PERF_REGS) - 1;
}

uint64_t arch_callee_saved(void)
{
	return UINT64_C(0x3ff) << 19 | UINT64_C(1) << 29; /* x19 … x28, x29 */
}

int arch_sigframe(const int8_t **ret_order)
{
	static const int8_t order[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
				       11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
				       22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
	*ret_order = order;
	return sizeof(order);
}
#else
/* perf's order: ax bx cx dx si di bp sp ip, r8 … r15 (flags, cs … gs are not asked for). */
static const int8_t perf_to_dwarf[ARCH_PERF_REGS] = {0, 3, 2,  1,  4,  5,  6,  7, ARCH_REG_PC,
						     8, 9, 10, 11, 12, 13, 14, 15};

void arch_from_perf(const uint64_t *perf, struct arch_regs *ret)
{
	ret->known = 0;
	for (int i = 0; i < ARCH_PERF_REGS; i++) {
		ret->r[perf_to_dwarf[i]] = perf[i];
		ret->known |= UINT64_C(1) << perf_to_dwarf[i];
	}
}

uint64_t arch_callee_saved(void)
{
	return 1 << 3 | 1 << 6 | 0xf << 12; /* rbx, rbp, r12 … r15 */
}

/* struct sigcontext: r8 … r15, di si bp bx dx ax cx sp ip. */
int arch_sigframe(const int8_t **ret_order)
{
	static const int8_t order[] = {8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7,
				       ARCH_REG_PC};
	*ret_order = order;
	return sizeof(order);
}
#endif
