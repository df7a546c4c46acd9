/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples whose unwind rows are on their way, kept aside up to a bound in bytes. A parked sample
 * holds the address space of its own time: changes after it go to a copy.
 */
#ifndef AGENT_COLLECT_PARKED_H
#define AGENT_COLLECT_PARKED_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/space/processes.h"
#include "pmu/record.h"

enum { PARKED_BYTES_MAX = 16 * 1024 * 1024 };

struct parked {
	struct parked *next;
	size_t bytes;
	struct process process; /* a copy, with a hold on the space */
	const char *comm;       /* of its own time, too */
	struct record record;   /* its pointers point behind this struct */
};

struct parking {
	struct parked *first, **last;
	size_t bytes, n;
};

void parking_init(struct parking *p);
/* Copies the sample: false when the bound is reached or memory is out. */
bool parking_add(struct parking *p, const struct record *r, const struct process *process,
		 const char *comm, size_t n_regs);
/* Takes the oldest one; NULL when empty. parked_free() releases it. */
struct parked *parking_take(struct parking *p);
/* Puts one back that was taken, at the end. */
void parking_put(struct parking *p, struct parked *k);
void parked_free(struct parked *k);

#endif
