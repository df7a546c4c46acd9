/* SPDX-License-Identifier: Apache-2.0
 *
 * What a recording adds up: stacks, each kept once, and how often each was met by which thread on
 * which CPU in which second.
 */
#ifndef AGENT_WINDOW_WINDOW_H
#define AGENT_WINDOW_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "agent/space/module.h"
#include "agent/unwind/walk.h"

struct window;

enum { WINDOW_STACK_MAX = WALK_FRAMES_MAX + 256 }; /* user and kernel frames */

enum window_frame_flag {
	WINDOW_KERNEL = 1 << 0,
	WINDOW_FP = 1 << 1,  /* found by a frame pointer */
	WINDOW_ANON = 1 << 2, /* run-time code in anonymous memory */
};

struct window_frame {
	const struct module *module; /* NULL: none to be had */
	const char *path;            /* interned; where module is NULL */
	uint64_t address;            /* for names: ELF address, or the process' own for anonymous code */
	uint32_t flags;
};

struct window_sample {
	uint32_t event;
	int pid, tid, cpu;
	uint32_t second;    /* since the start of the recording */
	const char *comm;   /* interned */
	enum walk_end end;
	uint64_t weight;
};

int window_new(struct window **ret);
void window_free(struct window **w);

/* Adds one sample; `frames` leaf first. 0 or -ENOMEM. */
int window_add(struct window *w, const struct window_sample *s, const struct window_frame *frames,
	       size_t n);

/* For the resolver: what has been added up, by index. */
struct window_location {
	struct {
		const struct module *module;
		const char *path;
		uint64_t address;
		uint64_t flags;
	} key;
	uint64_t self; /* samples that it was the leaf of */
};
struct window_stack {
	const uint32_t *locations; /* leaf first */
	uint32_t n;
};
struct window_count {
	struct {
		uint32_t stack, event, second, end;
		int32_t pid, tid, cpu, zero;
		const char *comm;
	} key;
	uint64_t samples, weight;
};
size_t window_locations(const struct window *w, const struct window_location *const **ret);
size_t window_stacks(const struct window *w, const struct window_stack *const **ret);
size_t window_counts(const struct window *w, const struct window_count *const **ret);

#endif
