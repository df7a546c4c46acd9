/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows from call frame information: .eh_frame or .debug_frame, whichever table is handed in.
 */
#include "symbolizer/unwind_priv.h"

enum {
	SIGNAL_MAX = 4096, /* bytes of a signal trampoline's FDE that are searched */
	SMALL_FDE = 16,    /* bytes; such ones are compared with rt_sigreturn too */
};

/* The FDE over `pc`, or 0; where there is none `ret->begin` is that of the next one. */
bool unwind_fde_over(struct fdes *t, uint64_t pc, struct cfi_fde *ret)
{
	size_t i;

	if (fdes_ready(t) || !t->n)
		return false;
	i = fdes_find(t, pc);
	return cfi_fde(&t->reader, fdes_at(t, i).offset, ret) == 0 && pc >= ret->begin &&
	       pc < ret->end;
}

/* Where the first FDE above `pc` begins. */
uint64_t unwind_next_fde(const struct fdes *t, uint64_t pc)
{
	size_t i = fdes_find(t, pc);

	while (i < t->n && fdes_at(t, i).begin <= pc)
		i++;
	return i < t->n ? fdes_at(t, i).begin : UINT64_MAX;
}

struct fde_rows {
	struct unwind *u;
	uint64_t low;
	bool signal;
};

static void add_row(void *arg, uint64_t begin, const struct cfi_state *state)
{
	struct fde_rows *f = arg;

	page_add_cfi(&f->u->page, begin > f->low ? begin : f->low, state, f->signal);
}

static bool is_sigreturn(const struct unwind *u, const struct cfi_fde *fde)
{
	return fde->end - fde->begin <= (fde->cie->signal ? SIGNAL_MAX : SMALL_FDE) &&
	       unwind_sigreturn(u, fde->begin, fde->end) != UINT64_MAX;
}

/* [low, high) is what of the FDE lies in the page. */
static void add_fde(struct unwind *u, struct cfi_reader *r, const struct cfi_fde *fde, uint64_t low,
		    uint64_t high)
{
	struct fde_rows f = {u, low, fde->cie->signal};

	if (is_sigreturn(u, fde)) {
		page_add_kind(&u->page, low, ROWS_CFA_SIGFRAME);
		return;
	}
	if (cfi_run(r, fde, low, high, add_row, &f) < 0) {
		page_cut(&u->page, low);
		page_add_kind(&u->page, low, ROWS_CFA_BAD);
	}
}

/* One FDE of the table, and the gap before it from `*at` on. False where the table lied. */
static bool fill_fde(struct unwind *u, struct fdes *t, size_t i, enum source next_source,
		     uint64_t *at, uint64_t high)
{
	struct fde_ref ref = fdes_at(t, i);
	uint64_t next = i + 1 < t->n ? fdes_at(t, i + 1).begin : UINT64_MAX, end = next;
	struct cfi_fde fde;
	bool good;

	if (next < ref.begin)
		return false;
	if (next == ref.begin)
		return true; /* two for one function: the later one */
	good = cfi_fde(&t->reader, ref.offset, &fde) == 0;
	if (good && fde.begin != ref.begin)
		return false;
	if (good && fde.end < end)
		end = is_sigreturn(u, &fde) ? unwind_sigreturn_end(fde.end) : fde.end;
	if (end > high)
		end = high;
	if (end <= *at)
		return true;
	if (ref.begin > *at) {
		unwind_fill(u, next_source, *at, ref.begin);
		*at = ref.begin;
	}
	if (good)
		add_fde(u, &t->reader, &fde, *at, end);
	else
		page_add_kind(&u->page, *at, ROWS_CFA_BAD);
	*at = end;
	return true;
}

void unwind_fill_fdes(struct unwind *u, struct fdes *t, enum source next, uint64_t low,
		      uint64_t high)
{
	uint64_t at = low;

	u->err = fdes_ready(t);
	if (u->err)
		return;
	for (size_t i = fdes_find(t, low); i < t->n && at < high; i++) {
		if (fdes_at(t, i).begin >= high)
			break;
		if (!fill_fde(u, t, i, next, &at, high)) {
			if (!fdes_distrust(t))
				continue;
			page_cut(&u->page, low);
			unwind_fill_fdes(u, t, next, low, high);
			return;
		}
	}
	if (at < high)
		unwind_fill(u, next, at, high);
}
