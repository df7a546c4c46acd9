/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole ELF file: its headers, segments, sections, notes and dynamic tags. (What stands in
 * compressed sections: inflate; in symbol tables: symtab, names.)
 */
/* libFuzzer: -max_len=4096 */
#include "symbolizer/image_priv.h"
#include "tests/fuzz/fuzz.h"

enum { SECTIONS_MAX = 64 };

static volatile uint8_t touched;

static void touch(struct image_span s, size_t file)
{
	assert(s.len <= file && (s.at || !s.len));
	if (s.len)
		touched ^= s.at[0] ^ s.at[s.len - 1];
}

static void sections(const struct image *img, size_t size)
{
	struct image_sec sec;

	for (size_t i = 0; i < SECTIONS_MAX && image_sec(img, i, &sec); i++) {
		assert(sec.name);
		touch(image_stored(img, sec.name), size);
		if (!(sec.flags & SHF_COMPRESSED))
			image_data(img, sec.name);
	}
}

static void segments(const struct image *img, size_t size)
{
	const struct image_seg *seg;

	for (size_t i = 0; i < SECTIONS_MAX && (seg = image_seg(img, i)); i++) {
		touch(image_from(img, seg->vaddr, SIZE_MAX), size);
		image_bytes(img, seg->vaddr + seg->filesz - 4, 4);
		image_seg_at(img, seg->vaddr, true);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sym_info info;
	struct image *img;
	const char *name;
	uint32_t crc;
	uint64_t v;

	if (image_open(fuzz_file(data, size), &img))
		return 0;
	image_info(img, &info);
	assert(info.n_segs <= SYM_SEGS_MAX && info.build_id_len <= SYM_BUILD_ID_MAX);
	sections(img, size);
	segments(img, size);
	if (image_debuglink(img, &name, &crc))
		assert(strlen(name) < size);
	image_dynamic(img, DT_SYMTAB, &v);
	image_close(&img);
	return 0;
}
