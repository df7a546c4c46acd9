/* SPDX-License-Identifier: Apache-2.0
 *
 * The blob of unwind rows on arrival.
 */
#include "agent/wire/rows.h"
#include "tests/fuzz/fuzz.h"

static void look_up(const struct rows_page *p)
{
	for (uint32_t i = 0; i < p->head.n_rows; i++) {
		const struct rows_rule *r = &p->rules[p->rows[i].rule];
		if (r->cfa_kind == ROWS_CFA_EXPR)
			for (const struct rows_op *o = &p->ops[r->cfa_off]; o->op != ROWS_OP_END; o++)
				assert(o < p->ops + p->head.n_ops);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *blob = fuzz_copy(data, size);
	struct rows_page p;

	if (rows_check(blob, size, &p) == 0)
		look_up(&p);
	free(blob);
	return 0;
}
