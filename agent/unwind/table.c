/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unwind/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/hash.h"
#include "agent/base/vec.h"
#include <uthash.h>

enum page_state { PAGE_UNKNOWN = 0, PAGE_ASKED, PAGE_HERE, PAGE_REFUSED };

enum {
	PART_BITS = 10, /* a page is indexed by parts of 1 KiB, so that a search stays in few lines */
	PARTS = ROWS_PAGE_SIZE >> PART_BITS,
	OPS_MAX = 65536, /* operations of a module's expressions */
};

struct page {
	uint16_t *parts;       /* row that holds at the begin of each part; `rows` stands behind */
	struct rows_row *rows; /* their `rule` counts in the module's own rules */
	uint32_t n_rows;
	uint32_t used; /* the tick of its last use */
	uint8_t state; /* enum page_state */
};

#define PAGE_BYTES(p) ((PARTS + 2) * sizeof(*(p)->parts) + (p)->n_rows * sizeof(*(p)->rows))

struct known_rule {
	struct rows_rule rule;
	uint16_t index;
	UT_hash_handle hh;
};

struct known_expr {
	int32_t at; /* in the module's operations */
	UT_hash_handle hh;
	struct rows_op ops[]; /* END included */
};

struct table {
	uint32_t first, n_pages; /* page numbers [first, first + n_pages) */
	struct page *pages;
	VEC(struct rows_rule) rules;
	VEC(struct rows_op) ops;
	struct known_rule *known;
	struct known_expr *exprs;
};

struct tables {
	struct symbolizer *symbolizer;
	VEC(struct module *) by_sym; /* the symbolizer's id → module */
	struct tables_counters counters;
	uint32_t tick;
};

int tables_new(struct symbolizer *s, struct tables **ret)
{
	struct tables *ts = calloc(1, sizeof(*ts));

	if (!ts)
		return -ENOMEM;
	ts->symbolizer = s;
	*ret = ts;
	return 0;
}

static void table_free(struct table *t)
{
	struct known_rule *k, *next;
	struct known_expr *e, *next_e;

	for (uint32_t i = 0; i < t->n_pages; i++)
		free(t->pages[i].parts);
	HASH_ITER(hh, t->known, k, next) {
		HASH_DEL(t->known, k);
		free(k);
	}
	HASH_ITER(hh, t->exprs, e, next_e) {
		HASH_DEL(t->exprs, e);
		free(e);
	}
	vec_free(&t->rules);
	vec_free(&t->ops);
	free(t->pages);
	free(t);
}

void tables_free(struct tables **tsp)
{
	struct tables *ts = *tsp;

	*tsp = NULL;
	if (!ts)
		return;
	for (size_t i = 0; i < ts->by_sym.len; i++) {
		struct module *m = ts->by_sym.at[i];
		if (m && m->table) {
			table_free(m->table);
			m->table = NULL;
		}
	}
	vec_free(&ts->by_sym);
	free(ts);
}

const struct tables_counters *tables_counters(const struct tables *ts)
{
	return &ts->counters;
}

const struct rows_rule *tables_rule_at(const struct module *m, uint16_t index)
{
	return &m->table->rules.at[index];
}

const struct rows_op *tables_ops(const struct module *m)
{
	return m->table->ops.at;
}

/* The pages from the first to the last byte of executable segments; hostile headers may claim any
 * size, so the number is bounded. */
static struct table *table_of(struct tables *ts, struct module *m)
{
	uint64_t low = UINT64_MAX, high = 0;
	struct table *t;

