/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of rows from a file whose every section that matters is the input's: text, .eh_frame_hdr,
 * .eh_frame, .debug_frame, .symtab. Whatever is in it, each page is one that the collector takes.
 */
#include "agent/wire/rows.h"
#include "symbolizer/unwind.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT = 0x1fff0 }; /* goes over the end of a page */

static void ask(struct unwind *u, uint32_t number)
{
	struct buf b = BUF_INIT(8 << 20);
	struct rows_page p;

	assert(unwind_rows(u, number, &b) == 0);
	assert(rows_check(b.data, b.len, &p) == 0 && p.head.page == number);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	uint8_t how = cursor_u8(&in), entry = cursor_u8(&in);
	struct fuzz_sec secs[] = {
		{.name = ".text", .type = SHT_PROGBITS, .flags = SHF_ALLOC | SHF_EXECINSTR,
		 .vaddr = TEXT, .bytes = fuzz_part(&in)},
		{.name = ".eh_frame_hdr", .type = SHT_PROGBITS, .flags = SHF_ALLOC,
		 .vaddr = 0x30000, .segment = PT_GNU_EH_FRAME, .bytes = fuzz_part(&in)},
		{.name = ".eh_frame", .type = SHT_PROGBITS, .flags = SHF_ALLOC, .vaddr = 0x40000,
		 .bytes = fuzz_part(&in)},
		{.name = ".debug_frame", .type = SHT_PROGBITS, .bytes = fuzz_part(&in)},
		{.name = ".symtab", .type = SHT_SYMTAB, .link = 6, .bytes = fuzz_part(&in)},
		{.name = ".strtab", .type = SHT_STRTAB, .bytes = cursor_over("\0_start_c\0start", 16)},
	};
	struct buf elf = BUF_INIT(1 << 20);
	struct unwind *u;
	struct image *img;

	if (how & 2)
		secs[1].segment = PT_NULL;
	fuzz_elf(&elf, how & 4 ? ET_EXEC : ET_DYN, how & 1 ? EM_AARCH64 : EM_X86_64, TEXT + entry,
		 secs, 6);
	assert(image_open(fuzz_file(elf.data, elf.len), &img) == 0);
	assert(unwind_open(img, &u) == 0);
	ask(u, TEXT >> 16);
	ask(u, (TEXT >> 16) + 1);
	unwind_close(&u);
	image_close(&img);
	buf_free(&elf);
	return 0;
}
