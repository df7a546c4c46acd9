/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's table of symbols as text.
 */
/* libFuzzer: -max_len=320 */
#include "symbolizer/textsyms.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct textsyms *t;
	struct str module;

	assert(kallsyms_open(fuzz_file(data, size), &t) == 0 && textsyms_refresh(t) == 0);
	for (uint64_t at = UINT64_C(0xffffffff81000000); at < UINT64_C(0xffffffff81000100); at += 29) {
		struct str s = textsyms_find(t, at, &module);
		assert(s.at ? s.len <= size : !module.at);
		assert(!module.at || (module.len && module.len < size));
	}
	textsyms_close(&t);
	return 0;
}
