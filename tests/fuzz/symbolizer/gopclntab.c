/* SPDX-License-Identifier: Apache-2.0
 *
 * Go's table of functions: the input is the section, in a file around it.
 */
#include "symbolizer/gopclntab.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT = 0x401000, TEXT_LEN = 4096, TABLE = 0x480000 };

static void on_span(void *arg, const struct gopclntab_span *s)
{
	uint64_t *at = arg;

	assert(s->low == *at && s->high > s->low);
	*at = s->high;
}

static void ask(const struct gopclntab *t)
{
	struct gopclntab_func f;
	uint64_t at = TEXT;

	for (uint64_t pc = TEXT; pc < TEXT + TEXT_LEN; pc += 509)
		if (gopclntab_func(t, pc, &f))
			assert(f.entry <= pc && pc < f.end && (!f.name || strlen(f.name) < 65536));
	gopclntab_spans(t, TEXT, TEXT + TEXT_LEN, on_span, &at);
	assert(at == TEXT + TEXT_LEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t text[TEXT_LEN];
	struct cursor in = cursor_over(data, size);
	uint8_t how = cursor_u8(&in);
	struct fuzz_sec secs[] = {
		{.name = ".text", .type = SHT_PROGBITS, .flags = SHF_ALLOC | SHF_EXECINSTR,
		 .vaddr = TEXT, .bytes = cursor_over(text, sizeof(text))},
		{.name = how & 2 ? ".data.rel.ro" : ".gopclntab", .type = SHT_PROGBITS,
		 .flags = SHF_ALLOC, .vaddr = TABLE, .bytes = in},
		{.name = ".go.buildinfo", .type = SHT_PROGBITS, .bytes = cursor_over("x", 1)},
	};
	struct buf elf = BUF_INIT(1 << 20);
	struct gopclntab *t;
	struct image *img;

	if (in.bad)
		return 0;
	fuzz_elf(&elf, ET_EXEC, how & 1 ? EM_AARCH64 : EM_X86_64, TEXT, secs, 3);
	assert(image_open(fuzz_file(elf.data, elf.len), &img) == 0);
	if (gopclntab_open(img, &t) == 0) {
		ask(t);
		gopclntab_close(&t);
	}
	image_close(&img);
	buf_free(&elf);
	return 0;
}
