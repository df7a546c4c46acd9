/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of an event this user can have on this machine, found by opening it.
 */
#ifndef PMU_USABLE_H
#define PMU_USABLE_H

#include "pmu/event.h"

enum usable {
	USABLE_NO,
	USABLE_COUNT,  /* counts, cannot be sampled */
	USABLE_SYSTEM, /* only for the whole machine */
	USABLE_USER,   /* without its kernel part */
	USABLE_ALL,
};

/* *ret_err: the errno that stood in the way of more, 0 with USABLE_ALL. */
enum usable event_usable(const struct event *e, int *ret_err);

#endif
