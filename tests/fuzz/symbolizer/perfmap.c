/* SPDX-License-Identifier: Apache-2.0
 *
 * A JIT's perf map: grows, may be begun anew. What is read in two parts is what is read at once.
 */
/* libFuzzer: -max_len=256 */
#include "symbolizer/textsyms.h"
#include "tests/fuzz/fuzz.h"

static void grow(int fd, const uint8_t *text, size_t len)
{
	assert(pwrite(fd, text, len, 0) == (ssize_t)len && ftruncate(fd, (off_t)len) == 0);
}

static void compare(const struct textsyms *a, const struct textsyms *b)
{
	struct str module;

	for (uint64_t at = 0x1000; at < 0x1200; at += 13) {
		struct str x = textsyms_find(a, at, &module), y = textsyms_find(b, at, &module);
		assert(x.len == y.len && !x.at == !y.at && !module.at);
		assert(!x.at || !memcmp(x.at, y.at, x.len));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	uint8_t cut = cursor_u8(&in);
	size_t len = cursor_left(&in);
	int fd = fuzz_file(in.at, len);
	struct textsyms *once, *twice;

	assert(perfmap_open(dup(fd), &once) == 0 && perfmap_open(dup(fd), &twice) == 0);
	assert(textsyms_refresh(once) == 0);
	if (len) {
		grow(fd, in.at, cut % len);
		assert(textsyms_refresh(twice) == 0);
		grow(fd, in.at, len);
	}
	assert(textsyms_refresh(twice) == 0);
	compare(once, twice);
	grow(fd, (const uint8_t *)"1000 10 x\n", len < 10 ? len : 10);
	assert(textsyms_refresh(twice) == 0);
	textsyms_close(&once);
	textsyms_close(&twice);
	close(fd);
	return 0;
}
