/* SPDX-License-Identifier: Apache-2.0
 *
 * Sideband records and /proc text in any order: what becomes of the processes. The opener is a
 * stand-in that hands out the input's own text; no file can be had behind a mapping.
 */
#include "agent/space/processes.h"

#include <errno.h>

#include "pmu/abi.h"
#include "tests/fuzz/fuzz.h"

static char no_opener; /* what it would open, stand-ins do */

enum { STEPS_MAX = 64 };

static struct cursor proc_text;

int opener_proc(struct opener *o, int pid, const char *name)
{
	return proc_text.at ? fuzz_file(proc_text.at, cursor_left(&proc_text)) : -ENOENT;
}

struct module *modules_of_mapping(struct modules *ms, int pid, const int *parents, int n_parents,
				  struct mapping *m)
{
	m->asked = true;
	return NULL;
}

struct module *modules_perfmap(struct modules *ms, int pid)
{
	return NULL;
}

static void apply(struct processes *ps, struct cursor part)
{
	size_t len = cursor_left(&part) & ~(size_t)7;
	struct perf_event_header h;
	struct record r;
	uint8_t *copy;

	if (len < sizeof(h))
		return;
	copy = fuzz_copy(part.at, len);
	memcpy(&h, copy, sizeof(h));
	h.size = (uint16_t)len;
	memcpy(copy, &h, sizeof(h));
	if (record_decode(copy, len, NULL, 0, &r) == 0)
		processes_apply(ps, &r);
	free(copy);
}

static void look(struct processes *ps, int pid, uint64_t pc)
{
	struct process *p = processes_get(ps, pid, 0);
	const struct mapping *m;

	assert(p && p->space);
	m = process_mapping(ps, p, pc);
	assert(!m || (m->start <= pc && pc < m->end && m->path));
	assert(processes_comm(ps, pid, pid + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	struct processes *ps;

	proc_text = (struct cursor){0};
	assert(processes_new((struct opener *)&no_opener, NULL, &ps) == 0);
	for (int i = 0; i < STEPS_MAX && cursor_left(&in); i++) {
		switch (cursor_u8(&in) % 4) {
		case 0: proc_text = fuzz_part(&in); break;
		case 1: look(ps, cursor_u8(&in) % 4 + 1, cursor_u64(&in)); break;
		default: apply(ps, fuzz_part(&in));
		}
	}
	processes_free(&ps);
	return 0;
}
