/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows from Go's own tables.
 */
#include "symbolizer/unwind_priv.h"

/* Go's frames save no register of the caller's but the frame pointer. */
static void go_frame(const struct unwind *u, const struct gopclntab_span *s, struct rows_rule *r)
{
	int fp = rows_reg_slot(u->arch, u->arch == ROWS_X86_64 ? 6 : 29);

	r->cfa_kind = ROWS_CFA_REG;
	for (int i = 0; i < ROWS_SAVED; i++)
		if (i != fp && rows_slot_reg(u->arch, i) >= 0)
			r->saved_kinds |= (uint32_t)ROWS_SAVED_UNDEF << (2 * i);
	if (s->saves_fp)
		r->saved_kinds |= (uint32_t)ROWS_SAVED_CFA << (2 * fp);
	r->ra_kind = ROWS_RA_CFA;
	if (u->arch == ROWS_X86_64) {
		r->cfa_reg = s->by_fp ? 6 : 7;
		r->cfa_off = s->by_fp ? 16 : s->delta + 8;
		r->ra_off = -8;
		r->saved[fp] = s->saves_fp ? -16 : 0;
		return;
	}
	/* The frame pointer points 8 bytes below where the stack pointer was. */
	r->cfa_reg = s->by_fp ? 29 : 31;
	r->cfa_off = s->by_fp ? s->delta + 8 : s->delta;
	r->ra_off = -s->delta;
	r->saved[fp] = s->saves_fp ? -s->delta - 8 : 0;
	if (s->delta == 0) {
		r->ra_kind = ROWS_RA_REG;
		r->ra_off = 30;
	}
}

static void add_go(void *arg, const struct gopclntab_span *s)
{
	struct unwind *u = arg;
	struct rows_rule r = {0};

	switch (s->kind) {
	case GOPCLNTAB_NONE:
		unwind_fill(u, DEBUG_FRAME, s->low, s->high);
		break;
	case GOPCLNTAB_TOP:
		unwind_add_end(u, s->low);
		break;
	case GOPCLNTAB_SIGRETURN:
		page_add_kind(&u->page, s->low - 1, ROWS_CFA_SIGFRAME);
		break;
	case GOPCLNTAB_FRAME:
		go_frame(u, s, &r);
		page_add(&u->page, s->low, &r);
		break;
	default:
		page_add_kind(&u->page, s->low, ROWS_CFA_BAD);
	}
}

void unwind_fill_go(struct unwind *u, uint64_t low, uint64_t high)
{
	gopclntab_spans(u->go, low, high, add_go, u);
}
