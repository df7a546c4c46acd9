/* SPDX-License-Identifier: Apache-2.0
 *
 * A section of call frame information, read from end to end, each FDE's program run. The first
 * byte picks .eh_frame or .debug_frame and the machine.
 */
#include "symbolizer/cfi.h"
#include "tests/fuzz/fuzz.h"

enum { VADDR = 0x20000 };

struct seen {
	const struct cursor *bytes;
	uint64_t last;
};

static void on_row(void *arg, uint64_t begin, const struct cfi_state *st)
{
	struct seen *s = arg;

	assert(begin >= s->last && st->cfa.kind <= CFI_VAL_EXPR);
	s->last = begin;
	if (st->cfa.kind == CFI_VAL_EXPR)
		assert(st->cfa.expr >= s->bytes->at &&
		       st->cfa.expr + st->cfa.len <= s->bytes->end);
}

static void run(struct cfi_reader *r, const struct cfi_fde *f, const struct cursor *bytes)
{
	uint64_t middle = f->begin + (f->end - f->begin) / 2;
	struct seen all = {bytes, 0}, half = {bytes, 0};

	assert(f->begin <= f->end);
	cfi_run(r, f, 0, UINT64_MAX, on_row, &all);
	cfi_run(r, f, middle, middle + 1, on_row, &half);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	uint8_t how = cursor_u8(&in);
	size_t len = cursor_left(&in), at = 0, next = 0;
	uint8_t *copy = fuzz_copy(in.at, len);
	struct cursor bytes = cursor_over(copy, len);
	struct cfi_section sec = {.bytes = {copy, len}, .vaddr = how & 1 ? VADDR : 0,
				  .text = 0x10000, .data = 0x30000, .eh = how & 1,
				  .arch = how & 2 ? ROWS_AARCH64 : ROWS_X86_64};
	struct cfi_reader r;
	struct cfi_fde f;
	int got;

	cfi_reader_init(&r, &sec);
	for (; (got = cfi_next(&r, &next, &f)) >= 0; at = next) {
		assert(next > at && next <= len);
		if (got)
			run(&r, &f, &bytes);
		assert((cfi_fde(&r, at, &f) == 0) == (got > 0));
	}
	free(copy);
	return 0;
}
