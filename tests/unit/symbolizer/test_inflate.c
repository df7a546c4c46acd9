/* SPDX-License-Identifier: Apache-2.0
 *
 * Compressed sections that claim to hold more than they can.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "symbolizer/inflate.h"

enum { ZSTD = 2 };

/* What the formats' own best encoders make of zeros is believed, what they cannot is not. */
static void test_plausible(void **state)
{
	assert_true(inflate_plausible(ELFCOMPRESS_ZLIB, 100, 1000));
	assert_true(inflate_plausible(ELFCOMPRESS_ZLIB, 1039, 1 << 20));
	assert_false(inflate_plausible(ELFCOMPRESS_ZLIB, 64, 1 << 29));
	assert_true(inflate_plausible(ZSTD, 46, 1 << 20));
	assert_false(inflate_plausible(ZSTD, 64, 1 << 29));
	assert_false(inflate_plausible(ZSTD, 64, UINT64_MAX));
	assert_false(inflate_plausible(ELFCOMPRESS_ZLIB, 64, 0));
	assert_false(inflate_plausible(ELFCOMPRESS_ZLIB, 0, 1032));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_plausible)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
