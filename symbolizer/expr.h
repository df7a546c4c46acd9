/* SPDX-License-Identifier: Apache-2.0
 *
 * DWARF expressions in CFI, turned into the fixed-size operations of agent/wire/rows.h.
 *
 * Source: DWARF 5, section 2.5, and 6.4.2 for what may stand in CFI.
 */
#ifndef SYMBOLIZER_EXPR_H
#define SYMBOLIZER_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/wire/rows.h"

/* Compiles `len` bytes at `expr` into `ret`, END included. `with_cfa`: for a register's rule, which
 * starts with the CFA on the stack. The number of operations, END included; -ENOTSUP for what
 * rows cannot express (branches, division, addresses of data, other frames' values), -EBADMSG for
 * what is no expression, or too long or too deep. */
int expr_compile(const uint8_t *expr, size_t len, bool with_cfa,
		 struct rows_op ret[ROWS_EXPR_MAX + 1]);

#endif
