/* SPDX-License-Identifier: Apache-2.0
 *
 * An ELF symbol table and its strings.
 */
#include "symbolizer/symtab.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct symtab_sec secs[] = {
		{0}, {0x1000, 0x1100, true}, {0x1100, 0x2000, true}, {0x3000, 0x4000, false}};
	static const struct sym_seg segs[] = {{.vaddr = 0x1000, .filesz = 0x1000, .memsz = 0x1000}};
	struct cursor in = cursor_over(data, size), syms;
	uint8_t how = cursor_u8(&in);
	struct symtab_in from = {.segs = segs, .n_segs = 1, .sized_only = how & 2};
	char *strs;
	struct symtab *t;

	if (how & 1) {
		from.secs = secs;
		from.n_secs = 4;
	}
	syms = fuzz_part(&in);
	from.syms = syms.at;
	from.syms_len = cursor_left(&syms);
	from.strs_len = cursor_left(&in);
	from.strs = strs = fuzz_copy(in.at, from.strs_len);
	assert(symtab_build(&from, &t) == 0);
	for (uint64_t at = 0xff0; at < 0x2010; at += 61) {
		struct str s = symtab_find(t, at);
		assert(!s.at || (s.at > strs - 1 && s.at + s.len < strs + from.strs_len));
	}
	symtab_free(&t);
	free(strs);
	return 0;
}
