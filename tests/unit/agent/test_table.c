/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of rows that arrive: what they share, and when there is too much. The symbolizer is a
 * stand-in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/unwind/table.h"

enum { PAGES = 64, EXPRS = 4096 };

static struct {
	struct rows_head head;
	struct rows_row rows[1];
	struct rows_rule rules[EXPRS];
	struct rows_op ops[2 * EXPRS];
} blob;
static uint32_t wanted;

int symbolizer_ask_rows(struct symbolizer *s, uint32_t id, uint32_t page)
{
	wanted = page;
	return 0;
}

int symbolizer_poll(struct symbolizer *s, uint64_t deadline, symbolizer_rows_fn fn, void *arg)
{
	struct rows_page p = {.head = blob.head, .rows = blob.rows, .rules = blob.rules,
			      .ops = blob.ops};

	p.head.page = wanted;
	fn(arg, 0, wanted, 0, &p);
	return 1;
}

unsigned symbolizer_pending(const struct symbolizer *s)
{
	return 0;
}

/* A page of `n` rules, each with an expression of its own: constants from `first` on. */
static void make_page(uint16_t n, int32_t first)
{
	memset(&blob, 0, sizeof(blob));
	blob.head = (struct rows_head){.arch = ROWS_NATIVE, .n_rows = 1, .n_rules = n,
				       .n_ops = 2 * (uint32_t)n};
	for (int i = 0; i < n; i++) {
		blob.rules[i] = (struct rows_rule){.cfa_kind = ROWS_CFA_EXPR, .cfa_off = 2 * i};
		blob.ops[2 * i] = (struct rows_op){.op = ROWS_OP_CONST, .arg = first + i};
	}
}

/* Lets the page arrive: the rule of its first row, or NULL where it was refused. */
static const struct rows_rule *arrive(struct tables *ts, struct module *m, uint32_t page)
{
	uint64_t at = (uint64_t)page << ROWS_PAGE_BITS;
	uint16_t index;

	assert_int_equal(tables_rule(ts, m, at, &index), TABLE_WAIT);
	tables_poll(ts, 1);
	if (tables_rule(ts, m, at, &index) != TABLE_HIT)
		return NULL;
	return tables_rule_at(m, index);
}

static struct module make_module(void)
{
	struct module m = {.usable = true, .info = {.n_segs = 1}};

	m.info.segs[0].filesz = m.info.segs[0].memsz = PAGES * ROWS_PAGE_SIZE;
	return m;
}

static void test_equal_expressions_are_one(void **state)
{
	struct module m = make_module();
	const struct rows_rule *r;
	struct tables *ts;
	int32_t first;

	assert_int_equal(tables_new(NULL, &ts), 0);
	make_page(3, 5);
	r = arrive(ts, &m, 0);
	assert_non_null(r);
	first = r->cfa_off;
	assert_int_equal(tables_ops(&m)[first].arg, 5);
	assert_int_equal(tables_ops(&m)[first + 1].op, ROWS_OP_END);
	r = arrive(ts, &m, 1);
	assert_int_equal(r->cfa_off, first);
	make_page(1, 7); /* the last of the three */
	r = arrive(ts, &m, 2);
	assert_int_equal(tables_ops(&m)[r->cfa_off].arg, 7);
	assert_int_equal(r->cfa_off, first + 4);
	tables_free(&ts);
}

/* As many different expressions as a file can have: pages are refused from some point on, those
 * before it stay. */
static void test_too_many_expressions(void **state)
{
	struct module m = make_module();
	const struct rows_rule *r;
	struct tables *ts;
	uint32_t n = 0;

	assert_int_equal(tables_new(NULL, &ts), 0);
	for (uint32_t page = 0; page < PAGES - 1; page++) {
		make_page(EXPRS, (int32_t)page * EXPRS);
		r = arrive(ts, &m, page);
		n += r != NULL;
		assert_true(!r || tables_ops(&m)[r->cfa_off].arg == (int32_t)page * EXPRS);
	}
	assert_in_range(n, 1, PAGES - 2);
	assert_int_equal(tables_counters(ts)->refused, PAGES - 1 - n);
	make_page(1, 0); /* what is known can still be used */
	assert_non_null(arrive(ts, &m, PAGES - 1));
	tables_free(&ts);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_expressions_are_one),
		cmocka_unit_test(test_too_many_expressions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
