/* SPDX-License-Identifier: Apache-2.0
 *
 * DWARF expressions: what is compiled from them passes the check on the other side.
 */
/* libFuzzer: -max_len=128 */
#include "symbolizer/expr.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct rows_op *ops, int n, bool with_cfa)
{
	struct {
		struct rows_head head;
		struct rows_row row;
		struct rows_rule rule;
		struct rows_op ops[ROWS_EXPR_MAX + 1];
	} blob = {.head = {.arch = ROWS_X86_64, .n_rules = 1, .n_rows = 1, .n_ops = (uint32_t)n},
		  .rule = {.cfa_kind = ROWS_CFA_EXPR}};
	struct rows_page p;

	assert(n <= ROWS_EXPR_MAX + 1 && ops[n - 1].op == ROWS_OP_END);
	memcpy(blob.ops, ops, (size_t)n * sizeof(*ops));
	assert(rows_check(&blob, offsetof(__typeof__(blob), ops) + (size_t)n * sizeof(*ops), &p) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rows_op ops[ROWS_EXPR_MAX + 1];
	uint8_t *copy = fuzz_copy(data, size);

	for (int with_cfa = 0; with_cfa < 2; with_cfa++) {
		int n = expr_compile(copy, size, with_cfa, ops);
		if (n >= 0)
			check(ops, n, with_cfa);
	}
	free(copy);
	return 0;
}
