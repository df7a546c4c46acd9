/* SPDX-License-Identifier: Apache-2.0
 *
 * One record: the first byte picks what samples carry, the rest is the record, with its size as
 * the ring has checked it.
 */
/* libFuzzer: -max_len=512 */
#include "pmu/abi.h"
#include "pmu/record.h"
#include "tests/fuzz/fuzz.h"

static uint64_t sample_type(unsigned bits)
{
	static const uint64_t parts[] = {PERF_SAMPLE_ADDR, PERF_SAMPLE_CPU, PERF_SAMPLE_PERIOD,
					 PERF_SAMPLE_CALLCHAIN, PERF_SAMPLE_REGS_USER,
					 PERF_SAMPLE_STACK_USER};
	uint64_t t = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		t |= bits >> i & 1 ? parts[i] : 0;
	return t;
}

/* Every byte that the record points to is its own. */
static void check(const uint8_t *at, size_t len, const struct record *r)
{
	const struct record_sample *s = &r->sample;

	if (r->kind == RECORD_SAMPLE) {
		assert(!s->n_chain || ((const uint8_t *)s->chain >= at &&
				       (const uint8_t *)(s->chain + s->n_chain) <= at + len));
		assert(!s->stack || (s->stack >= at && s->stack + s->stack_len <= at + len));
		assert(!s->regs || (const uint8_t *)s->regs >= at);
	}
	if (r->kind == RECORD_MMAP)
		assert(r->mmap.path + strlen(r->mmap.path) < (const char *)at + len);
	if (r->kind == RECORD_COMM)
		assert(r->comm.name + strlen(r->comm.name) < (const char *)at + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	unsigned bits = cursor_u8(&in);
	struct record_format formats[] = {
		{.id = 1, .sample_type = sample_type(bits), .event = 0, .n_regs = 17},
		{.id = 7, .sample_type = sample_type(bits >> 2), .event = 1, .n_regs = 3},
	};
	size_t len = cursor_left(&in) & ~(size_t)7;
	struct perf_event_header h;
	struct record r;
	uint8_t *copy;

	if (len < sizeof(h) || len >= RECORD_MAX)
		return 0;
	copy = fuzz_copy(in.at, len);
	memcpy(&h, copy, sizeof(h));
	h.size = (uint16_t)len;
	memcpy(copy, &h, sizeof(h));
	if (record_decode(copy, len, formats, 2, &r) == 0)
		check(copy, len, &r);
	free(copy);
	return 0;
}
