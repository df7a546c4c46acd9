/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of a sample: ring → record → (time merge) → unwind → window. What comes after –
 * resolve → export – begins when the window ends (window/resolve.h, helpers/exporter.h).
 */
#ifndef AGENT_COLLECT_COLLECTOR_H
#define AGENT_COLLECT_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/space/processes.h"
#include "agent/unwind/walk.h"
#include "agent/window/window.h"
#include "pmu/record.h"

enum collector_stacks {
	STACKS_DWARF,
	STACKS_FP,
	STACKS_NONE,
	STACKS_RECORDED, /* what each sample of a recording has: registers, a chain, an address */
};

typedef void (*collector_fn)(void *arg, const struct record *r);
/* Where records come from: delivers, in the order of time, what is older than `until`. The rings
 * (session_drain()), or a recording. */
typedef size_t (*collector_source)(void *source, uint64_t until, collector_fn fn, void *arg);

struct collector_config {
	collector_source drain;
	void *source;
	struct processes *processes;
	struct modules *modules;
	struct tables *tables;
	uint64_t period; /* -c: the weight of a sample that carries none */
	enum collector_stacks stacks;
	bool kernel_stacks;
	bool recorded;   /* nothing is lost by waiting: each stack gets all its rows, idle CPUs stay */
	uint64_t start;  /* time from which seconds are counted; 0: the first record's */
};

struct collector_counters {
	uint64_t samples, idle, guest;
	uint64_t by_end[WALK_ENDS_N];
	uint64_t spliced;   /* stacks that the kernel's frame pointer chain took further */
	uint64_t suspect;   /* stacks met while mappings may have been missing (lost records) */
	uint64_t parked, parked_late;
	uint64_t out_of_memory;
	uint64_t frames;    /* user frames walked */
	uint64_t first_sample;   /* time of the first one with a user stack, */
	uint64_t first_complete; /* and clock_mono() when the first stack was complete */
};

struct collector;

int collector_new(const struct collector_config *c, struct collector **ret);
void collector_free(struct collector **c);

/* Takes in what the rings hold up to `until` (clock_mono() ns; UINT64_MAX: all, and waits for the
 * rows that are still on their way). */
void collector_drain(struct collector *c, uint64_t until);

const struct window *collector_window(const struct collector *c);
const struct collector_counters *collector_counters(const struct collector *c);

#endif
