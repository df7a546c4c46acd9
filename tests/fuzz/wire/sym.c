/* SPDX-License-Identifier: Apache-2.0
 *
 * What the symbolizer says of a module. What is accepted is written and read back the same.
 */
/* libFuzzer: -max_len=1400 */
#include "agent/wire/sym.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct sym_info *info)
{
	struct buf b = BUF_INIT(1 << 16), b2 = BUF_INIT(1 << 16);
	struct sym_info back;
	struct cursor c;

	for (int i = 0; i < info->n_wants; i++)
		assert(!strchr(info->wants[i].name, '/') && strcmp(info->wants[i].name, ".."));
	sym_info_put(&b, info);
	c = cursor_over(b.data, b.len);
	assert(!b.bad && sym_info_get(&c, &back) == 0 && !cursor_left(&c));
	sym_info_put(&b2, &back);
	assert(b.len == b2.len && !memcmp(b.data, b2.data, b.len));
	buf_free(&b);
	buf_free(&b2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	struct sym_info info;

	if (sym_info_get(&c, &info) == 0)
		check(&info);
	return 0;
}
