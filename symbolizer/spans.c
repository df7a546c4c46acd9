/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/spans.h"

#include <errno.h>
#include <stdbool.h>

#include "agent/base/sort.h"

int spans_add(struct spans *s, uint64_t low, uint64_t high, uint64_t rank, uint32_t value)
{
	struct span_in *in;

	if (low >= high)
		return 0;
	in = vec_add_max(&s->in, SPANS_MAX);
	if (!in)
		return -ENOMEM;
	*in = (struct span_in){low, high, rank, value};
	return 0;
}

/* The ranges that cover the sweep's present address, the one that counts on top: a binary heap of
 * indices. Ranges that have ended leave when they come to the top. */
struct heap {
	const struct span_in *in;
	uint32_t *at;
	size_t len;
};

static bool counts_more(const struct heap *h, uint32_t a, uint32_t b)
{
	return h->in[a].rank != h->in[b].rank ? h->in[a].rank > h->in[b].rank : a > b;
}

static void heap_push(struct heap *h, uint32_t v)
{
	size_t i = h->len++;

	for (; i && counts_more(h, v, h->at[(i - 1) / 2]); i = (i - 1) / 2)
		h->at[i] = h->at[(i - 1) / 2];
	h->at[i] = v;
}

static void heap_pop(struct heap *h)
{
	uint32_t v = h->at[--h->len];
	size_t i = 0;

	for (;;) {
		size_t kid = 2 * i + 1;
		if (kid >= h->len)
			break;
		if (kid + 1 < h->len && counts_more(h, h->at[kid + 1], h->at[kid]))
			kid++;
		if (!counts_more(h, h->at[kid], v))
			break;
		h->at[i] = h->at[kid];
		i = kid;
	}
	h->at[i] = v;
}

static bool emit(struct spans *s, uint64_t low, uint32_t value)
{
	struct span *last = s->flat.len ? &s->flat.at[s->flat.len - 1] : NULL;

	if (last && last->low == low) {
		last->value = value;
		return true;
	}
	if (last ? last->value == value : value == SPANS_NONE)
		return true;
	last = vec_add(&s->flat);
	if (last)
		*last = (struct span){low, value};
	return last;
}

/* Ranges on top that end before `until` give way to those below them. */
static bool end_until(struct spans *s, struct heap *h, uint64_t until)
{
	while (h->len && h->in[h->at[0]].high <= until) {
		uint64_t end = h->in[h->at[0]].high;
		while (h->len && h->in[h->at[0]].high <= end)
			heap_pop(h);
		if (!emit(s, end, h->len ? h->in[h->at[0]].value : SPANS_NONE))
			return false;
	}
	return true;
}

static bool sweep(struct spans *s, struct heap *h)
{
	for (size_t i = 0; i < s->in.len; i++) {
		uint64_t low = s->in.at[i].low;
		if (!end_until(s, h, low))
			return false;
		heap_push(h, (uint32_t)i);
		if (!emit(s, low, h->in[h->at[0]].value))
			return false;
	}
	return end_until(s, h, UINT64_MAX);
}

int spans_flatten(struct spans *s)
{
	struct heap h = {.in = s->in.at};
	bool ok = true;

	vec_free(&s->flat);
	if (s->in.len) {
		h.at = malloc(s->in.len * sizeof(*h.at));
		ok = h.at && !SORT_BY(&s->in, low) && sweep(s, &h);
		free(h.at);
	}
	vec_free(&s->in);
	if (!ok)
		vec_free(&s->flat);
	return ok ? 0 : -ENOMEM;
}

int spans_append(struct spans *s, uint64_t low, uint64_t high, uint32_t value)
{
	if (low >= high)
		return 0;
	return emit(s, low, value) && emit(s, high, SPANS_NONE) ? 0 : -ENOMEM;
}

uint32_t spans_find(const struct spans *s, uint64_t addr)
{
	size_t low = 0, high = s->flat.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->flat.at[mid].low <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? s->flat.at[low - 1].value : SPANS_NONE;
}

void spans_free(struct spans *s)
{
	vec_free(&s->in);
	vec_free(&s->flat);
}
