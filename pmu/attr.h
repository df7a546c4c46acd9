/* SPDX-License-Identifier: Apache-2.0
 *
 * Between open.c and those inside pmu/ that try events out (probe.c, explain.c): the attribute as
 * it would be opened, to change one thing in it and open it again.
 */
#ifndef PMU_ATTR_H
#define PMU_ATTR_H

#include "pmu/abi.h"
#include "pmu/open.h"

enum { OPEN_CGROUP = -2 }; /* open_target.pid */

void pmu_attr(struct perf_event_attr *attr, const struct event *event,
	      const struct sampling *how);

/* Opens a copy of `attr`, leaving out what this kernel is too old for: fd or -errno. */
int pmu_open_attr(const struct perf_event_attr *attr, const struct open_target *t);

#endif
