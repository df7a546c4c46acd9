/* SPDX-License-Identifier: Apache-2.0
 *
 * Records in the order of time. perf writes its rings one after the other; a FINISHED_ROUND record
 * says that all rings were read once, so whatever comes later is younger than everything that came
 * before the round that is now ended. Recordings without rounds are held up to a bound in bytes;
 * past it the older half goes.
 */
#ifndef PERFDATA_ORDER_H
#define PERFDATA_ORDER_H

#include <stddef.h>
#include <stdint.h>

enum { ORDER_BYTES_MAX = 128 * 1024 * 1024 };

/* `bytes` is the order's own copy, 8-byte aligned, to change at will during the call. */
typedef void (*order_fn)(void *arg, void *bytes, size_t len);

struct order;

int order_new(order_fn fn, void *arg, struct order **ret);
void order_free(struct order **o);

/* Copies a record. 0 or -ENOMEM. */
int order_add(struct order *o, uint64_t time, const void *bytes, size_t len);
void order_round(struct order *o); /* a FINISHED_ROUND */
void order_finish(struct order *o); /* delivers all that is left */

uint64_t order_late(const struct order *o); /* records that came after younger ones had gone */

#endif
