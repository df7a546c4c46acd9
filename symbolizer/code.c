/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/code.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbolizer/code_priv.h"

enum {
	LEAD = 4096,       /* text before what is asked for, for loops back into it */
	TAIL = 16384,      /* and behind it, for functions that end there */
	WINDOW = LEAD + ROWS_PAGE_SIZE + TAIL,
	SYNC_MAX = 1 << 20, /* bytes decoded to find where an instruction begins */
	PASSES = 24,       /* over a window until nothing changes any more */
	KNOWN_MAX = 4096,  /* questions about text elsewhere, a gap */
};

struct node {
	uint64_t pc;
	struct insn insn;
	uint32_t to;           /* the node that a jump leads to, plus 1 */
	bool falls, doubtful;
	struct code_state state;
};

struct code {
	const struct image *img;
	struct code_symbols symbols;
	struct node *nodes;    /* WINDOW */
	uint32_t *index;       /* by address, plus 1 */
	struct rows_rule *arm64; /* in the place of both */
	size_t n;
	const struct code_gap *gap;
	uint64_t low, high;    /* the window */
	int questions;
};

int code_open(const struct image *img, struct code **ret)
{
	struct code *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->img = img;
	if (image_machine(img) == EM_AARCH64) {
		c->arm64 = malloc(CODE_ARM64_WINDOW * sizeof(*c->arm64));
	} else {
		c->nodes = malloc(WINDOW * sizeof(*c->nodes));
		c->index = malloc(WINDOW * sizeof(*c->index));
	}
	if ((!c->arm64 && (!c->nodes || !c->index)) || code_symbols_read(img, &c->symbols) < 0) {
		code_close(&c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void code_close(struct code **cp)
{
	struct code *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	vec_free(&c->symbols.all);
	free(c->nodes);
	free(c->index);
	free(c->arm64);
	free(c);
}

bool code_is_padding(const struct image *img, uint64_t low, uint64_t high)
{
	const uint8_t *text = image_bytes(img, low, high - low);
	struct insn i;

	for (uint64_t at = 0; text && at < high - low; at += i.len)
		if (text[at] == 0xcc || text[at] == 0)
			i.len = 1;
		else if (!insn_decode(text + at, high - low - at, &i) || i.kind != INSN_PAD)
			return false;
	return true;
}

/* ---- decoding ---- */

/* An instruction begins there, at or below the window; UINT64_MAX where that is too far off. */
static uint64_t sync_point(const struct code *c)
{
	const struct code_symbol *s = code_symbol_at(&c->symbols, c->low);
	uint64_t at = s && s->low > c->gap->begin ? s->low : c->gap->begin;

	return c->low - at <= SYNC_MAX ? at : UINT64_MAX;
}

static void add_node(struct code *c, uint64_t pc, const struct insn *i)
{
	if (pc + i->len <= c->low || c->n == WINDOW)
		return;
	c->nodes[c->n++] = (struct node){.pc = pc, .insn = *i};
	if (pc >= c->low)
		c->index[pc - c->low] = (uint32_t)c->n;
}

/* Where an instruction surely begins after something that was none: behind padding or a return. */
static size_t resync(const uint8_t *text, size_t at, size_t len, uint64_t pc)
{
	while (++at < len && ((pc + at) % 16 || !memchr("\xcc\x90\0\xc3", text[at - 1], 4)))
		;
	return at;
}

static void decode(struct code *c)
{
	uint64_t begin = sync_point(c), bound = 0;
	struct image_span text;
	size_t at = 0;

	c->n = 0;
	if (begin == UINT64_MAX)
		return;
	text = image_from(c->img, begin, c->high - begin);
	while (at < text.len && c->n < WINDOW) {
		struct insn i = {.kind = INSN_STOP, .len = 1};
		uint64_t pc = begin + at;
		size_t left;

		if (pc >= bound)
			bound = code_symbol_after(&c->symbols, pc);
		left = bound - begin < text.len ? bound - begin : text.len;
		if (insn_decode(text.at + at, left - at, &i)) {
			add_node(c, pc, &i);
			at += i.len;
		} else {
			i = (struct insn){.kind = INSN_STOP, .len = 1};
			add_node(c, pc, &i);
			at = resync(text.at, at, left, begin);
		}
	}
}

/* ---- where an instruction leads to ---- */

static struct code_state elsewhere(struct code *c, uint64_t pc)
{
	struct rows_rule r;

	if (c->questions++ < KNOWN_MAX && c->gap->known(c->gap->arg, pc, &r))
		return code_from_rule(&r);
	return (struct code_state){0};
}

static void lead_in(struct node *n, struct code_state after)
{
	code_before(&n->insn, &after);
	code_join(&n->state, &after);
}

static void resolve_jump(struct code *c, struct node *n)
{
	uint64_t to = n->pc + n->insn.len + (uint64_t)(int64_t)n->insn.disp;
	const struct code_symbol *s = code_symbol_at(&c->symbols, to);

	if (to < c->gap->begin || to >= c->gap->end) {
		struct code_state after = elsewhere(c, to);
		if (after.status != CODE_OPEN) {
			lead_in(n, after);
			return;
		}
	}
	/* Another function's beginning: a tail call. */
	if (s && s->low == to && s->high > to && (n->pc < to || n->pc >= s->high))
		lead_in(n, code_entry());
	else if (to >= c->low && to < c->high)
		n->to = c->index[to - c->low];
}

/* Whether a call may be the last thing that a function does: the called one does not return. */
static bool may_be_last(struct code *c, size_t i, bool *doubtful)
{
	const struct node *n = &c->nodes[i];
	uint64_t next = n->pc + n->insn.len;
	const struct code_symbol *s = code_symbol_at(&c->symbols, n->pc);

	*doubtful = true;
	if (i + 1 == c->n || next >= c->gap->end || (n->insn.src != INSN_NO_REG && !n->insn.disp))
		return true; /* the latter only fetches its own address */
	if (code_symbol_after(&c->symbols, n->pc) <= next)
		return true;
	if (s && s->high > n->pc)
		return s->high <= next;
	return c->nodes[i + 1].insn.kind == INSN_PAD;
}

/* Padding behind the end of a path is never run. */
static bool is_dead(const struct code *c, size_t i)
{
	const struct node *last = i ? &c->nodes[i - 1] : NULL;

	return c->nodes[i].insn.kind == INSN_PAD && last && !last->falls;
}

static void resolve(struct code *c, size_t i)
{
	struct node *n = &c->nodes[i];
	const struct code_symbol *s = code_symbol_at(&c->symbols, n->pc);
	uint64_t next = n->pc + n->insn.len;
	struct code_state entry = code_entry();

	if (is_dead(c, i))
		return;
	if (s && s->low == n->pc && s->high > n->pc)
		code_join(&n->state, &entry);
	switch (n->insn.kind) {
	case INSN_RET:
		lead_in(n, code_entry());
		return;
	case INSN_STOP:
		return;
	case INSN_JMP:
		resolve_jump(c, n);
		return;
	case INSN_CALL:
		n->falls = !may_be_last(c, i, &n->doubtful);
		return;
	case INSN_JCC:
		resolve_jump(c, n);
		break;
	}
	n->falls = i + 1 < c->n;
	if (next == c->gap->end)
		lead_in(n, elsewhere(c, next));
}

/* ---- the answer ---- */

static bool follow(struct code *c, size_t i)
{
	struct node *n = &c->nodes[i];
	bool changed = false;
	struct code_state s;

	if (n->to) {
		s = c->nodes[n->to - 1].state;
		code_before(&n->insn, &s);
		changed = code_join(&n->state, &s);
	}
	if (!n->falls)
		return changed;
	s = c->nodes[i + 1].state;
	/* The psABI (3.2.2) aligns the stack for calls. At the beginning of a function, which may
	 * be what follows here, it never is. */
	if (n->doubtful && s.reg == INSN_RSP && s.off % 16)
		return changed;
	code_before(&n->insn, &s);
	return code_join(&n->state, &s) || changed;
}

/* False where there is no end of it. */
static bool settle(struct code *c)
{
	bool changed = true;

	for (int pass = 0; changed && pass < PASSES; pass++) {
		changed = false;
		for (size_t i = c->n; i-- > 0;)
			changed |= follow(c, i);
	}
	return !changed;
}

static void tell(const struct code *c, const struct node *n, bool settled)
{
	static const struct code_state open;
	uint64_t pc = n->pc > c->gap->low ? n->pc : c->gap->low;
	struct rows_rule r;

	code_to_rule(settled ? &n->state : &open, &r);
	if (code_symbols_root(&c->symbols, n->pc))
		r = (struct rows_rule){.cfa_kind = ROWS_CFA_REG, .cfa_reg = 7, .cfa_off = 8,
				       .ra_kind = ROWS_RA_END, .flags = ROWS_RULE_CODE};
	c->gap->found(c->gap->arg, pc, &r);
}

void code_rules(struct code *c, const struct code_gap *g)
{
	static const struct rows_rule none;
	bool settled;

	c->gap = g;
	c->questions = 0;
	c->low = g->low - g->begin > LEAD ? g->low - LEAD : g->begin;
	c->high = g->end - g->high > TAIL ? g->high + TAIL : g->end;
	g->found(g->arg, g->low, &none);
	if (g->low >= g->high || g->high - g->low > ROWS_PAGE_SIZE)
		return;
	if (c->arm64) {
		code_rules_arm64(c->img, &c->symbols, g, c->arm64);
		return;
	}
	memset(c->index, 0, (c->high - c->low) * sizeof(*c->index));
	decode(c);
	for (size_t i = 0; i < c->n; i++)
		resolve(c, i);
	settled = settle(c);
	for (size_t i = 0; i < c->n && c->nodes[i].pc < g->high; i++)
		if (i + 1 == c->n || c->nodes[i + 1].pc > g->low)
			tell(c, &c->nodes[i], settled);
}
