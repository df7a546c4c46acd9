/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/window/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/hash.h"
#include <uthash.h>
/* uthash begins small and lets a bucket hold ten: each is a miss of the cache, and to grow a table
 * visits all of it. */
#undef HASH_INITIAL_NUM_BUCKETS
#undef HASH_INITIAL_NUM_BUCKETS_LOG2
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_INITIAL_NUM_BUCKETS 8192U
#define HASH_INITIAL_NUM_BUCKETS_LOG2 13U
#define HASH_BKT_CAPACITY_THRESH 4U

#include "agent/base/vec.h"

struct location {
	struct window_location it; /* first: the vector hands out pointers to it */
	uint32_t index;
	UT_hash_handle hh;
};

struct stack {
	struct window_stack it;
	uint32_t index;
	UT_hash_handle hh;
	uint32_t locations[];
};

struct count {
	struct window_count it;
	UT_hash_handle hh;
};

/* In front of the table: most frames of a stack were met a moment ago. */
struct recent {
	const struct module *module;
	const char *path;
	uint64_t address, flags;
	struct location *location;
};

enum { RECENT_BITS = 13 };

struct window {
	struct recent recent[1 << RECENT_BITS];
	struct location *by_key;
	struct stack *by_locations;
	struct count *by_count;
	VEC(const struct window_location *) locations;
	VEC(const struct window_stack *) stacks;
	VEC(const struct window_count *) counts;
};

int window_new(struct window **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void window_free(struct window **wp)
{
	struct window *w = *wp;

	*wp = NULL;
	if (!w)
		return;
	HASH_CLEAR(hh, w->by_key);
	HASH_CLEAR(hh, w->by_locations);
	HASH_CLEAR(hh, w->by_count);
	for (size_t i = 0; i < w->locations.len; i++)
		free((void *)w->locations.at[i]);
	for (size_t i = 0; i < w->stacks.len; i++)
		free((void *)w->stacks.at[i]);
	for (size_t i = 0; i < w->counts.len; i++)
		free((void *)w->counts.at[i]);
	vec_free(&w->locations);
	vec_free(&w->stacks);
	vec_free(&w->counts);
	free(w);
}

static struct location *find_location(struct window *w, const struct window_frame *f)
{
	struct window_location probe;
	const struct window_location **slot;
	struct location *l;

	memset(&probe, 0, sizeof(probe));
	probe.key.module = f->module;
	probe.key.path = f->module ? NULL : f->path;
	probe.key.address = f->address;
	probe.key.flags = f->flags;
	HASH_FIND(hh, w->by_key, &probe.key, sizeof(probe.key), l);
	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	slot = l ? vec_add(&w->locations) : NULL;
	if (!slot) {
		free(l);
		return NULL;
	}
	l->it = probe;
	l->index = (uint32_t)w->locations.len - 1;
	*slot = &l->it;
	HASH_ADD(hh, w->by_key, it.key, sizeof(l->it.key), l);
	return l;
}

static struct location *location_of(struct window *w, const struct window_frame *f)
{
	const char *path = f->module ? NULL : f->path;
	uint64_t h = (f->address ^ (uint64_t)(uintptr_t)f->module << 20 ^ f->flags) *
		     UINT64_C(0x9e3779b97f4a7c15);
	struct recent *r = &w->recent[h >> (64 - RECENT_BITS)];

	if (r->location && r->module == f->module && r->address == f->address && r->path == path &&
	    r->flags == f->flags)
		return r->location;
	*r = (struct recent){.module = f->module, .path = path, .address = f->address,
			     .flags = f->flags, .location = find_location(w, f)};
	return r->location;
}

static struct stack *stack_of(struct window *w, const uint32_t *locations, size_t n)
{
	size_t bytes = n * sizeof(*locations);
	const struct window_stack **slot;
	struct stack *s;

	HASH_FIND(hh, w->by_locations, locations, bytes, s);
	if (s)
		return s;
	s = malloc(sizeof(*s) + bytes);
	slot = s ? vec_add(&w->stacks) : NULL;
	if (!slot) {
		free(s);
		return NULL;
	}
	memset(s, 0, sizeof(*s));
	memcpy(s->locations, locations, bytes);
	s->it = (struct window_stack){.locations = s->locations, .n = (uint32_t)n};
	s->index = (uint32_t)w->stacks.len - 1;
	*slot = &s->it;
	HASH_ADD_KEYPTR(hh, w->by_locations, s->locations, bytes, s);
	return s;
}

static struct count *count_of(struct window *w, const struct window_sample *s, uint32_t stack)
{
	struct window_count probe;
	const struct window_count **slot;
	struct count *c;

	memset(&probe, 0, sizeof(probe));
	probe.key.stack = stack;
	probe.key.event = s->event;
	probe.key.second = s->second;
	probe.key.end = (uint32_t)s->end;
	probe.key.pid = s->pid;
	probe.key.tid = s->tid;
	probe.key.cpu = s->cpu;
	probe.key.comm = s->comm;
	HASH_FIND(hh, w->by_count, &probe.key, sizeof(probe.key), c);
	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	slot = c ? vec_add(&w->counts) : NULL;
	if (!slot) {
		free(c);
		return NULL;
	}
	c->it = probe;
	*slot = &c->it;
	HASH_ADD(hh, w->by_count, it.key, sizeof(c->it.key), c);
	return c;
}

int window_add(struct window *w, const struct window_sample *s, const struct window_frame *frames,
	       size_t n)
{
	uint32_t locations[WINDOW_STACK_MAX];
	struct stack *stack;
	struct count *c;

	n = n > WINDOW_STACK_MAX ? WINDOW_STACK_MAX : n;
	for (size_t i = 0; i < n; i++) {
		struct location *l = location_of(w, &frames[i]);
		if (!l)
			return -ENOMEM;
		l->it.self += i == 0;
		locations[i] = l->index;
	}
	stack = stack_of(w, locations, n);
	c = stack ? count_of(w, s, stack->index) : NULL;
	if (!c)
		return -ENOMEM;
	c->it.samples++;
	c->it.weight += s->weight;
	return 0;
}

size_t window_locations(const struct window *w, const struct window_location *const **ret)
{
	*ret = w->locations.at;
	return w->locations.len;
}

size_t window_stacks(const struct window *w, const struct window_stack *const **ret)
{
	*ret = w->stacks.at;
	return w->stacks.len;
}

size_t window_counts(const struct window *w, const struct window_count *const **ret)
{
	*ret = w->counts.at;
	return w->counts.len;
}
