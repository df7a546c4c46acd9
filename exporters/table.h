/* SPDX-License-Identifier: Apache-2.0
 *
 * A ranked profile as a text table, and as the closing summary's lines.
 */
#ifndef EXPORTERS_TABLE_H
#define EXPORTERS_TABLE_H

#include "agent/base/buf.h"
#include "agent/wire/profile.h"
#include "exporters/rank.h"
#include "exporters/term.h"

/* Appends the table's headline: target, time, samples, event, rate, quality. */
void table_headline(const struct profile *p, const struct rank *r, const struct term *t,
		    struct buf *b);
/* Appends the table: at most `n` rows, and a line about the rest. */
void table_rows(const struct rank *r, enum rank_by by, unsigned n, const struct term *t,
		struct buf *b);

/* Appends the closing summary's "top self" lines (UX.md, section 5), or the one that says why
 * there are none. 0 or -ENOMEM. */
int table_top_self(const struct profile *p, const struct term *t, struct buf *b);

#endif
