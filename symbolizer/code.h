/* SPDX-License-Identifier: Apache-2.0
 *
 * Unwind rules of text that no CFI covers, from its instructions. The way forward from an
 * instruction to a `ret` tells where the return address is, wherever the function may begin: what
 * is added to the stack pointer until then stands between the two. Paths over conditional branches
 * must agree; calls leave the stack pointer and the callee-saved registers as they were (psABI,
 * 3.2.1; AAPCS64, 6.1.1); what cannot be followed has no answer.
 */
#ifndef SYMBOLIZER_CODE_H
#define SYMBOLIZER_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/wire/rows.h"
#include "symbolizer/image.h"

struct code;

/* What CFI says of an address outside the gap: false where it says nothing. */
typedef bool code_known(void *arg, uint64_t pc, struct rows_rule *ret);
/* A rule that holds from `pc` on; ROWS_CFA_NONE where there is no answer. Ascending. */
typedef void code_found(void *arg, uint64_t pc, const struct rows_rule *rule);

struct code_gap {
	uint64_t begin, end; /* all of the text without CFI; an instruction begins at `begin` */
	uint64_t low, high;  /* the part of it that is asked for, at most a page */
	code_known *known;
	code_found *found;
	void *arg;
};

/* The image must outlive `ret`. 0 or -ENOMEM. */
int code_open(const struct image *img, struct code **ret);
void code_close(struct code **c);

/* True where [low, high) is nothing but padding, as between functions. */
bool code_is_padding(const struct image *img, uint64_t low, uint64_t high);

void code_rules(struct code *c, const struct code_gap *gap);

#endif
