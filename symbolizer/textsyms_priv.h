/* SPDX-License-Identifier: Apache-2.0
 *
 * Between textsyms.c, which reads lines and finds names, and the two formats.
 */
#ifndef SYMBOLIZER_TEXTSYMS_PRIV_H
#define SYMBOLIZER_TEXTSYMS_PRIV_H

#include "agent/base/buf.h"
#include "agent/base/cursor.h"
#include "agent/base/vec.h"
#include "symbolizer/spans.h"
#include "symbolizer/textsyms.h"

#define TEXTSYMS_GAP (UINT32_MAX - 1) /* in the place of a name: an end, not a function */

struct textsym {
	uint64_t low, high; /* high 0: up to the next one */
	uint32_t name;      /* offset in names: u16 length and the bytes */
	uint8_t rank;
};

struct textsyms_format {
	bool once; /* the file does not change */
	void (*line)(struct textsyms *t, struct cursor line);
	int (*flatten)(struct textsyms *t); /* entries → spans */
	void (*split)(struct str *name, struct str *ret_module); /* NULL: the name is all */
};

struct textsyms {
	int fd;
	const struct textsyms_format *format;
	uint64_t done; /* bytes of the file that have been parsed, up to a line's end */
	size_t tail;   /* bytes of an unfinished line behind them, parsed too */
	struct buf names;
	VEC(struct textsym) entries; /* in the file's order */
	struct textsym last;         /* kallsyms: the address at work */
	bool no_memory;
	struct spans spans;
};

int textsyms_open(int fd, const struct textsyms_format *format, struct textsyms **ret);
/* Keeps a name: false where there is no room for it. */
bool textsyms_name(struct textsyms *t, struct str name, uint32_t *ret);
/* 1 to 16 hexadecimal digits, without 0x: false where there are none. */
bool textsyms_hex(struct cursor *c, uint64_t *ret);

#endif
