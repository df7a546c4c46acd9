/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/stack_sort.h"

#include <errno.h>

#include "agent/base/vec.h"

enum { SMALL = 8 };

struct range {
	size_t from, to;
	uint32_t depth;
	bool load; /* the keys are of another depth */
};

struct sorter {
	const uint32_t *frames;
	struct stack_ref *refs;
	VEC(struct range) todo;
};

static uint64_t key_at(const uint32_t *frames, uint32_t at)
{
	return frames[at] ? (uint64_t)frames[at] << 32 | frames[at + 1] : 0;
}

static bool key_ends(uint64_t key)
{
	return (uint32_t)key == 0;
}

static bool comes_before(const uint32_t *a, const uint32_t *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a < *b;
}

static void sort_small(struct sorter *s, const struct range *r)
{
	const uint32_t *frames = s->frames + r->depth;

	for (size_t i = r->from + 1; i < r->to; i++) {
		struct stack_ref ref = s->refs[i];
		size_t j = i;
		for (; j > r->from && comes_before(frames + ref.first, frames + s->refs[j - 1].first); j--)
			s->refs[j] = s->refs[j - 1];
		s->refs[j] = ref;
	}
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
	if (a > b) {
		uint64_t t = a;
		a = b;
		b = t;
	}
	return c <= a ? a : c >= b ? b : c;
}

static bool push(struct sorter *s, size_t from, size_t to, uint32_t depth, bool load)
{
	struct range *r;

	if (to - from < 2)
		return true;
	r = vec_add(&s->todo);
	if (!r)
		return false;
	*r = (struct range){from, to, depth, load};
	return true;
}

/* Three-way partition by key; the equal ones go on two frames deeper. */
static bool split(struct sorter *s, const struct range *r)
{
	struct stack_ref *v = s->refs;
	uint64_t pivot = median(v[r->from].key, v[r->from + (r->to - r->from) / 2].key,
				v[r->to - 1].key);
	size_t low = r->from, i = r->from, high = r->to;

	while (i < high) {
		struct stack_ref x = v[i];
		if (x.key < pivot) {
			v[i++] = v[low];
			v[low++] = x;
		} else if (x.key > pivot) {
			v[i] = v[--high];
			v[high] = x;
		} else {
			i++;
		}
	}
	return push(s, r->from, low, r->depth, false) && push(s, high, r->to, r->depth, false) &&
	       (key_ends(pivot) || push(s, low, high, r->depth + 2, true));
}

int stack_sort(const uint32_t *frames, struct stack_ref *refs, size_t n)
{
	struct sorter s = {.frames = frames, .refs = refs};
	bool ok = push(&s, 0, n, 0, true);

	while (ok && s.todo.len) {
		struct range r = s.todo.at[--s.todo.len];
		if (r.to - r.from <= SMALL) {
			sort_small(&s, &r);
			continue;
		}
		for (size_t i = r.from; r.load && i < r.to; i++)
			refs[i].key = key_at(frames, refs[i].first + r.depth);
		ok = split(&s, &r);
	}
	vec_free(&s.todo);
	return ok ? 0 : -ENOMEM;
}
