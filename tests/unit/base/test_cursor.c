/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/cursor.h"

static void test_numbers(void **state)
{
	const uint8_t bytes[] = {1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0xff};
	struct cursor c = cursor_over(bytes, sizeof(bytes));

	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_u16(&c), 2);
	assert_int_equal(cursor_u32(&c), 3);
	assert_int_equal(cursor_u64(&c), 4);
	assert_int_equal(cursor_i8(&c), -1);
	assert_false(c.bad);
	assert_int_equal(cursor_left(&c), 0);
}

/* Past the end everything is zero, for good, also what would have fitted. */
static void test_latches(void **state)
{
	const uint8_t bytes[] = {1, 2, 3};
	struct cursor c = cursor_over(bytes, sizeof(bytes));

	assert_int_equal(cursor_u32(&c), 0);
	assert_true(c.bad);
	assert_int_equal(cursor_u8(&c), 0);
	assert_null(cursor_take(&c, 0));
	assert_null(cursor_str(&c));
	c = cursor_over(bytes, sizeof(bytes));
	cursor_skip(&c, SIZE_MAX);
	assert_true(c.bad);
	c = cursor_over(NULL, 0);
	assert_int_equal(cursor_u8(&c), 0);
	assert_true(c.bad);
}

static void test_sub(void **state)
{
	const uint8_t bytes[] = {1, 2, 3, 4};
	struct cursor c = cursor_over(bytes, sizeof(bytes)), s = cursor_sub(&c, 3);

	assert_int_equal(cursor_left(&s), 3);
	cursor_skip(&s, 4);
	assert_true(s.bad);
	assert_false(c.bad);
	assert_int_equal(cursor_u8(&c), 4);
	s = cursor_sub(&c, 1);
	assert_true(s.bad && c.bad);
	assert_int_equal(cursor_left(&s), 0);
}

static void test_strings(void **state)
{
	const char bytes[] = {'a', 0, 0, 'b'};
	struct cursor c = cursor_over(bytes, sizeof(bytes));

	assert_string_equal(cursor_str(&c), "a");
	assert_string_equal(cursor_str(&c), "");
	assert_null(cursor_str(&c)); /* no NUL */
	assert_true(c.bad);
}

static void check_leb(const char *bytes, size_t len, uint64_t u, int64_t s, bool bad)
{
	struct cursor c = cursor_over(bytes, len);

	assert_int_equal(cursor_uleb(&c), u);
	assert_int_equal(c.bad, bad);
	c = cursor_over(bytes, len);
	assert_int_equal(cursor_sleb(&c), s);
	assert_int_equal(c.bad, bad);
}

/* The examples of DWARF 5, tables 7.7 and 7.8, and the ends of the scale. */
static void test_leb(void **state)
{
	check_leb("\x02", 1, 2, 2, false);
	check_leb("\x7f", 1, 127, -1, false);
	check_leb("\x80\x01", 2, 128, 128, false);
	check_leb("\xb9\x64", 2, 12857, -3527, false);
	check_leb("\x80\x7f", 2, 16256, -128, false);
	check_leb("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX, -1, false);
	check_leb("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 10, UINT64_C(1) << 63, INT64_MIN, false);
	check_leb("\x80", 1, 0, 0, true);
	check_leb("", 0, 0, 0, true);
	check_leb("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11, 0, 0, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_latches),
		cmocka_unit_test(test_sub),	cmocka_unit_test(test_strings),
		cmocka_unit_test(test_leb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
