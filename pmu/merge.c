/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/merge.h"

#include <errno.h>
#include <stdlib.h>

struct head { /* the next record of one ring */
	uint64_t time;
	uint32_t ring;
	uint16_t size;
};

struct merge {
	struct ring *rings;
	size_t n;
	struct head *heap; /* smallest time first */
	size_t heap_len;
	void *scratch;
};

int merge_new(struct ring *rings, size_t n, struct merge **ret)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->rings = rings;
	m->n = n;
	m->heap = calloc(n ? n : 1, sizeof(*m->heap));
	m->scratch = malloc(RECORD_MAX);
	if (!m->heap || !m->scratch) {
		merge_free(&m);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
}

void merge_free(struct merge **m)
{
	if (!*m)
		return;
	free((*m)->heap);
	free((*m)->scratch);
	free(*m);
	*m = NULL;
}

static void sift_down(struct merge *m, size_t i)
{
	struct head h = m->heap[i];

	for (;;) {
		size_t c = 2 * i + 1;
		if (c >= m->heap_len)
			break;
		if (c + 1 < m->heap_len && m->heap[c + 1].time < m->heap[c].time)
			c++;
		if (h.time <= m->heap[c].time)
			break;
		m->heap[i] = m->heap[c];
		i = c;
	}
	m->heap[i] = h;
}

static bool head_of(struct merge *m, uint32_t ring, struct head *ret)
{
	struct ring_record r;

	if (!ring_peek(&m->rings[ring], &r))
		return false;
	*ret = (struct head){.time = r.time, .ring = ring, .size = r.size};
	return true;
}

static void fill(struct merge *m)
{
	m->heap_len = 0;
	for (uint32_t i = 0; i < m->n; i++) {
		if (!m->rings[i].map)
			continue;
		ring_snapshot(&m->rings[i]);
		if (head_of(m, i, &m->heap[m->heap_len]))
			m->heap_len++;
	}
	for (size_t i = m->heap_len; i-- > 0;)
		sift_down(m, i);
}

static void advance(struct merge *m)
{
	struct head *top = &m->heap[0];

	if (!head_of(m, top->ring, top))
		*top = m->heap[--m->heap_len];
	if (m->heap_len)
		sift_down(m, 0);
}

size_t merge_drain(struct merge *m, uint64_t until, merge_fn fn, void *arg)
{
	size_t done = 0;

	fill(m);
	while (m->heap_len && m->heap[0].time <= until) {
		struct head h = m->heap[0];
		struct ring *r = &m->rings[h.ring];

		fn(arg, h.ring, ring_bytes(r, h.size, m->scratch), h.size);
		ring_skip(r, h.size);
		ring_release(r); /* at once: the kernel may be waiting for the room */
		advance(m);
		done++;
	}
	for (size_t i = 0; i < m->n; i++)
		if (m->rings[i].map)
			ring_release(&m->rings[i]); /* what ring_peek() dropped, too */
	return done;
}
