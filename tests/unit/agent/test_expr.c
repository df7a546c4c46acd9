/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions of CFI, run: the forms that real programs have, and what must not be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/unwind/expr.h"

static const uint64_t memory[] = {0x1111, 0x2222, 0x3333};
enum { BASE = 0x7000 };

static bool read_memory(const void *arg, uint64_t at, unsigned size, uint64_t *ret)
{
	(void)arg;
	if (at < BASE || at - BASE + size > sizeof(memory))
		return false;
	*ret = 0;
	memcpy(ret, (const uint8_t *)memory + (at - BASE), size);
	return true;
}

static bool run(const struct rows_op *ops, uint64_t *ret)
{
	struct arch_regs regs = {.r = {[6] = BASE + 16, [7] = 0x9000, [16] = 0x40100b},
				 .known = 1 << 6 | 1 << 7 | 1 << 16};

	return expr_run(ops, &regs, 0x5000, read_memory, NULL, ret);
}

/* .plt: DW_OP_breg7 8, breg16 0, lit15, and, lit11, ge, lit3, shl, plus. */
static void test_plt(void **state)
{
	static const struct rows_op ops[] = {
		{.op = ROWS_OP_REG, .reg = 7, .arg = 8}, {.op = ROWS_OP_REG, .reg = 16},
		{.op = ROWS_OP_CONST, .arg = 15}, {.op = ROWS_OP_AND},
		{.op = ROWS_OP_CONST, .arg = 11}, {.op = ROWS_OP_GE},
		{.op = ROWS_OP_CONST, .arg = 3}, {.op = ROWS_OP_SHL}, {.op = ROWS_OP_ADD},
		{.op = ROWS_OP_END},
	};
	uint64_t v;

	(void)state;
	assert_true(run(ops, &v));
	assert_int_equal(v, 0x9010); /* pc & 15 is 11: the push has been done */
}

/* A function that realigns its stack (DRAP): DW_OP_breg6 -8, deref. */
static void test_deref(void **state)
{
	static const struct rows_op ops[] = {
		{.op = ROWS_OP_REG, .reg = 6, .arg = -8}, {.op = ROWS_OP_DEREF, .arg = 8},
		{.op = ROWS_OP_END},
	};
	uint64_t v;

	(void)state;
	assert_true(run(ops, &v));
	assert_int_equal(v, 0x2222);
}

static void test_outside_memory(void **state)
{
	static const struct rows_op ops[] = {
		{.op = ROWS_OP_REG, .reg = 6, .arg = 4}, {.op = ROWS_OP_DEREF, .arg = 8},
		{.op = ROWS_OP_END},
	};
	uint64_t v;

	(void)state;
	assert_false(run(ops, &v)); /* the last word would be read across the end */
}

static void test_unknown_register(void **state)
{
	static const struct rows_op ops[] = {{.op = ROWS_OP_REG, .reg = 12}, {.op = ROWS_OP_END}};
	uint64_t v;

	(void)state;
	assert_false(run(ops, &v));
}

static void test_arithmetic(void **state)
{
	static const struct rows_op ops[] = {
		{.op = ROWS_OP_CFA}, {.op = ROWS_OP_DUP}, {.op = ROWS_OP_CONST, .arg = -16},
		{.op = ROWS_OP_AND}, {.op = ROWS_OP_SUB}, {.op = ROWS_OP_NEG}, {.op = ROWS_OP_NOT},
		{.op = ROWS_OP_CONST, .arg = 70}, {.op = ROWS_OP_SHR},
		{.op = ROWS_OP_CONST, .arg = -3}, {.op = ROWS_OP_CONST, .arg = 2},
		{.op = ROWS_OP_LT}, {.op = ROWS_OP_SWAP}, {.op = ROWS_OP_OVER}, {.op = ROWS_OP_ADD},
		{.op = ROWS_OP_ADD}, {.op = ROWS_OP_ADD_CONST, .arg = 40}, {.op = ROWS_OP_END},
	};
	uint64_t v;

	(void)state;
	assert_true(run(ops, &v));
	assert_int_equal(v, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plt),
		cmocka_unit_test(test_deref),
		cmocka_unit_test(test_outside_memory),
		cmocka_unit_test(test_unknown_register),
		cmocka_unit_test(test_arithmetic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
