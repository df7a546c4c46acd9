/* SPDX-License-Identifier: Apache-2.0
 *
 * EINVAL and EOPNOTSUPP say that something in the attributes does not fit, not what: it is found
 * by opening again with one thing changed.
 */
#ifndef PMU_EXPLAIN_H
#define PMU_EXPLAIN_H

#include "pmu/attr.h"
#include "pmu/facts.h"
#include "pmu/resolve.h"

/* True when the one thing was found and said. */
bool explain_attributes(const struct perf_event_attr *attr, const struct open_target *t,
			const struct facts *facts, const struct why *w);

#endif
