/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions, one after the other, x86-64 and A64, and what each of the former does to what is
 * known behind it.
 */
/* libFuzzer: -max_len=64 */
#include "symbolizer/code_priv.h"
#include "symbolizer/insn_arm64.h"
#include "tests/fuzz/fuzz.h"

static void decode_arm64(struct cursor in)
{
	while (cursor_left(&in) >= 4) {
		struct arm64_insn i = arm64_decode(cursor_u32(&in));
		assert(i.flow <= ARM64_CALL && i.kind <= ARM64_STORE && i.base <= ARM64_NONE);
		assert(i.to <= ARM64_NONE && i.reg[0] <= ARM64_NONE && i.reg[1] <= ARM64_NONE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size);
	struct code_state s = code_entry(), other = code_entry();
	struct rows_rule rule;

	for (size_t at = 0; at < size;) {
		struct insn i;
		if (!insn_decode(copy + at, size - at, &i)) {
			at++;
			continue;
		}
		assert(i.len >= 1 && i.len <= INSN_MAX && i.len <= size - at);
		code_before(&i, &s);
		code_join(&s, &other);
		code_to_rule(&s, &rule);
		assert(rule.cfa_kind < ROWS_CFA_KINDS && rule.cfa_reg < ROWS_REGS);
		other = code_from_rule(&rule);
		code_before(&i, &other);
		at += i.len;
	}
	decode_arm64(cursor_over(data, size));
	free(copy);
	return 0;
}
