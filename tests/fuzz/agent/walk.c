/* SPDX-License-Identifier: Apache-2.0
 *
 * A stack walked by hostile rows over hostile bytes: pages of rows arrive as they would from the
 * symbolizer, then registers and a copy of the stack are walked.
 *
 * The walker's own file is a part of this one: its cache is far too large to be made anew for each
 * input. It goes by the stamps of address spaces, which never come again.
 */
/* libFuzzer: -max_len=2048 */
#include "agent/unwind/walk.c" /* NOLINT */

#include "tests/fuzz/agent/stand_ins.h"

static char no_opener; /* what it would open, stand-ins do */

static void check(const struct walk *w, bool done)
{
	assert(done && w->n >= 1 && w->n <= WALK_FRAMES_MAX && w->end < WALK_ENDS_N);
	assert(walk_end_word(w->end));
	for (size_t i = 1; i < w->n; i++)
		assert(w->frames[i].module || w->frames[i].path);
}

static void walk_twice(struct walker *w, struct process *p, const struct walk_input *in)
{
	static struct walk walk, again;
	bool done = false;

	for (int i = 0; i <= PAGES && !done; i++) {
		done = walker_walk(w, p, in, false, &walk);
		if (!done)
			assert(tables_poll(w->tables, 1) > 0);
	}
	check(&walk, done);
	check(&again, walker_walk(w, p, in, true, &again)); /* by the cache */
	assert(walk.n == again.n && walk.end == again.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct walker walker;
	struct cursor in = cursor_over(data, size), part;
	struct walk_input wi = {.stack_asked = 65528};
	uint64_t regs[ARCH_PERF_REGS] = {0};
	void *blobs[PAGES], *stack;
	struct modules *ms;

	asked = 0;
	for (uint32_t i = 0; i < PAGES; i++)
		blobs[i] = read_page(&in, i);
	part = fuzz_part(&in);
	for (int i = 0; i < ARCH_PERF_REGS && cursor_left(&part) >= 8; i++)
		regs[i] = cursor_u64(&part);
	stack = fuzz_copy(in.at, cursor_left(&in));
	wi.regs = regs;
	wi.stack = stack;
	wi.stack_len = cursor_left(&in);
	assert(modules_new(NULL, NULL, &ms) == 0 && tables_new(NULL, &walker.tables) == 0 &&
	       processes_new((struct opener *)&no_opener, ms, &walker.processes) == 0);
	walk_twice(&walker, start(walker.processes), &wi);
	tables_free(&walker.tables);
	processes_free(&walker.processes);
	modules_free(&ms);
	for (uint32_t i = 0; i < PAGES; i++)
		free(blobs[i]);
	free(stack);
	return 0;
}
