/* SPDX-License-Identifier: Apache-2.0
 *
 * The events of a recording as the profile names them.
 */
#ifndef PERFDATA_EVENTS_H
#define PERFDATA_EVENTS_H

#include "pmu/perfdata/attrs.h"
#include "pmu/event.h"

/* `ret`: EVENTS_MAX of them. Returns their number; event i is the one of slot i. */
size_t events_of_attrs(const struct perfdata_attrs *as, struct event *ret);

#endif
