/* SPDX-License-Identifier: Apache-2.0
 *
 * What to say to a name that nothing knows.
 */
#ifndef PMU_UNKNOWN_H
#define PMU_UNKNOWN_H

#include "pmu/resolve.h"

/* "cycles:x", an alias with something else behind it: -EINVAL and why, else 0. */
int unknown_modifier(const char *name, const struct why *w);

/* `tracepoint`: what tracefs said when the name looked like one, in `tracepoint_why`; -ENOENT and
 * "" when it did not. Returns the -errno for events_resolve(). */
int unknown_event(const char *name, int tracepoint, const char *tracepoint_why,
		  const struct why *w);

/* Offers every name that this machine knows (tracepoints only with `tracepoints`). */
void offer_names(struct near *near, bool tracepoints);

#endif
