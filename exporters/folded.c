/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/folded.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/fd.h"
#include "agent/base/text.h"
#include "exporters/frames.h"

enum { FLUSH_AT = 256 * 1024, OUT_MAX = 1 << 30, PLACE_MAX = 512 };

struct stack { /* of one sample, as its line will need it */
	const uint32_t *locations;
	uint32_t n, comm;
	int64_t value;
};

/* Equal stacks, told apart only by labels that folded text does not have, become neighbours. */
static int by_frames(const void *a, const void *b)
{
	const struct stack *x = a, *y = b;
	uint32_t n = x->n < y->n ? x->n : y->n;

	if (x->comm != y->comm)
		return x->comm < y->comm ? -1 : 1;
	for (uint32_t i = 1; i <= n; i++) { /* from the root, so that the text is in its order */
		uint32_t l = x->locations[x->n - i], m = y->locations[y->n - i];
		if (l != m)
			return l < m ? -1 : 1;
	}
	return x->n < y->n ? -1 : x->n > y->n;
}

static void put_clean(struct buf *b, const char *s, size_t len)
{
	size_t start = b->len;
	char *to = buf_add(b, len + 1);

	if (!to)
		return;
	len = text_clean(to, len + 1, s, len);
	b->len = start + len;
	for (size_t i = 0; i < len; i++)
		if (to[i] == ';')
			to[i] = ':';
}

static void put_text(struct buf *b, const char *s)
{
	put_clean(b, s, strlen(s));
}

static const char *suffix(const struct profile *p, const struct profile_location *l, bool inlined)
{
	if (frames_is_kernel(p, l))
		return "_[k]";
	if (frames_is_jit(p, l))
		return "_[j]";
	return inlined ? "_[i]" : "";
}

static void put_location(struct buf *b, const struct profile *p, const struct profile_location *l)
{
	/* The outermost function is the last line; those before it are inlined into it. */
	for (uint32_t i = l->n_lines ? l->n_lines : 1; i-- > 0;) {
		const char *name = frames_function(p, l, i), *end;
		char place[PLACE_MAX];

		if (!name) {
			frames_place(p, l, place, sizeof(place));
			name = place;
		}
		put_text(b, name);
		end = suffix(p, l, i + 1 < l->n_lines);
		buf_put(b, end, strlen(end));
		buf_u8(b, ';');
	}
}

/* The text of each location, once: stacks share them. */
struct texts {
	struct buf text;
	size_t *end; /* of location i in `text` */
};

static int texts_make(struct texts *t, const struct profile *p)
{
	*t = (struct texts){.text = BUF_INIT(OUT_MAX),
			    .end = calloc(p->locations.len + 1, sizeof(*t->end))};
	if (!t->end)
		return -ENOMEM;
	for (size_t i = 0; i < p->locations.len; i++) {
		put_location(&t->text, p, &p->locations.at[i]);
		t->end[i] = t->text.len;
	}
	return t->text.bad ? -ENOMEM : 0;
}

static void texts_free(struct texts *t)
{
	buf_free(&t->text);
	free(t->end);
}

static int put_stack(struct buf *b, const struct profile *p, const struct texts *t,
		     const struct stack *s, int fd)
{
	if (s->comm) {
		put_text(b, profile_str(p, s->comm));
		buf_u8(b, ';');
	}
	for (uint32_t i = s->n; i-- > 0;) {
		uint32_t l = s->locations[i];
		size_t from = l ? t->end[l - 1] : 0;
		buf_put(b, t->text.data + from, t->end[l] - from);
	}
	if (!s->comm && !s->n)
		put_text(b, "[no stack]");
	else if (!b->bad)
		b->len--; /* the last ';' */
	buf_printf(b, " %" PRId64 "\n", s->value);
	if (b->bad)
		return -ENOMEM;
	if (b->len >= FLUSH_AT) {
		int r = fd_write_all(fd, b->data, b->len);
		buf_reset(b);
		return r;
	}
	return 0;
}

static size_t collect(const struct profile *p, struct stack *stacks)
{
	uint32_t type = frames_type(p), comm = frames_find(p, "comm");
	size_t n = 0;

	for (size_t i = 0; i < p->samples.len; i++) {
		const struct profile_sample *s = &p->samples.at[i];
		const struct profile_label *l = frames_label(p, s, comm);
		int64_t value = type == PROFILE_NONE ? 0 : p->values.at[s->first_value + type];
		if (value > 0)
			stacks[n++] = (struct stack){p->stack.at + s->first_location,
						     s->n_locations, l ? l->str : 0, value};
	}
	return n;
}

static size_t merge(struct stack *stacks, size_t n)
{
	size_t out = 0;

	qsort(stacks, n, sizeof(*stacks), by_frames);
	for (size_t i = 0; i < n; i++) {
		if (!out || by_frames(&stacks[out - 1], &stacks[i]))
			stacks[out++] = stacks[i];
		else if (__builtin_add_overflow(stacks[out - 1].value, stacks[i].value,
						&stacks[out - 1].value))
			stacks[out - 1].value = INT64_MAX;
	}
	return out;
}

int folded_write(const struct profile *p, int fd)
{
	struct stack *stacks = calloc(p->samples.len + 1, sizeof(*stacks));
	struct buf b = BUF_INIT(OUT_MAX);
	struct texts texts;
	size_t n;
	int r;

	if (!stacks)
		return -ENOMEM;
	r = texts_make(&texts, p);
	n = r ? 0 : merge(stacks, collect(p, stacks));
	for (size_t i = 0; i < n && !r; i++)
		r = put_stack(&b, p, &texts, &stacks[i], fd);
	if (!r)
		r = fd_write_all(fd, b.data, b.len);
	texts_free(&texts);
	buf_free(&b);
	free(stacks);
	return r;
}
