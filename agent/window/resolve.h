/* SPDX-License-Identifier: Apache-2.0
 *
 * From addresses to names: a window and the symbolizer's answers become a finished profile.
 */
#ifndef AGENT_WINDOW_RESOLVE_H
#define AGENT_WINDOW_RESOLVE_H

#include <stdint.h>

#include "agent/window/window.h"
#include "agent/wire/profile.h"
#include "pmu/event.h"

struct resolve_input {
	const struct window *window;
	struct modules *modules;
	struct symbolizer *symbolizer;
	const struct event *events;
	size_t n_events;
	uint64_t frequency, period; /* as recorded */
	const char *main_path;      /* the program to be the first mapping; NULL: the most sampled */
	uint64_t time_nanos, duration_nanos;
};

struct resolve_figures {
	uint64_t locations, named;
	uint64_t samples, samples_named; /* by the leaf: its function has a name */
};

/* Fills an initialized profile: types, mappings, locations, samples with their labels. 0 or
 * -ENOMEM. Whatever has no name becomes "module+0xoffset". */
int resolve(const struct resolve_input *in, struct profile *ret, struct resolve_figures *figures);

#endif
