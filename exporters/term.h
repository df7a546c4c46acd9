/* SPDX-License-Identifier: Apache-2.0
 *
 * What the reader's terminal can show.
 */
#ifndef EXPORTERS_TERM_H
#define EXPORTERS_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/buf.h"

struct term {
	unsigned columns, rows; /* 0: no terminal, nothing is cut */
	bool colour;            /* a terminal, and NO_COLOR is not set (no-color.org) */
	bool utf8;              /* by LC_ALL, LC_CTYPE, LANG (locale(7)) */
};

struct term term_of(int fd);

/* "±" or "+-". */
const char *term_plus_minus(const struct term *t);
/* Characters of a UTF-8 text, each taken for one column. */
size_t term_width(const char *s);
/* Appends `s`, made to fit into `width` columns (0: as it is): template arguments go first, then
 * the middle; returns the columns used. Outside UTF-8 other than ASCII characters are '?'. */
size_t term_put_name(const struct term *t, struct buf *b, const char *s, size_t width);

#endif
