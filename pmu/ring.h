/* SPDX-License-Identifier: Apache-2.0
 *
 * One mmap ring of perf_event_open(2), read in place.
 *
 * The only file that touches the shared page. The kernel's producer is
 * kernel/events/ring_buffer.c: perf_output_put_handle() pairs with ring_snapshot(),
 * __perf_output_begin() pairs with ring_release().
 */
#ifndef PMU_RING_H
#define PMU_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmu/record.h"

struct ring {
	void *map; /* the kernel's page and the data behind it; NULL when not mapped */
	size_t map_len;
	const uint8_t *data;
	uint64_t size; /* of the data, a power of two */
	uint64_t head; /* of the last snapshot */
	uint64_t tail; /* consumed up to here, published by ring_release() */
	uint64_t corrupt; /* times a header made no sense and the rest was dropped */
};

struct ring_record {
	uint64_t time;
	uint16_t size;
	bool sample;
};

/* Maps the ring of `fd` with `pages` (a power of two) data pages: 0 or -errno (-EPERM: over the
 * memory lock limit). */
int ring_map(struct ring *r, int fd, size_t pages);
void ring_unmap(struct ring *r);

/* Takes notice of what the kernel has written up to now. */
void ring_snapshot(struct ring *r);
/* The next record's time and size: false at the snapshot's end, or when its header is impossible
 * (size 0, past the end, not a multiple of 8): the rest is then dropped and counted. */
bool ring_peek(struct ring *r, struct ring_record *ret);
/* The next record in one piece: in place, or copied to `scratch` (RECORD_MAX bytes) where it
 * wraps. Only after a ring_peek() that succeeded. Valid until ring_release(). */
const void *ring_bytes(const struct ring *r, size_t len, void *scratch);
void ring_skip(struct ring *r, size_t len);
/* Gives the consumed part back to the kernel. */
void ring_release(struct ring *r);

#endif
