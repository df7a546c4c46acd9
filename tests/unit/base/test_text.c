/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/text.h"

static void check(const char *in, const char *out)
{
	char got[64];
	size_t n = text_clean(got, sizeof(got), in, strlen(in));

	assert_string_equal(got, out);
	assert_int_equal(n, strlen(out));
}

static void test_clean(void **state)
{
	check("plain", "plain");
	check("", "");
	check("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\xa5", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac "
								  "\xf0\x9f\x94\xa5");
	check("\x1b[31mred\x07\n\t\x7f", "?[31mred????");
	check("\xc2\x9b""1m", "?1m");		   /* C1 control: CSI in one character */
	check("\xff\xfe\x80", "???");		   /* never in UTF-8 */
	check("\xc0\xaf", "??");		   /* overlong */
	check("\xe0\x80\xaf", "???");
	check("\xf0\x80\x80\xaf", "????");
	check("\xed\xa0\x80", "???");		   /* surrogate */
	check("\xf4\x90\x80\x80", "????");	   /* past U+10FFFF */
	check("\xe2\x82", "??");		   /* cut off */
	check("a\xe2\x82z", "a??z");
}

static void test_embedded_nul(void **state)
{
	char got[8];

	assert_int_equal(text_clean(got, sizeof(got), "a\0b", 3), 3);
	assert_string_equal(got, "a?b");
}

/* A cut never leaves half a character. */
static void test_cut(void **state)
{
	char got[5];

	assert_int_equal(text_clean(got, sizeof(got), "abc\xc3\xbc", 5), 3);
	assert_string_equal(got, "abc");
	assert_int_equal(text_clean(got, sizeof(got), "abcdefgh", 8), 4);
	assert_string_equal(got, "abcd");
	assert_int_equal(text_clean(got, 1, "abc", 3), 0);
	assert_string_equal(got, "");
}

static void test_all_pairs(void **state)
{
	char in[2], got[8], again[8];

	for (int i = 0; i < 65536; i++) {
		size_t n, m;
		in[0] = (char)i;
		in[1] = (char)(i >> 8);
		n = text_clean(got, sizeof(got), in, 2);
		m = text_clean(again, sizeof(again), got, n);
		assert_int_equal(n, m); /* clean text stays as it is */
		assert_memory_equal(got, again, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_embedded_nul),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_all_pairs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