	if (m->table)
		return m->table;
	for (int i = 0; i < m->info.n_segs; i++) {
		const struct sym_seg *s = &m->info.segs[i];
		uint64_t end = s->vaddr + s->filesz;
		if (end < s->vaddr)
			return NULL;
		low = s->vaddr < low ? s->vaddr : low;
		high = end > high ? end : high;
	}
	if (low >= high || (high >> ROWS_PAGE_BITS) - (low >> ROWS_PAGE_BITS) >= TABLE_PAGES_MAX ||
	    high >> ROWS_PAGE_BITS > UINT32_MAX)
		return NULL;
	while (ts->by_sym.len <= m->sym) {
		struct module **slot = vec_add(&ts->by_sym);
		if (!slot)
			return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->first = (uint32_t)(low >> ROWS_PAGE_BITS);
	t->n_pages = (uint32_t)((high - 1) >> ROWS_PAGE_BITS) - t->first + 1;
	t->pages = calloc(t->n_pages, sizeof(*t->pages));
	if (!t->pages) {
		free(t);
		return NULL;
	}
	ts->by_sym.at[m->sym] = m;
	return m->table = t;
}

static const struct rows_row *row_of(const struct page *p, uint16_t low)
{
	uint32_t part = low >> PART_BITS;
	uint32_t lo = p->parts[part], hi = p->parts[part + 1] + 1u;

	/* rows[0].pc_low is 0: the answer exists. */
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (p->rows[mid].pc_low <= low)
			lo = mid;
		else
			hi = mid;
	}
	return &p->rows[lo];
}

static enum table_answer ask(struct tables *ts, struct module *m, struct page *p, uint32_t number)
{
	if (p->state == PAGE_UNKNOWN) {
		p->state = symbolizer_ask_rows(ts->symbolizer, m->sym, number) ? PAGE_REFUSED
									       : PAGE_ASKED;
		ts->counters.asked++;
	}
	return p->state == PAGE_ASKED ? TABLE_WAIT : TABLE_NONE;
}

enum table_answer tables_rule(struct tables *ts, struct module *m, uint64_t vaddr, uint16_t *ret)
{
	struct table *t = m->table ? m->table : m->usable ? table_of(ts, m) : NULL;
	uint64_t number = vaddr >> ROWS_PAGE_BITS;
	struct page *p;

	if (!t || number - t->first >= t->n_pages)
		return TABLE_NONE;
	p = &t->pages[number - t->first];
	if (p->state != PAGE_HERE)
		return ask(ts, m, p, (uint32_t)number);
	p->used = ts->tick;
	*ret = row_of(p, (uint16_t)vaddr)->rule;
	return TABLE_HIT;
}

/* ---- pages that arrive ---- */

static size_t expr_bytes(const struct rows_op *ops)
{
	size_t n = 0;

	while (ops[n].op != ROWS_OP_END)
		n++;
	return (n + 1) * sizeof(*ops);
}

/* Copies an expression of the page behind the module's own; NULL where there are too many. */
static struct known_expr *add_expr(struct table *t, const struct rows_op *ops, size_t bytes)
{
	struct known_expr *k = malloc(sizeof(*k) + bytes);
	size_t at = t->ops.len, n = bytes / sizeof(*ops);

	for (size_t i = 0; k && i < n; i++) {
		struct rows_op *o = vec_add_max(&t->ops, OPS_MAX);
		if (!o) {
			free(k);
			return NULL;
		}
		*o = ops[i];
	}
	if (!k)
		return NULL;
	k->at = (int32_t)at;
	memcpy(k->ops, ops, bytes);
	HASH_ADD_KEYPTR(hh, t->exprs, k->ops, bytes, k);
	return k;
}

/* The module's index of an expression that a page brings: an equal one that is known, or a new one.
 * Real files have few (PLT stubs, DRAP prologues, OpenSSL's assembly), hostile ones very many. */
static bool move_expr(struct table *t, const struct rows_op *page_ops, int32_t *at)
{
	const struct rows_op *ops = page_ops + *at;
	size_t bytes = expr_bytes(ops);
	struct known_expr *k;

	HASH_FIND(hh, t->exprs, ops, bytes, k);
	if (!k)
		k = add_expr(t, ops, bytes);
	if (k)
		*at = k->at;
	return k;
}

/* Expressions count from the page's own operations; here they count from the module's. */
static bool move_exprs(struct table *t, struct rows_rule *r, const struct rows_op *ops)
{
	bool ok = true;

	if (r->cfa_kind == ROWS_CFA_EXPR)
		ok &= move_expr(t, ops, &r->cfa_off);
	if (r->ra_kind == ROWS_RA_EXPR)
		ok &= move_expr(t, ops, &r->ra_off);
	for (int i = 0; i < ROWS_SAVED; i++)
		if ((r->saved_kinds >> (2 * i) & 3) == ROWS_SAVED_EXPR)
			ok &= move_expr(t, ops, &r->saved[i]);
	return ok;
}

