/* SPDX-License-Identifier: Apache-2.0
 *
 * Two rings with any content and any head, drained in the order of time.
 */
#include "pmu/abi.h"
#include "pmu/merge.h"
#include "tests/fuzz/fuzz.h"

enum { RINGS = 2, SIZE = 1024 };

/* Aligned as a mapped page is. */
static struct {
	struct perf_event_mmap_page page;
	uint8_t data[SIZE];
} maps[RINGS] __attribute__((aligned(4096)));

static void take(void *arg, size_t ring, const void *bytes, size_t len)
{
	static const struct record_format format = {
		.id = 1, .n_regs = 3,
		.sample_type = PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER |
			       PERF_SAMPLE_STACK_USER};
	struct record r;

	assert(ring < RINGS && len >= RECORD_HEADER && len % 8 == 0 && len <= SIZE);
	*(size_t *)arg += len;
	record_decode(bytes, len, &format, 1, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	struct ring rings[RINGS];
	struct merge *m;
	size_t total = 0;

	for (int i = 0; i < RINGS; i++) {
		uint64_t tail = (uint64_t)cursor_u8(&in) * 8, head = tail + cursor_u16(&in);
		struct cursor part = fuzz_part(&in);
		size_t n = cursor_left(&part) < SIZE ? cursor_left(&part) : SIZE;

		memset(&maps[i], 0, sizeof(maps[i]));
		if (n)
			memcpy(maps[i].data, part.at, n);
		maps[i].page.data_head = head;
		rings[i] = (struct ring){.map = &maps[i].page, .data = maps[i].data, .size = SIZE,
					 .tail = tail};
	}
	assert(merge_new(rings, RINGS, &m) == 0);
	merge_drain(m, cursor_u8(&in), take, &total);
	merge_drain(m, UINT64_MAX, take, &total);
	assert(total <= RINGS * SIZE);
	for (int i = 0; i < RINGS; i++)
		assert(rings[i].tail == rings[i].head && maps[i].page.data_tail == rings[i].head);
	merge_free(&m);
	return 0;
}
