/* SPDX-License-Identifier: Apache-2.0
 *
 * The slow path: expressions that CFI computes addresses with (wire/rows.h, struct rows_op),
 * checked by rows_check() before they come here, run within its bounds.
 */
#ifndef AGENT_UNWIND_EXPR_H
#define AGENT_UNWIND_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/unwind/arch.h"
#include "agent/wire/rows.h"

/* Reads `size` bytes of the target's memory as it was at the sample: false where there is none. */
typedef bool (*expr_read_fn)(const void *arg, uint64_t address, unsigned size, uint64_t *ret);

/* False where it needs a register that is not known, or memory that was not copied. `cfa` is what
 * ROWS_OP_CFA pushes. */
bool expr_run(const struct rows_op *op, const struct arch_regs *regs, uint64_t cfa,
	      expr_read_fn read, const void *arg, uint64_t *ret);

#endif
