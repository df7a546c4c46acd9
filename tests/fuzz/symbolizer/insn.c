/* SPDX-License-Identifier: Apache-2.0
 *
 * Instructions, one after the other, and what each does to what is known behind it.
 */
/* libFuzzer: -max_len=64 */
#include "symbolizer/code_priv.h"
#include "tests/fuzz/fuzz.h"

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
	free(copy);
	return 0;
}
