/* SPDX-License-Identifier: Apache-2.0
 *
 * A page of unwind rows under construction: rules and expressions are kept once each, neighbours
 * with equal rules become one row.
 */
#ifndef SYMBOLIZER_PAGE_H
#define SYMBOLIZER_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/wire/rows.h"
#include "symbolizer/cfi.h"

enum { PAGE_HASH = 8192 }; /* power of two, above ROWS_RULES_MAX and the number of expressions */

struct page {
	uint32_t number;
	uint64_t low, high; /* the addresses of the page */
	enum rows_arch arch;
	uint32_t n_rows, n_rules, n_ops, n_exprs;
	struct rows_row *rows; /* ROWS_MAX */
	struct rows_rule *rules; /* ROWS_RULES_MAX */
	struct rows_op *ops; /* ROWS_OPS_MAX */
	uint16_t rule_hash[PAGE_HASH], expr_hash[PAGE_HASH]; /* index + 1; 0: free */
};

/* 0 or -ENOMEM. The memory is reused from page to page. */
int page_init(struct page *p, enum rows_arch arch);
void page_free(struct page *p);

void page_start(struct page *p, uint32_t number);

/* `rule` holds from `pc` on, or from the page's start where `pc` lies below. Calls come in
 * ascending order of pc; a second one for the same pc replaces the first. A page of too many rules
 * gets ROWS_CFA_BAD for the rest. */
void page_add(struct page *p, uint64_t pc, const struct rows_rule *rule);
void page_add_kind(struct page *p, uint64_t pc, enum rows_cfa kind);

/* The row that `state` amounts to; what rows cannot say is ROWS_CFA_BAD. */
void page_add_cfi(struct page *p, uint64_t pc, const struct cfi_state *state, bool signal);

/* Rows from `pc` on are forgotten; they must have been added since the last row below `pc`. */
void page_cut(struct page *p, uint64_t pc);

/* Appends the blob of rows.h: 0 or -ENOMEM. */
int page_write(const struct page *p, struct buf *b);

#endif
