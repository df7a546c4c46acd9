/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/wire/rows.h"

/* A blob taken apart, to break one thing at a time. */
struct parts {
	struct rows_head head;
	struct rows_row rows[4];
	struct rows_rule rules[3];
	struct rows_op ops[6];
	size_t extra; /* bytes behind it */
};

static struct parts good(void)
{
	struct parts p = {
		.head = {.page = 1, .arch = ROWS_X86_64, .n_rules = 3, .n_rows = 4, .n_ops = 6},
		.rows = {{0, 0}, {1, 1}, {16, 2}, {0xffff, 0}},
		.rules = {{.cfa_kind = ROWS_CFA_NONE},
			  {.cfa_kind = ROWS_CFA_REG, .cfa_reg = 7, .cfa_off = 8,
			   .ra_kind = ROWS_RA_CFA, .ra_off = -8},
			  {.cfa_kind = ROWS_CFA_EXPR, .cfa_off = 0, .ra_kind = ROWS_RA_EXPR,
			   .ra_off = 3, .saved_kinds = ROWS_SAVED_EXPR, .saved = {3}}},
		.ops = {{ROWS_OP_REG, 7, 0, 8}, {ROWS_OP_DEREF, 0, 0, 8}, {ROWS_OP_END, 0, 0, 0},
			{ROWS_OP_CFA, 0, 0, 0}, {ROWS_OP_ADD_CONST, 0, 0, -8},
			{ROWS_OP_END, 0, 0, 0}},
	};

	return p;
}

static int check(const struct parts *p)
{
	struct buf b = BUF_INIT(1 << 16);
	struct rows_page page;
	int r;

	buf_put(&b, &p->head, sizeof(p->head));
	buf_put(&b, p->rows, sizeof(p->rows));
	buf_put(&b, p->rules, sizeof(p->rules));
	buf_put(&b, p->ops, sizeof(p->ops));
	for (size_t i = 0; i < p->extra; i++)
		buf_u8(&b, 0);
	r = rows_check(b.data, b.len, &page);
	if (!r)
		assert_memory_equal(page.ops, p->ops, sizeof(p->ops));
	buf_free(&b);
	return r;
}

static void test_good(void **state)
{
	struct parts p = good();

	assert_int_equal(check(&p), 0);
}

#define BREAK(change)                                                                              \
	do {                                                                                       \
		struct parts p = good();                                                           \
		p.change;                                                                          \
		if (check(&p) != -EBADMSG)                                                         \
			fail_msg("accepted: %s", #change);                                         \
	} while (0)

static void test_each_rule_is_checked(void **state)
{
	BREAK(extra = 4);
	BREAK(head.arch = 0);
	BREAK(head.arch = 3);
	BREAK(head.n_rows = 0);
	BREAK(head.n_rows = 5);
	BREAK(head.n_rows = UINT32_MAX);
	BREAK(head.n_rules = 0);
	BREAK(head.n_rules = 2);
	BREAK(head.n_rules = 4);
	BREAK(head.n_ops = UINT32_MAX);
	BREAK(rows[0].pc_low = 1);
	BREAK(rows[2].pc_low = 1);
	BREAK(rows[3].pc_low = 2);
	BREAK(rows[3].rule = 3);
	BREAK(rules[1].cfa_kind = ROWS_CFA_KINDS);
	BREAK(rules[1].cfa_reg = ROWS_REGS);
	BREAK(rules[1].ra_kind = ROWS_RA_KINDS);
	BREAK(rules[1].saved_kinds = 1u << 24);
	BREAK(rules[2].cfa_off = -1);
	BREAK(rules[2].cfa_off = 6);
	BREAK(rules[2].cfa_off = 2); /* empty */
	BREAK(rules[2].ra_off = INT32_MAX);
	BREAK(rules[2].saved[0] = -3);
	BREAK(ops[0].op = ROWS_OP_ADD); /* takes what is not there */
	BREAK(ops[0].reg = ROWS_REGS);
	BREAK(ops[0].zero = 1);
	BREAK(ops[1].arg = 3);
	BREAK(ops[1].op = ROWS_OP_KINDS);
	BREAK(ops[1].op = ROWS_OP_DROP); /* nothing is left */
	BREAK(ops[5].op = ROWS_OP_DUP);	 /* does not end */
}

static void test_slots(void **state)
{
	for (int arch = ROWS_X86_64; arch <= ROWS_AARCH64; arch++)
		for (int slot = 0; slot < ROWS_SAVED; slot++) {
			int reg = rows_slot_reg(arch, slot);
			if (reg >= 0)
				assert_int_equal(rows_reg_slot(arch, reg), slot);
		}
	assert_int_equal(rows_reg_slot(ROWS_X86_64, 7), -1);
	assert_int_equal(rows_reg_slot(ROWS_AARCH64, -1), -1);
}

/* What is accepted must be walkable: every expression ends inside the operations. */
static void test_mutations(void **state)
{
	struct parts p = good();
	uint8_t blob[sizeof(p)];
	size_t len = offsetof(struct parts, extra);
	struct rows_page page;
	uint64_t seed = 8;
	int accepted = 0;

	assert_int_equal(len, sizeof(p.head) + sizeof(p.rows) + sizeof(p.rules) + sizeof(p.ops));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(rows_check(&p, cut, &page), -EBADMSG);
	for (int i = 0; i < 50000; i++) {
		_Alignas(8) uint8_t copy[sizeof(blob)];
		memcpy(copy, &p, len);
		for (int k = 0; k <= i % 4; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			copy[(seed >> 40) % len] ^= (uint8_t)(1 << (seed >> 32) % 8);
		}
		if (rows_check(copy, len, &page))
			continue;
		accepted++;
		for (uint32_t r = 0; r < page.head.n_rows; r++)
			assert_true(page.rows[r].rule < page.head.n_rules);
		for (uint32_t r = 0; r < page.head.n_rules; r++)
			if (page.rules[r].cfa_kind == ROWS_CFA_EXPR)
				assert_in_range(page.rules[r].cfa_off, 0, page.head.n_ops - 1);
	}
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_each_rule_is_checked),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
