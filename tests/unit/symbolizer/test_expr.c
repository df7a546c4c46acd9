/* SPDX-License-Identifier: Apache-2.0
 *
 * DWARF expressions compiled to operations: what comes out, and what is refused.
 */
#include <dwarf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbolizer/expr.h"

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

static void expect(const struct rows_op *have, const struct rows_op *want, int n, int got)
{
	assert_int_equal(got, n);
	assert_memory_equal(have, want, (size_t)n * sizeof(*want));
}

/* binutils' .eh_frame of .plt: rsp + 8 + ((rip & 15) >= 11) * 8 */
static void plt(void **state)
{
	static const struct rows_op want[] = {
		{.op = ROWS_OP_REG, .reg = 7, .arg = 8}, {.op = ROWS_OP_REG, .reg = 16},
		{.op = ROWS_OP_CONST, .arg = 15}, {.op = ROWS_OP_AND},
		{.op = ROWS_OP_CONST, .arg = 11}, {.op = ROWS_OP_GE},
		{.op = ROWS_OP_CONST, .arg = 3}, {.op = ROWS_OP_SHL}, {.op = ROWS_OP_ADD},
		{.op = ROWS_OP_END},
	};
	struct rows_op ops[ROWS_EXPR_MAX + 1];

	expect(ops, want, 10, expr_compile(BYTES(
		DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge,
		DW_OP_lit3, DW_OP_shl, DW_OP_plus), false, ops));
}

/* glibc and OpenSSL: the CFA is in memory; registers are relative to it. */
static void memory(void **state)
{
	static const struct rows_op cfa[] = {
		{.op = ROWS_OP_REG, .reg = 6, .arg = -8}, {.op = ROWS_OP_DEREF, .arg = 8},
		{.op = ROWS_OP_ADD_CONST, .arg = 200}, {.op = ROWS_OP_END},
	};
	static const struct rows_op reg[] = {
		{.op = ROWS_OP_CFA}, {.op = ROWS_OP_CONST, .arg = -16}, {.op = ROWS_OP_ADD},
		{.op = ROWS_OP_DEREF, .arg = 4}, {.op = ROWS_OP_OVER}, {.op = ROWS_OP_END},
	};
	struct rows_op ops[ROWS_EXPR_MAX + 1];

	expect(ops, cfa, 4, expr_compile(BYTES(DW_OP_breg6, 0x78, DW_OP_deref, DW_OP_plus_uconst,
					       0xc8, 1), false, ops));
	assert_int_equal(expr_compile(BYTES(DW_OP_const1s, 0xf0, DW_OP_plus, DW_OP_deref_size, 4,
					    DW_OP_pick, 1), true, ops), -EBADMSG); /* depth 1 */
	assert_int_equal(expr_compile(BYTES(DW_OP_const1s, 0xf0, DW_OP_plus, DW_OP_deref_size, 4),
				      true, ops), 5);
	assert_memory_equal(ops, reg, 4 * sizeof(*reg));
}

static void wide_constants(void **state)
{
	struct rows_op ops[ROWS_EXPR_MAX + 1];
	uint64_t v = 0;
	int n = expr_compile(BYTES(DW_OP_const8u, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0xf1),
			     false, ops);

	for (int i = 0; i < n - 1; i++) /* CONST, then CONST 16, SHL, ADD_CONST twice */
		if (i == 0)
			v = (uint64_t)(int64_t)ops[i].arg;
		else if (ops[i].op == ROWS_OP_ADD_CONST)
			v = (v << 16) + (uint64_t)(int64_t)ops[i].arg;
	assert_int_equal(n, 8);
	assert_true(v == 0xf123456789abcdef);
}

static void refused(void **state)
{
	struct rows_op ops[ROWS_EXPR_MAX + 1];
	uint8_t many[200];

	assert_int_equal(expr_compile(BYTES(DW_OP_addr, 1, 2, 3, 4, 5, 6, 7, 8), false, ops),
			 -ENOTSUP);
	assert_int_equal(expr_compile(BYTES(DW_OP_lit1, DW_OP_skip, 0xfc, 0xff), false, ops),
			 -ENOTSUP);
	assert_int_equal(expr_compile(BYTES(DW_OP_lit1, DW_OP_lit1, DW_OP_div), false, ops),
			 -ENOTSUP);
	assert_int_equal(expr_compile(BYTES(DW_OP_bregx, 99, 0), false, ops), -ENOTSUP);
	assert_int_equal(expr_compile(BYTES(DW_OP_call_frame_cfa), false, ops), -EBADMSG);
	assert_int_equal(expr_compile(BYTES(DW_OP_plus), true, ops), -EBADMSG);
	assert_int_equal(expr_compile(BYTES(DW_OP_drop), true, ops), -EBADMSG);
	assert_int_equal(expr_compile(BYTES(DW_OP_lit0, DW_OP_deref_size, 3), false, ops),
			 -EBADMSG);
	assert_int_equal(expr_compile(BYTES(DW_OP_const4u, 1, 2), false, ops), -EBADMSG);
	assert_int_equal(expr_compile(NULL, 0, false, ops), -EBADMSG);
	memset(many, DW_OP_lit1, sizeof(many)); /* too deep */
	assert_int_equal(expr_compile(many, 17, false, ops), -EBADMSG);
	assert_int_equal(expr_compile(many, 16, false, ops), 17);
	memset(many, DW_OP_neg, sizeof(many)); /* too long */
	assert_int_equal(expr_compile(many, 64, true, ops), -EBADMSG);
	assert_int_equal(expr_compile(many, 63, true, ops), 65);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plt),
		cmocka_unit_test(memory),
		cmocka_unit_test(wide_constants),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
