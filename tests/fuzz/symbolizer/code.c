/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules from instructions alone, over text and symbols of the input's.
 */
#include "symbolizer/code.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT = 0x10000, TEXT_MAX = 2048 };

static bool known(void *arg, uint64_t pc, struct rows_rule *ret)
{
	*ret = (struct rows_rule){.cfa_kind = ROWS_CFA_REG, .cfa_reg = 7, .cfa_off = 16,
				  .ra_kind = ROWS_RA_CFA, .ra_off = -8};
	return pc & 1;
}

static void found(void *arg, uint64_t pc, const struct rows_rule *r)
{
	uint64_t *last = arg;

	assert(pc >= *last && r->cfa_kind < ROWS_CFA_KINDS && r->ra_kind < ROWS_RA_KINDS);
	assert(r->cfa_reg < ROWS_REGS);
	*last = pc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size), text = fuzz_part(&in);
	uint8_t begin, low, arm;
	struct fuzz_sec secs[] = {
		{.name = ".text", .type = SHT_PROGBITS, .flags = SHF_ALLOC | SHF_EXECINSTR,
		 .vaddr = TEXT, .bytes = text},
		{.name = ".symtab", .type = SHT_SYMTAB, .link = 3, .bytes = fuzz_part(&in)},
		{.name = ".strtab", .type = SHT_STRTAB, .bytes = cursor_over("\0_start_c\0start", 16)},
	};
	struct code_gap gap = {.known = known, .found = found};
	struct buf elf = BUF_INIT(1 << 20);
	uint64_t last = 0, len = cursor_left(&text);
	struct image *img;
	struct code *c;

	begin = cursor_u8(&in);
	low = cursor_u8(&in);
	arm = cursor_u8(&in);
	if (!len || len > TEXT_MAX)
		return 0;
	fuzz_elf(&elf, ET_DYN, arm & 1 ? EM_AARCH64 : EM_X86_64, 0, secs, 3);
	assert(image_open(fuzz_file(elf.data, elf.len), &img) == 0 && code_open(img, &c) == 0);
	gap.begin = TEXT + begin % len;
	gap.end = TEXT + len;
	gap.low = gap.begin + low % (gap.end - gap.begin);
	gap.high = gap.end;
	gap.arg = &last;
	code_rules(c, &gap);
	code_is_padding(img, gap.low, gap.high);
	code_close(&c);
	image_close(&img);
	buf_free(&elf);
	return 0;
}
