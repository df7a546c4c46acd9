/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the making of rows: unwind.c (one page, source after source), unwind_fdes.c (CFI),
 * unwind_go.c (Go's tables), unwind_bytes.c (what nothing describes). Each fills [low, high) of the
 * page at work and hands what it leaves open to the next source.
 */
#ifndef SYMBOLIZER_UNWIND_PRIV_H
#define SYMBOLIZER_UNWIND_PRIV_H

#include "symbolizer/code.h"
#include "symbolizer/fdes.h"
#include "symbolizer/gopclntab.h"
#include "symbolizer/page.h"
#include "symbolizer/unwind.h"

/* Where knowledge comes from: what one source leaves open is asked of the next. */
enum source { EH_FRAME, GO, DEBUG_FRAME, BYTES };

struct unwind {
	const struct image *img;
	enum rows_arch arch;
	struct fdes eh, debug;
	struct gopclntab *go; /* NULL: not a Go program */
	struct code *code;    /* NULL until the first gap in the CFI */
	bool has_eh, has_debug, opened_debug, knows_entry;
	uint64_t entry_low, entry_high; /* the function at e_entry; empty: none */
	struct page page;
	int err; /* of the page at work */
};

/* What `source` and those behind it know; an error stays in u->err. */
void unwind_fill(struct unwind *u, enum source source, uint64_t low, uint64_t high);
/* `next` is asked for what the table has no FDE for. */
void unwind_fill_fdes(struct unwind *u, struct fdes *t, enum source next, uint64_t low,
		      uint64_t high);
void unwind_fill_go(struct unwind *u, uint64_t low, uint64_t high);
void unwind_fill_bytes(struct unwind *u, uint64_t low, uint64_t high);
void unwind_add_end(struct unwind *u, uint64_t pc); /* from `pc` on: nobody has called this */

/* The first rt_sigreturn that begins in [low, high); UINT64_MAX. */
uint64_t unwind_sigreturn(const struct unwind *u, uint64_t low, uint64_t high);
/* Where its rows end. A sample in the system call stands behind the last instruction, which nothing
 * ever reaches otherwise, unless a function begins there: those are aligned. */
static inline uint64_t unwind_sigreturn_end(uint64_t end)
{
	return end % 16 ? end + 1 : end;
}
/* The FDE over `pc`, or false. */
bool unwind_fde_over(struct fdes *t, uint64_t pc, struct cfi_fde *ret);
/* Where the first FDE above `pc` begins; UINT64_MAX. */
uint64_t unwind_next_fde(const struct fdes *t, uint64_t pc);

#endif
