/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/fixture.h"

#include "exporters/folded.h"

static char *folded(const struct profile *p)
{
	struct buf b;

	assert_int_equal(written(folded_write, p, &b), 0);
	buf_u8(&b, 0);
	assert_false(b.bad);
	return (char *)b.data;
}

static void stacks_from_the_root(void **state)
{
	struct profile p;
	char *text;

	fixture(&p);
	text = folded(&p);
	/* Both processes' equal stacks are one line; the value is the default type's. */
	assert_string_equal(
		text,
		"demo;main;leaf;inlined<int>_[i] 600000000\n"
		"demo;main;leaf;inlined<int>_[i];copy_user_[k] 200000000\n"
		"demo;main;libvendor.so+0x1390 50000000\n"
		"demo;main;libvendor.so+0x1390;libvendor.so+0x12f0 50000000\n"
		"demo;main;recurse;recurse;recurse 400000000\n"
		"other;[unknown]+0xdead;LazyCompile:~f_[j] 700000000\n");
	free(text);
	profile_free(&p);
}

static void names_cannot_break_lines(void **state)
{
	struct profile p;
	int64_t v = 3;
	uint32_t at;
	char *text;

	assert_int_equal(profile_init(&p), 0);
	profile_add_type(&p, "samples", "count");
	fixture_location(&p, PROFILE_NONE, 1, 0, "a;b\nc d 7\xff", NULL);
	at = 0;
	assert_int_equal(profile_add_sample(&p, &at, 1, NULL, 0, &v), 0);
	text = folded(&p);
	assert_string_equal(text, "a:b?c d 7? 3\n");
	free(text);
	profile_free(&p);
}

static void nothing_and_less_is_left_out(void **state)
{
	struct profile p;
	int64_t values[] = {0, -5, 2};
	char *text;

	assert_int_equal(profile_init(&p), 0);
	profile_add_type(&p, "samples", "count");
	for (uint32_t i = 0; i < 3; i++) {
		struct profile_label l = {.key = profile_string(&p, "pid"), .num = i};
		assert_int_equal(profile_add_sample(&p, NULL, 0, &l, 1, &values[i]), 0);
	}
	text = folded(&p);
	assert_string_equal(text, "[no stack] 2\n");
	free(text);
	profile_free(&p);
}

static void errors_of_writing(void **state)
{
	struct profile p;
	int full = open("/dev/full", O_WRONLY);

	fixture(&p);
	assert_int_equal(folded_write(&p, full), -ENOSPC);
	close(full);
	profile_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_from_the_root),
		cmocka_unit_test(names_cannot_break_lines),
		cmocka_unit_test(nothing_and_less_is_left_out),
		cmocka_unit_test(errors_of_writing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
