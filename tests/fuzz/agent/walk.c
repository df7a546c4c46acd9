/* SPDX-License-Identifier: Apache-2.0
 *
 * A stack walked by hostile rows over hostile bytes: pages of rows arrive as they would from the
 * symbolizer, then registers and a copy of the stack are walked.
 *
 * The walker's own file is a part of this one: its cache is far too large to be made anew for each
 * input, and is emptied by its epoch instead.
 */
/* libFuzzer: -max_len=2048 */
#include "agent/unwind/walk.c" /* NOLINT */

#include "tests/fuzz/fuzz.h"

enum {
	PAGES = 2,
	TEXT_AT = 0x400000, /* a file of PAGES pages is mapped here, */
	ANON_AT = 0x500000, /* and code without a file here */
	PID = 1,
};

static struct {
	struct rows_page page;
	int status;
} answers[PAGES];
static unsigned asked; /* a bit a page */

int opener_mapping(struct opener *o, int pid, const int *parents, int n_parents,
		   const struct opener_mapping *m, struct opener_stat *ret_stat)
{
	*ret_stat = (struct opener_stat){.dev = 1, .inode = 1, .size = 1};
	return INT32_MAX; /* a descriptor that nobody has */
}

int opener_proc(struct opener *o, int pid, const char *name) { return -ENOENT; }
int opener_kallsyms(struct opener *o) { return -ENOENT; }
int opener_perfmap(struct opener *o, int pid, uint64_t max) { return -ENOENT; }
int opener_debug_by_id(struct opener *o, int pid, const uint8_t *id, size_t n) { return -ENOENT; }
int opener_debug_by_name(struct opener *o, int pid, const char *p, const char *n) { return -ENOENT; }
int opener_debug_alt(struct opener *o, int pid, const uint8_t *id, size_t len, const char *name)
{
	return -ENOENT;
}

int symbolizer_module(struct symbolizer *s, enum sym_kind kind, int fd, uint32_t *ret_id,
		      struct sym_info *info)
{
	*ret_id = 0;
	*info = (struct sym_info){.n_segs = 1};
	info->segs[0] = (struct sym_seg){.filesz = PAGES * ROWS_PAGE_SIZE,
					 .memsz = PAGES * ROWS_PAGE_SIZE};
	return 0;
}

int symbolizer_debug(struct symbolizer *s, uint32_t id, const struct sym_want *want, int fd,
		     struct sym_info *info)
{
	return -ENOENT;
}

int symbolizer_ask_rows(struct symbolizer *s, uint32_t id, uint32_t page)
{
	assert(id == 0 && page < PAGES && !(asked >> page & 1));
	asked |= 1u << page;
	return 0;
}

int symbolizer_poll(struct symbolizer *s, uint64_t deadline, symbolizer_rows_fn fn, void *arg)
{
	int n = 0;

	for (uint32_t i = 0; i < PAGES; i++, asked >>= 1)
		if (asked & 1) {
			fn(arg, 0, i, answers[i].status, answers[i].status ? NULL : &answers[i].page);
			n++;
		}
	asked = 0;
	return n;
}

unsigned symbolizer_pending(const struct symbolizer *s) { return (unsigned)asked; }

static void *read_page(struct cursor *in, uint32_t number)
{
	struct cursor part = fuzz_part(in);
	void *blob = fuzz_copy(part.at, cursor_left(&part));

	answers[number].status = rows_check(blob, cursor_left(&part), &answers[number].page);
	return blob;
}

static void map(struct processes *ps, uint64_t start, uint64_t len, uint64_t inode,
		const char *path)
{
	struct record r = {.kind = RECORD_MMAP, .pid = PID, .tid = PID};

	r.mmap = (struct record_mmap){.start = start, .len = len, .prot = 4, .inode = inode,
				      .path = path};
	processes_apply(ps, &r);
}

static struct process *start(struct processes *ps)
{
	struct record r = {.kind = RECORD_COMM, .pid = PID, .tid = PID};

	r.comm.name = "fuzz";
	r.comm.exec = true;
	processes_apply(ps, &r);
	map(ps, TEXT_AT, PAGES * ROWS_PAGE_SIZE, 1, "/fuzz");
	map(ps, ANON_AT, ROWS_PAGE_SIZE, 0, "//anon");
	return processes_get(ps, PID, 0);
}

static void check(const struct walk *w, bool done)
{
	assert(done && w->n >= 1 && w->n <= WALK_FRAMES_MAX && w->end < WALK_ENDS_N);
	assert(walk_end_word(w->end));
	for (size_t i = 1; i < w->n; i++)
		assert(w->frames[i].path);
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
	static struct walker walker = {.epoch = 1};
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
	       processes_new(NULL, ms, &walker.processes) == 0);
	walker.arrived_seen = 0;
	walker.epoch++;
	walk_twice(&walker, start(walker.processes), &wi);
	tables_free(&walker.tables);
	processes_free(&walker.processes);
	modules_free(&ms);
	for (uint32_t i = 0; i < PAGES; i++)
		free(blobs[i]);
	free(stack);
	return 0;
}
