/* SPDX-License-Identifier: Apache-2.0
 *
 * MiniDebugInfo. The first byte says whether the input is the xz stream, or the file in it, which
 * is then packed here: checksums let nothing else through.
 */
/* libFuzzer: -max_len=4096 */
#include "symbolizer/minidebug.h"

#include <lzma.h>

#include "tests/fuzz/fuzz.h"

/* One block that is stored, not compressed. */
static size_t pack(const uint8_t *in, size_t len, uint8_t *out, size_t room)
{
	lzma_options_lzma o = {.dict_size = LZMA_DICT_SIZE_MIN};
	lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &o}, {.id = LZMA_VLI_UNKNOWN}};
	lzma_stream_flags flags = {.check = LZMA_CHECK_NONE};
	lzma_block block = {.check = LZMA_CHECK_NONE, .filters = filters};
	lzma_index *index = lzma_index_init(NULL);
	size_t at = LZMA_STREAM_HEADER_SIZE;

	assert(index && lzma_stream_header_encode(&flags, out) == LZMA_OK);
	assert(lzma_block_uncomp_encode(&block, in, len, out, &at, room) == LZMA_OK);
	assert(lzma_index_append(index, NULL, lzma_block_unpadded_size(&block), len) == LZMA_OK);
	flags.backward_size = lzma_index_size(index);
	assert(lzma_index_buffer_encode(index, out, &at, room) == LZMA_OK);
	assert(room - at >= LZMA_STREAM_HEADER_SIZE);
	assert(lzma_stream_footer_encode(&flags, out + at) == LZMA_OK);
	lzma_index_end(index, NULL);
	return at + LZMA_STREAM_HEADER_SIZE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sym_info info = {
		.n_segs = 1, .segs = {{.vaddr = 0x401000, .filesz = 0x1000, .memsz = 0x1000}}};
	static uint8_t packed[65536 + 1024];
	struct cursor in = cursor_over(data, size);
	bool plain = cursor_u8(&in) & 1;
	struct image_span xz = {in.at, cursor_left(&in)};
	struct minidebug *m;

	if (!xz.len || xz.len > 65536)
		return 0;
	if (plain)
		xz = (struct image_span){packed, pack(in.at, xz.len, packed, sizeof(packed))};
	if (minidebug_open(xz, &info, &m))
		return 0;
	for (uint64_t at = 0x400ff0; at < 0x401100; at += 7)
		minidebug_find(m, at);
	minidebug_close(&m);
	return 0;
}
