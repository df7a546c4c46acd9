/* SPDX-License-Identifier: Apache-2.0
 *
 * In the place of the opener and of the symbolizer's client, for what walks stacks: one file of
 * PAGES pages, whose rows the input brings, mapped by one process, and code without a file.
 */
#ifndef TESTS_FUZZ_STAND_INS_H
#define TESTS_FUZZ_STAND_INS_H

#include <errno.h>

#include "agent/space/processes.h"
#include "agent/unwind/table.h"
#include "tests/fuzz/fuzz.h"

enum {
	PAGES = 2,
	TEXT_AT = 0x400000, /* the file is mapped here, */
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

static inline void *read_page(struct cursor *in, uint32_t number)
{
	struct cursor part = fuzz_part(in);
	void *blob = fuzz_copy(part.at, cursor_left(&part));

	answers[number].status = rows_check(blob, cursor_left(&part), &answers[number].page);
	return blob;
}

static inline void map(struct processes *ps, uint64_t start, uint64_t len, uint64_t inode,
		const char *path)
{
	struct record r = {.kind = RECORD_MMAP, .pid = PID, .tid = PID};

	r.mmap = (struct record_mmap){.start = start, .len = len, .prot = 4, .inode = inode,
				      .path = path};
	processes_apply(ps, &r);
}

static inline struct process *start(struct processes *ps)
{
	struct record r = {.kind = RECORD_COMM, .pid = PID, .tid = PID};

	r.comm.name = "fuzz";
	r.comm.exec = true;
	processes_apply(ps, &r);
	map(ps, TEXT_AT, PAGES * ROWS_PAGE_SIZE, 1, "/fuzz");
	map(ps, ANON_AT, ROWS_PAGE_SIZE, 0, "//anon");
	return processes_get(ps, PID, 0);
}

#endif
