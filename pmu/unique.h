/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile cannot tell two sample types of one name apart.
 */
#ifndef PMU_UNIQUE_H
#define PMU_UNIQUE_H

#include "pmu/event.h"

/* Gives event i of `n` a sample type that no other has, adding its modifiers ("cycles_k") or a
 * number ("cycles_2"). */
void event_make_unique(struct event *events, size_t n, size_t i);

#endif
