/* SPDX-License-Identifier: Apache-2.0
 *
 * The unwind rows that the collector holds: per module an array of 64 KiB text pages, each
 * fetched from the symbolizer on first use, kept under one byte budget, least recently used
 * evicted first. Rules are kept once per module, so a row is 4 bytes.
 */
#ifndef AGENT_UNWIND_TABLE_H
#define AGENT_UNWIND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/space/module.h"
#include "agent/wire/rows.h"

struct tables;

enum {
	TABLES_BUDGET = 24 * 1024 * 1024, /* bytes of rows */
	TABLE_PAGES_MAX = 65536,          /* 4 GiB of text in one module */
	TABLE_RULES_MAX = 65535,
};

enum table_answer {
	TABLE_HIT,
	TABLE_WAIT, /* the page is not here yet; it has been asked for */
	TABLE_NONE, /* there is none: no usable file, out of bounds, refused */
};

int tables_new(struct symbolizer *s, struct tables **ret);
void tables_free(struct tables **ts);

/* The rule for an ELF virtual address of a module: its index, valid for the module's life. */
enum table_answer tables_rule(struct tables *ts, struct module *m, uint64_t vaddr, uint16_t *ret);

/* A rule by its index; the pointer is valid until the next tables_poll(). */
const struct rows_rule *tables_rule_at(const struct module *m, uint16_t index);

/* Operations of the module's expressions, for a rule's cfa_off, ra_off, saved[]. */
const struct rows_op *tables_ops(const struct module *m);

/* Takes in pages that have arrived, waiting for at least one until `deadline` (clock_mono() ns; 1:
 * don't wait). Returns how many came. */
int tables_poll(struct tables *ts, uint64_t deadline);

bool tables_pending(const struct tables *ts); /* pages are on their way */

struct tables_counters {
	uint64_t pages, bytes; /* held now */
	uint64_t asked, arrived, refused, evicted; /* since the start */
};
const struct tables_counters *tables_counters(const struct tables *ts);

#endif
