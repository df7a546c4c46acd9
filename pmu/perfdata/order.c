/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/order.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/vec.h"

enum {
	CHUNK_BYTES = 1024 * 1024,
	CHUNKS_MAX = 2 * ORDER_BYTES_MAX / CHUNK_BYTES, /* few records may keep many chunks */
	SPARE_CHUNKS = 4,
};

/* Memory for records that go roughly in the order in which they came. */
struct chunk {
	struct chunk *next; /* among the spare ones */
	size_t used;
	uint32_t records;
	uint8_t data[CHUNK_BYTES] __attribute__((aligned(8)));
};

struct held {
	uint64_t time, number; /* equal times keep the order in which they came */
	struct chunk *chunk;
	uint32_t at, len;
};

struct order {
	order_fn fn;
	void *arg;
	VEC(struct held) held;
	struct chunk *current, *spare;
	unsigned n_spare, n_chunks; /* all there are */
	size_t bytes;
	uint64_t number, delivered; /* time of the youngest that has gone */
	uint64_t youngest, round;   /* of all that came; of those before the last round's end */
	uint64_t late;
	bool sorted;
};

int order_new(order_fn fn, void *arg, struct order **ret)
{
	struct order *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->fn = fn;
	o->arg = arg;
	o->sorted = true;
	*ret = o;
	return 0;
}

static void drop_chunk(struct order *o, struct chunk *c)
{
	if (o->n_spare >= SPARE_CHUNKS) {
		free(c);
		o->n_chunks--;
		return;
	}
	c->next = o->spare;
	o->spare = c;
	o->n_spare++;
}

void order_free(struct order **op)
{
	struct order *o = *op;

	*op = NULL;
	if (!o)
		return;
	for (size_t i = 0; i < o->held.len; i++)
		if (--o->held.at[i].chunk->records == 0 && o->held.at[i].chunk != o->current)
			free(o->held.at[i].chunk);
	while (o->spare) {
		struct chunk *c = o->spare;
		o->spare = c->next;
		free(c);
	}
	free(o->current);
	vec_free(&o->held);
	free(o);
}

uint64_t order_late(const struct order *o)
{
	return o->late;
}

static struct chunk *fresh_chunk(struct order *o)
{
	struct chunk *c = o->spare;

	if (c) {
		o->spare = c->next;
		o->n_spare--;
	} else {
		c = malloc(sizeof(*c));
		o->n_chunks += c != NULL;
	}
	if (c) {
		c->used = 0;
		c->records = 0;
	}
	return c;
}

static bool make_room(struct order *o, size_t len)
{
	struct chunk *old = o->current, *c;

	if (old && CHUNK_BYTES - old->used >= len)
		return true;
	if (old && !old->records) {
		old->used = 0;
		return true;
	}
	c = fresh_chunk(o);
	if (c)
		o->current = c;
	return c;
}

static int by_time(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

static void deliver(struct order *o, struct held *h)
{
	if (h->time > o->delivered)
		o->delivered = h->time;
	else if (h->time < o->delivered)
		o->late++;
	o->bytes -= h->len;
	o->fn(o->arg, h->chunk->data + h->at, h->len);
	if (--h->chunk->records == 0 && h->chunk != o->current)
		drop_chunk(o, h->chunk);
}

/* The first n go; or all up to a time. */
static void flush(struct order *o, size_t n, uint64_t until)
{
	size_t i = 0;

	if (!o->held.len)
		return;
	if (!o->sorted)
		qsort(o->held.at, o->held.len, sizeof(*o->held.at), by_time);
	o->sorted = true;
	while (i < o->held.len && (i < n || o->held.at[i].time <= until))
		deliver(o, &o->held.at[i++]);
	memmove(o->held.at, o->held.at + i, (o->held.len - i) * sizeof(*o->held.at));
	o->held.len -= i;
}

int order_add(struct order *o, uint64_t time, const void *bytes, size_t len)
{
	size_t room = (len + 7) & ~(size_t)7;
	struct held *h;

	if (o->bytes + len > ORDER_BYTES_MAX || o->n_chunks > CHUNKS_MAX)
		flush(o, o->held.len / 2 + 1, 0);
	if (!make_room(o, room))
		return -ENOMEM;
	h = vec_add(&o->held);
	if (!h)
		return -ENOMEM;
	*h = (struct held){.time = time, .number = o->number++, .chunk = o->current,
			   .at = (uint32_t)o->current->used, .len = (uint32_t)len};
	memcpy(o->current->data + h->at, bytes, len);
	o->current->used += room;
	o->current->records++;
	o->bytes += len;
	if (time < o->youngest)
		o->sorted = false;
	else
		o->youngest = time;
	return 0;
}

void order_round(struct order *o)
{
	uint64_t until = o->round;

	o->round = o->youngest;
	if (until)
		flush(o, 0, until);
}

void order_finish(struct order *o)
{
	flush(o, o->held.len, 0);
}
