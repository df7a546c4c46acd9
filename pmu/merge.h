/* SPDX-License-Identifier: Apache-2.0
 *
 * All rings drained as one stream in the order of time, so that a sample meets the address space
 * of its own time, whichever CPU its process has just come from.
 */
#ifndef PMU_MERGE_H
#define PMU_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "pmu/ring.h"

/* `ring` is the index of the ring that `bytes` (a whole record of `len`) stands in. */
typedef void (*merge_fn)(void *arg, size_t ring, const void *bytes, size_t len);

struct merge;

int merge_new(struct ring *rings, size_t n, struct merge **ret); /* 0 or -ENOMEM */
void merge_free(struct merge **m);

/* Delivers every record with a time up to `until` and gives its room back to the kernel. What is
 * younger stays in its ring: another CPU may still be writing something older. Returns the number
 * of records. */
size_t merge_drain(struct merge *m, uint64_t until, merge_fn fn, void *arg);

#endif
