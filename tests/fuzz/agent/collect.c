/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole way of a sample: records, walk, window, names, profile. The input brings the rows of
 * a file and the records of a ring; what comes of it is a valid profile.
 */
/* libFuzzer: -max_len=2048 */
#include "agent/collect/collector.h"
#include "agent/unwind/arch.h"
#include "agent/window/resolve.h"
#include "pmu/abi.h"
#include "tests/fuzz/agent/stand_ins.h"

static char no_opener; /* what it would open, stand-ins do */

enum { RECORDS_MAX = 32, EVENTS = 2 };

static struct cursor in;

static size_t drain(void *source, uint64_t until, collector_fn fn, void *arg)
{
	static const struct record_format formats[EVENTS] = {
		{.id = 1, .event = 0, .n_regs = ARCH_PERF_REGS,
		 .sample_type = PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER |
				PERF_SAMPLE_STACK_USER},
		{.id = 2, .event = 1, .sample_type = PERF_SAMPLE_CALLCHAIN}};
	size_t n = 0;

	for (; n < RECORDS_MAX && cursor_left(&in); n++) {
		struct cursor part = fuzz_part(&in);
		size_t len = cursor_left(&part) & ~(size_t)7;
		struct perf_event_header h;
		struct record r;
		uint8_t *copy;

		if (len < sizeof(h))
			continue;
		copy = fuzz_copy(part.at, len);
		memcpy(&h, copy, sizeof(h));
		h.size = (uint16_t)len;
		memcpy(copy, &h, sizeof(h));
		if (record_decode(copy, len, formats, EVENTS, &r) == 0)
			fn(arg, &r);
		free(copy);
	}
	return n;
}

/* Every other address has a name. */
void symbolizer_names(struct symbolizer *s, uint32_t id, const uint64_t *addresses, size_t n,
		      symbolizer_name_fn fn, void *arg)
{
	static const struct symbolizer_frame f[] = {
		{.name = "inlined", .linkage = "inlined", .file = "", .line = 1},
		{.name = "fn()", .linkage = "_Z2fnv", .file = "a.c", .line = 2, .start_line = 1}};

	for (size_t i = 0; i < n; i++)
		fn(arg, i, f, addresses[i] % 3);
}

static void finish(struct collector *c, struct modules *ms)
{
	struct event events[EVENTS] = {
		{.name = "cycles", .sample_type = "cycles", .unit = "count"},
		{.name = "cpu-clock", .sample_type = "cpu-clock", .unit = "nanoseconds",
		 .is_clock = true}};
	struct resolve_input ri = {.window = collector_window(c), .modules = ms, .events = events,
				   .n_events = EVENTS, .frequency = 99};
	struct resolve_figures figures;
	struct profile p;

	assert(profile_init(&p) == 0 && resolve(&ri, &p, &figures) == 0 && profile_valid(&p));
	assert(figures.named <= figures.locations && figures.samples_named <= figures.samples);
	profile_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct collector_config config = {.kernel_stacks = true, .drain = drain};
	struct collector *c;
	void *blobs[PAGES];
	uint8_t how;

	in = cursor_over(data, size);
	how = cursor_u8(&in);
	asked = 0;
	for (uint32_t i = 0; i < PAGES; i++)
		blobs[i] = read_page(&in, i);
	assert(modules_new(NULL, NULL, &config.modules) == 0 &&
	       tables_new(NULL, &config.tables) == 0 &&
	       processes_new((struct opener *)&no_opener, config.modules, &config.processes) == 0);
	config.stacks = how % 4;
	start(config.processes);
	assert(collector_new(&config, &c) == 0);
	collector_drain(c, UINT64_MAX);
	finish(c, config.modules);
	collector_free(&c);
	tables_free(&config.tables);
	processes_free(&config.processes);
	modules_free(&config.modules);
	for (uint32_t i = 0; i < PAGES; i++)
		free(blobs[i]);
	return 0;
}
