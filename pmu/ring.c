/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pmu/abi.h"

int ring_map(struct ring *r, int fd, size_t pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t len = (pages + 1) * page;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*r = (struct ring){.map = p, .map_len = len, .data = (const uint8_t *)p + page,
			   .size = pages * page};
	return 0;
}

void ring_unmap(struct ring *r)
{
	if (r->map)
		munmap(r->map, r->map_len);
	*r = (struct ring){0};
}

void ring_snapshot(struct ring *r)
{
	struct perf_event_mmap_page *page = r->map;

	/* Acquire: the records' bytes are read after the head that covers them. */
	r->head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	/* The kernel never lets more than `size` unread bytes stand; anything else is not its. */
	if (r->head - r->tail > r->size) {
		r->corrupt++;
		r->tail = r->head;
	}
}

void ring_release(struct ring *r)
{
	struct perf_event_mmap_page *page = r->map;

	/* Release: our reads are done before the kernel may write over them. */
	__atomic_store_n(&page->data_tail, r->tail, __ATOMIC_RELEASE);
}

/* Records start at multiples of 8 and so does the ring's end: a word never wraps. */
static uint64_t word_at(const struct ring *r, uint64_t pos)
{
	uint64_t v;

	memcpy(&v, r->data + (pos & (r->size - 1)), sizeof(v));
	return v;
}

bool ring_peek(struct ring *r, struct ring_record *ret)
{
	uint64_t left = r->head - r->tail, word, least;
	struct perf_event_header h;

	if (left == 0)
		return false;
	word = word_at(r, r->tail);
	memcpy(&h, &word, sizeof(h));
	ret->sample = h.type == PERF_RECORD_SAMPLE;
	least = ret->sample ? RECORD_TIME_AT + sizeof(uint64_t) : RECORD_HEADER + RECORD_TRAILER;
	if (h.size < least || h.size > left || h.size % sizeof(uint64_t)) {
		r->corrupt++;
		r->tail = r->head;
		return false;
	}
	ret->size = h.size;
	ret->time = word_at(r, r->tail + (ret->sample ? RECORD_TIME_AT
						      : h.size - RECORD_TRAILER + 8u));
	return true;
}

const void *ring_bytes(const struct ring *r, size_t len, void *scratch)
{
	uint64_t at = r->tail & (r->size - 1);
	uint64_t first = r->size - at;

	if (len <= first)
		return r->data + at;
	memcpy(scratch, r->data + at, first);
	memcpy((uint8_t *)scratch + first, r->data, len - first);
	return scratch;
}

void ring_skip(struct ring *r, size_t len)
{
	r->tail += len;
}
