/* SPDX-License-Identifier: Apache-2.0
 *
 * Compressed sections, by both ways: what the unwinder asks for, and what libdw is shown.
 */
#include "symbolizer/inflate.h"

#include "symbolizer/image.h"
#include "tests/fuzz/fuzz.h"

static void by_elf(struct buf *b)
{
	struct inflated bufs = {0};
	Elf_Scn *scn = NULL;
	GElf_Shdr h;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)b->data, b->len);
	assert(elf);
	while ((scn = elf_nextscn(elf, scn)) && gelf_getshdr(scn, &h))
		inflate_section(scn, &h, &bufs);
	elf_end(elf);
	inflated_free(&bufs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	struct fuzz_sec secs[] = {
		{.name = ".debug_frame", .type = SHT_PROGBITS, .flags = SHF_COMPRESSED,
		 .bytes = fuzz_part(&in)},
		{.name = ".debug_info", .type = SHT_PROGBITS, .flags = SHF_COMPRESSED, .bytes = in},
	};
	struct buf elf = BUF_INIT(1 << 20);
	struct image_span s;
	struct image *img;

	fuzz_elf(&elf, ET_DYN, EM_X86_64, 0, secs, 2);
	assert(image_open(fuzz_file(elf.data, elf.len), &img) == 0);
	s = image_data(img, ".debug_frame");
	assert(s.at || !s.len);
	image_close(&img);
	by_elf(&elf);
	buf_free(&elf);
	return 0;
}
