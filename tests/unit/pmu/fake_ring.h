/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring that no kernel writes: the test plays the producer, with the same layout (one control
 * page, then the data), and records made by hand.
 */
#ifndef TESTS_FAKE_RING_H
#define TESTS_FAKE_RING_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pmu/abi.h"
#include "pmu/ring.h"

static inline void fake_ring(struct ring *r, size_t size)
{
	uint8_t *map = calloc(1, 4096 + size);

	*r = (struct ring){.map = map, .map_len = 4096 + size, .data = map + 4096, .size = size};
}

static inline void fake_ring_free(struct ring *r)
{
	free(r->map);
	r->map = NULL;
}

static inline struct perf_event_mmap_page *fake_page(struct ring *r)
{
	return r->map;
}

/* Appends bytes as the kernel does, wrapping at the end. */
static inline void fake_write(struct ring *r, const void *bytes, size_t len)
{
	uint64_t head = fake_page(r)->data_head;
	uint8_t *data = (uint8_t *)r->map + 4096;

	for (size_t i = 0; i < len; i++)
		data[(head + i) & (r->size - 1)] = ((const uint8_t *)bytes)[i];
	__atomic_store_n(&fake_page(r)->data_head, head + len, __ATOMIC_RELEASE);
}

/* A record under construction. */
struct fake {
	uint64_t at[RECORD_MAX / 8];
	size_t n;
};

static inline void fake_begin(struct fake *f, uint32_t type, uint16_t misc)
{
	struct perf_event_header h = {.type = type, .misc = misc};

	f->n = 1;
	memcpy(&f->at[0], &h, sizeof(h));
}

static inline void fake_word(struct fake *f, uint64_t v)
{
	f->at[f->n++] = v;
}

static inline void fake_pair(struct fake *f, uint32_t a, uint32_t b)
{
	fake_word(f, (uint64_t)b << 32 | a);
}

static inline size_t fake_end(struct fake *f)
{
	struct perf_event_header h;

	memcpy(&h, &f->at[0], sizeof(h));
	h.size = (uint16_t)(f->n * 8);
	memcpy(&f->at[0], &h, sizeof(h));
	return f->n * 8;
}

static inline void fake_trailer(struct fake *f, uint32_t pid, uint32_t tid, uint64_t time,
				uint32_t cpu, uint64_t id)
{
	fake_pair(f, pid, tid);
	fake_word(f, time);
	fake_pair(f, cpu, 0);
	fake_word(f, id);
}

/* A comm record, the smallest that has a time. */
static inline size_t fake_comm(struct fake *f, uint32_t pid, uint64_t time, const char *comm)
{
	char name[16] = {0};

	strncpy(name, comm, sizeof(name) - 1);
	fake_begin(f, PERF_RECORD_COMM, 0);
	fake_pair(f, pid, pid);
	fake_word(f, 0);
	fake_word(f, 0);
	memcpy(&f->at[2], name, sizeof(name));
	fake_trailer(f, pid, pid, time, 0, 1);
	return fake_end(f);
}

#endif
