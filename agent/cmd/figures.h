/* SPDX-License-Identifier: Apache-2.0
 *
 * The figures of a recording that its summary and its profile's comments share.
 */
#ifndef AGENT_CMD_FIGURES_H
#define AGENT_CMD_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include "agent/cmd/recording.h"
#include "agent/wire/profile.h"

struct figures {
	uint64_t samples, lost;
	uint64_t user_stacks, complete, truncated;
	double lost_share, complete_share, named_share, running_share; /* 0 … 1 */
	double seconds, cpu_seconds; /* cpu_seconds < 0: no clock event tells it */
	double own_share;            /* CPU time of all our processes ÷ (time × CPUs) */
	char grade;                  /* A: trust it; B: mostly; C: read the notes first */
};

void figures_of(struct recording *r, struct figures *ret);
/* The shares that the stacks and the names tell by themselves. */
void figures_of_stacks(const struct collector_counters *c, const struct resolve_figures *names,
		       struct figures *ret);

char figures_grade(const struct figures *f);

/* "2.1 % no CFI, 0.7 % truncated", empty when all stacks are complete. */
void figures_ends(const struct collector_counters *c, char *buf, size_t size);
/* "6,644" */
const char *figures_grouped(uint64_t v, char buf[32]);
/* "418 kB" */
const char *figures_bytes(uint64_t v, char buf[32]);
/* What the summary and the comments call the event list: "cycles", "cpu-clock (for cycles)". */
void figures_events(const struct recording *r, char *buf, size_t size);
/* The profile has frames of the kernel, and none of them has a name. */
bool figures_kernel_unnamed(const struct profile *p);
void figures_rate(const struct recording *r, char *buf, size_t size);
void figures_target(const struct recording *r, char *buf, size_t size);
/* "started again 2 times, 1 file set aside, then given up"; "" where all went well. */
void figures_symbolizer(const struct recording *r, char *buf, size_t size);
const struct event *figures_fallback(const struct recording *r); /* NULL: none fell back */
/* Is the sum of an event only a guess (session_counted() knows it)? */
bool figures_estimated(const struct recording *r, size_t event);

#endif
