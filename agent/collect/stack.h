/* SPDX-License-Identifier: Apache-2.0
 *
 * One sample's whole stack: the kernel's part from its callchain, the user's from the walk, taken
 * further by the kernel's frame-pointer chain where that provably continues it.
 */
#ifndef AGENT_COLLECT_STACK_H
#define AGENT_COLLECT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/unwind/walk.h"
#include "agent/window/window.h"
#include "pmu/record.h"

struct stack {
	struct window_frame frames[WINDOW_STACK_MAX]; /* leaf first */
	size_t n;
};

/* Appends the kernel's frames of a sample. `kernel`: the kernel's module, or NULL. */
void stack_add_kernel(struct stack *s, const struct record_sample *r, const struct module *kernel);

/* Appends the frames of a walk. Run-time code gets its process' perf map. */
void stack_add_walk(struct stack *s, struct processes *ps, struct process *p, const struct walk *w,
		    uint64_t time);

/* Appends what the kernel's user chain has behind the walk's last frame, if it has that frame.
 * Returns the number of frames added. */
size_t stack_splice(struct stack *s, struct processes *ps, struct process *p, const struct walk *w,
		    const struct record_sample *r, uint64_t time);

/* Appends the one user address of a sample that has nothing else. */
void stack_add_ip(struct stack *s, struct processes *ps, struct process *p, uint64_t ip,
		  uint64_t time);

/* Appends the user part of the kernel's chain as it is (--call-graph fp), `most` frames of it. It
 * ends at an address that is not mapped; `gaps`: it goes on, mappings may not have been recorded. */
size_t stack_add_chain(struct stack *s, struct processes *ps, struct process *p,
		       const struct record_sample *r, size_t most, bool gaps, uint64_t time);

#endif
