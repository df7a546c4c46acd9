/* SPDX-License-Identifier: Apache-2.0
 *
 * Names from a whole ELF file without debug information: symbol tables, PLT stubs, start code, and
 * what it wishes for; then the same file handed over as its own debug file. (Debug information:
 * debuginfo; MiniDebugInfo: minidebug.)
 */
/* libFuzzer: -max_len=4096 */
#include "symbolizer/names.h"
#include "tests/fuzz/fuzz.h"

static void ask(struct names *n, const struct image *img, const struct sym_info *info)
{
	static struct frames f;
	uint64_t budget = 1000, entry = image_entry(img);

	for (int i = 0; i < info->n_segs; i++)
		for (uint64_t k = 0; k < 8; k++)
			names_at(n, info->segs[i].vaddr + k * 16, &budget, &f);
	names_at(n, entry, &budget, &f);
	assert(f.n <= SYM_FRAMES_MAX);
	for (unsigned i = 0; i < f.n; i++)
		assert(f.at[i].name.at && f.at[i].name.len <= 65536);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sym_info info;
	struct image *img;
	struct names *n;
	int fd = fuzz_file(data, size);

	if (image_open(dup(fd), &img)) {
		close(fd);
		return 0;
	}
	image_info(img, &info);
	if (!(info.flags & (SYM_HAS_DEBUG | SYM_HAS_MINI))) {
		assert(names_open(img, &n) == 0);
		ask(n, img, &info);
		names_info(n, &info);
		if (info.n_wants)
			names_debug(n, info.wants[0].kind, dup(fd));
		names_info(n, &info);
		assert(info.n_wants <= SYM_WANTS_MAX);
		ask(n, img, &info);
		names_close(&n);
	}
	image_close(&img);
	close(fd);
	return 0;
}
