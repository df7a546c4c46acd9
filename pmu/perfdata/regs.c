/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/regs.h"

#include <string.h>

#include "pmu/open.h"

#ifdef __aarch64__
static const char ours[] = "aarch64", ours_too[] = "arm64";
#else
static const char ours[] = "x86_64", ours_too[] = "amd64";
#endif

enum machine_bit { SP_OF_ARM64 = 32 }; /* on x86-64 no general register has so high a number */

enum perfdata_machine machine_of(const char *arch, bool swap)
{
	if (swap)
		return MACHINE_OTHER;
	if (!arch[0])
		return MACHINE_UNKNOWN;
	return !strcmp(arch, ours) || !strcmp(arch, ours_too) ? MACHINE_OURS : MACHINE_OTHER;
}

static bool foreign(uint64_t mask)
{
	uint64_t high = UINT64_C(1) << SP_OF_ARM64;

	return (mask & high) != (pmu_regs_mask() & high);
}

bool regs_to_ours(const uint64_t *regs, uint64_t mask, uint64_t *out)
{
	uint64_t wanted = pmu_regs_mask();
	size_t from = 0, to = 0;

	if ((mask & wanted) != wanted || foreign(mask))
		return false;
	for (uint64_t rest = mask; rest; rest &= rest - 1, from++)
		if (wanted & (rest & -rest))
			out[to++] = regs[from];
	return true;
}
