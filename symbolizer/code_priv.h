/* SPDX-License-Identifier: Apache-2.0
 *
 * Where functions begin and end, and what they leave behind.
 */
#ifndef SYMBOLIZER_CODE_PRIV_H
#define SYMBOLIZER_CODE_PRIV_H

#include "agent/base/vec.h"
#include "symbolizer/code.h"
#include "symbolizer/insn.h"

enum { CODE_SLOTS = 6, CODE_SYMBOLS_MAX = 4 << 20 };

struct code_symbol {
	uint64_t low, high; /* equal: of no size */
	bool root;          /* it never returns, and nobody called it */
};

struct code_symbols {
	VEC(struct code_symbol) all; /* sorted by `low`, each once */
};

/* Of .symtab, else .dynsym; none is fine. 0 or -ENOMEM. */
int code_symbols_read(const struct image *img, struct code_symbols *ret);
/* The last one at or below `pc`; NULL. */
const struct code_symbol *code_symbol_at(const struct code_symbols *s, uint64_t pc);
/* The first address above `pc` where one begins; UINT64_MAX. */
uint64_t code_symbol_after(const struct code_symbols *s, uint64_t pc);

/* Whether `pc` lies in a function that nobody called. */
bool code_symbols_root(const struct code_symbols *s, uint64_t pc);

/* A64, where an instruction tells more by itself, and `known` is not asked. `states` has room for
 * CODE_ARM64_WINDOW. */
enum { CODE_ARM64_TAIL = 16384, CODE_ARM64_WINDOW = (ROWS_PAGE_SIZE + CODE_ARM64_TAIL) / 4 };
void code_rules_arm64(const struct image *img, const struct code_symbols *symbols,
		      const struct code_gap *gap, struct rows_rule *states);

/* What the way from an instruction on amounts to. Knowledge only ever rises. */
enum { CODE_OPEN = 0, CODE_RULE, CODE_CONFLICT };
struct code_state {
	uint8_t status, reg; /* CFA = reg + off; the processor's numbers */
	uint8_t kinds[CODE_SLOTS]; /* ROWS_SAVED_SAME < _CFA < _UNDEF */
	int32_t off;
	int32_t at[CODE_SLOTS];
};

/* The state before an instruction by the one after it. */
void code_before(const struct insn *i, struct code_state *s);
/* `s` joined with what another path says: true where it has changed. */
bool code_join(struct code_state *s, const struct code_state *other);
/* Before a `ret`, and at the beginning of every function. */
struct code_state code_entry(void);
void code_to_rule(const struct code_state *s, struct rows_rule *ret);
struct code_state code_from_rule(const struct rows_rule *r);

#endif
