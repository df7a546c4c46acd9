/* SPDX-License-Identifier: Apache-2.0
 *
 * What gopclntab.c (finding the table), gopclntab_func.c (functions) and gopclntab_spans.c (stack
 * sizes) share.
 */
#ifndef SYMBOLIZER_GOPCLNTAB_PRIV_H
#define SYMBOLIZER_GOPCLNTAB_PRIV_H

#include "agent/base/cursor.h"
#include "symbolizer/gopclntab.h"

enum gopclntab_version { GO_1_16, GO_1_18, GO_1_20 }; /* the first Go with this layout */

enum { GO_STEPS_MAX = 65536 }; /* entries of one function's table */

struct gopclntab {
	const struct image *img;
	enum gopclntab_version version;
	uint32_t quantum; /* bytes that a pc step counts */
	uint64_t vaddr;   /* of the table */
	uint64_t text;    /* what function offsets are relative to; 0 in Go 1.16 and 1.17 */
	size_t n_funcs;
	struct image_span all, names, cus, files, pcs, funcs;
};

/* struct _func, as far as we use it. */
struct go_func {
	uint64_t entry, end;
	uint32_t name, pcsp, pcfile, pcln, cu, start_line;
	uint8_t flag;
};

enum { GO_FLAG_TOPFRAME = 1, GO_FLAG_SPWRITE = 2 };

/* The entry of function `i` <= n_funcs (the last one is the end of all). */
uint64_t go_entry(const struct gopclntab *t, size_t i);
/* The last function whose entry is at or below `addr`; n_funcs where there is none. */
size_t go_find(const struct gopclntab *t, uint64_t addr);
bool go_func(const struct gopclntab *t, size_t i, struct go_func *ret);
/* NULL where there is none. */
const char *go_name(const struct gopclntab *t, const struct go_func *f);

/* A pc-value table: one step of it holds `value` up to `pc`. */
struct go_steps {
	struct cursor c;
	uint64_t pc;
	int32_t value;
	uint32_t quantum;
	int n;
};
struct go_steps go_steps(const struct gopclntab *t, const struct go_func *f, uint32_t offset);
bool go_step(struct go_steps *s);

#endif
