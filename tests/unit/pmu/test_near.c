/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pmu/near.h"

static void distances(void **state)
{
	assert_int_equal(near_distance("", ""), 0);
	assert_int_equal(near_distance("", "abc"), 3);
	assert_int_equal(near_distance("cycles", "cycles"), 0);
	assert_int_equal(near_distance("cyclse", "cycles"), 1); /* a swap is one edit */
	assert_int_equal(near_distance("cycle", "cycles"), 1);
	assert_int_equal(near_distance("kitten", "sitting"), 3);
	assert_int_equal(near_distance("CACHE_MISSES", "cache-misses"), 0);
}

static void distance_is_symmetric(void **state)
{
	static const char *const words[] = {"cycles", "cyclse", "branch-misses", "b", "", "LLC-loads"};

	for (size_t i = 0; i < 6; i++) {
		for (size_t j = 0; j < 6; j++)
			assert_int_equal(near_distance(words[i], words[j]),
					 near_distance(words[j], words[i]));
	}
}

static void long_names_are_cut(void **state)
{
	char a[1000], b[1000];

	memset(a, 'a', sizeof(a) - 1);
	memset(b, 'b', sizeof(b) - 1);
	a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
	assert_int_equal(near_distance(a, a), 0);
	assert_int_equal(near_distance(a, b), NEAR_NAME_MAX - 1);
}

static void keeps_the_three_nearest(void **state)
{
	static const char *const names[] = {"branch-misses", "cycles", "bus-cycles", "ref-cycles",
					    "cpu-clock", "cycles", "cyclops", "instructions"};
	struct near near;
	char text[512];

	near_init(&near, "cyclse");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		near_offer(&near, names[i]);
	assert_int_equal(near.n, 1);
	assert_string_equal(near.names[0], "cycles");
	near_init(&near, "cycles");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		near_offer(&near, names[i]);
	assert_int_equal(near.n, NEAR_MAX);
	near_text(&near, text, sizeof(text));
	assert_string_equal(text, "cycles, bus-cycles or ref-cycles");
}

static void nothing_near_says_nothing(void **state)
{
	struct near near;
	char text[64];

	near_init(&near, "zzzzzzzz");
	near_offer(&near, "cycles");
	near_text(&near, text, sizeof(text));
	assert_int_equal(near.n, 0);
	assert_string_equal(text, "");
}

static void a_small_buffer_is_not_overrun(void **state)
{
	struct near near;
	char text[8];

	near_init(&near, "loads");
	near_offer(&near, "LLC-loads");
	near_offer(&near, "dTLB-loads");
	near_text(&near, text, sizeof(text));
	assert_int_equal(strlen(text), sizeof(text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances),
		cmocka_unit_test(distance_is_symmetric),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(keeps_the_three_nearest),
		cmocka_unit_test(nothing_near_says_nothing),
		cmocka_unit_test(a_small_buffer_is_not_overrun),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