/* The module's index of a rule: -1 when there are too many. */
static int rule_index(struct table *t, struct rows_rule r, const struct rows_op *ops)
{
	struct known_rule *k;
	struct rows_rule *slot;

	if (!move_exprs(t, &r, ops))
		return -1;
	HASH_FIND(hh, t->known, &r, sizeof(r), k);
	if (k)
		return k->index;
	k = malloc(sizeof(*k));
	slot = k ? vec_add_max(&t->rules, TABLE_RULES_MAX) : NULL;
	if (!slot) {
		free(k);
		return -1;
	}
	*slot = k->rule = r;
	k->index = (uint16_t)(t->rules.len - 1);
	HASH_ADD(hh, t->known, rule, sizeof(k->rule), k);
	return k->index;
}

static void index_parts(struct page *p)
{
	uint32_t row = 0;

	for (uint32_t part = 0; part < PARTS; part++) {
		while (row + 1 < p->n_rows && p->rows[row + 1].pc_low <= part << PART_BITS)
			row++;
		p->parts[part] = (uint16_t)row;
	}
	p->parts[PARTS] = (uint16_t)(p->n_rows - 1);
}

static bool fill(struct tables *ts, struct table *t, struct page *p, const struct rows_page *in)
{
	uint16_t map[ROWS_RULES_MAX];

	for (uint32_t i = 0; i < in->head.n_rules; i++) {
		int r = rule_index(t, in->rules[i], in->ops);
		if (r < 0)
			return false;
		map[i] = (uint16_t)r;
	}
	p->parts = malloc((PARTS + 2) * sizeof(*p->parts) + in->head.n_rows * sizeof(*p->rows));
	if (!p->parts)
		return false;
	p->rows = (struct rows_row *)(p->parts + PARTS + 2);
	for (uint32_t i = 0; i < in->head.n_rows; i++)
		p->rows[i] = (struct rows_row){.pc_low = in->rows[i].pc_low,
					       .rule = map[in->rows[i].rule]};
	p->n_rows = in->head.n_rows;
	index_parts(p);
	p->used = ts->tick;
	ts->counters.pages++;
	ts->counters.arrived++;
	ts->counters.bytes += PAGE_BYTES(p);
	return true;
}

static void drop_page(struct tables *ts, struct page *p)
{
	ts->counters.bytes -= PAGE_BYTES(p);
	ts->counters.pages--;
	ts->counters.evicted++;
	free(p->parts);
	*p = (struct page){0};
}

/* Drops what was not used in the last half of the ticks, then in the last quarter, … */
static void evict(struct tables *ts)
{
	for (uint32_t age = ts->tick / 2; ts->counters.bytes > TABLES_BUDGET / 4 * 3; age /= 2) {
		for (size_t i = 0; i < ts->by_sym.len; i++) {
			struct table *t = ts->by_sym.at[i] ? ts->by_sym.at[i]->table : NULL;
			for (uint32_t k = 0; t && k < t->n_pages; k++)
				if (t->pages[k].state == PAGE_HERE &&
				    ts->tick - t->pages[k].used >= age)
					drop_page(ts, &t->pages[k]);
		}
		if (age == 0)
			break;
	}
}

static void on_rows(void *arg, uint32_t id, uint32_t number, int status,
		    const struct rows_page *rows)
{
	struct tables *ts = arg;
	struct module *m = id < ts->by_sym.len ? ts->by_sym.at[id] : NULL;
	struct table *t = m ? m->table : NULL;
	struct page *p;

	if (!t || number - t->first >= t->n_pages)
		return;
	p = &t->pages[number - t->first];
	if (p->state != PAGE_ASKED)
		return;
	ts->tick++;
	if (ts->counters.bytes > TABLES_BUDGET)
		evict(ts);
	if (status == 0 && rows && rows->head.page == number &&
	    rows->head.arch == ROWS_NATIVE && fill(ts, t, p, rows)) {
		p->state = PAGE_HERE;
	} else {
		p->state = PAGE_REFUSED;
		ts->counters.refused++;
	}
}

int tables_poll(struct tables *ts, uint64_t deadline)
{
	return symbolizer_poll(ts->symbolizer, deadline, on_rows, ts);
}

bool tables_pending(const struct tables *ts)
{
	return symbolizer_pending(ts->symbolizer) > 0;
}
