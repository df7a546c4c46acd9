/* SPDX-License-Identifier: Apache-2.0
 *
 * /proc/kallsyms: lines "ADDRESS TYPE name" with "\t[module]" behind the names of modules. The
 * kernel writes it; it is parsed with the same care as everything else.
 */
#include <errno.h>
#include <string.h>

#include "agent/base/sort.h"
#include "symbolizer/textsyms_priv.h"

enum {
	/* The last function of the kernel or of a module ends nowhere: it covers this much, and
	 * what lies behind it has no name. */
	KALLSYMS_FUNC_MAX = 256 * 1024,
};

static unsigned underscores(const struct textsyms *t, const struct textsym *s)
{
	const char *at = (const char *)t->names.data + s->name + sizeof(uint16_t);
	uint16_t len;
	unsigned n = 0;

	memcpy(&len, t->names.data + s->name, sizeof(len));
	while (n < len && at[n] == '_')
		n++;
	return n;
}

/* True when `b` is the better name of one address: code over data, global over local, then fewer
 * leading underscores. */
static bool is_better(const struct textsyms *t, const struct textsym *a, const struct textsym *b)
{
	if (a->name == TEXTSYMS_GAP || b->name == TEXTSYMS_GAP)
		return b->name != TEXTSYMS_GAP;
	if (a->rank != b->rank)
		return b->rank > a->rank;
	return underscores(t, b) < underscores(t, a);
}

/* Where a symbol ends that the one at `next` follows. */
static uint64_t end_of(const struct textsym *s, uint64_t next)
{
	return next - s->low > KALLSYMS_FUNC_MAX ? s->low + KALLSYMS_FUNC_MAX : next;
}

/* The last address is complete when there is one behind it. */
static int close_last(struct textsyms *t, uint64_t next)
{
	const struct textsym *s = &t->last;

	if (s->low == 0 || s->name == TEXTSYMS_GAP)
		return 0;
	return spans_append(&t->spans, s->low, end_of(s, next), s->name);
}

/* The kernel's own symbols come in order and become ranges at once. From the first one on that does
 * not, a module's, they are kept for later. */
static void add(struct textsyms *t, struct textsym s)
{
	struct textsym *late;

	if (t->entries.len || s.low < t->last.low) {
		late = vec_add_max(&t->entries, SPANS_MAX);
		if (late)
			*late = s;
	} else if (s.low > t->last.low) {
		t->no_memory |= close_last(t, s.low) != 0;
		t->last = s;
	} else if (is_better(t, &t->last, &s)) {
		t->last = s;
	}
}

static void kallsyms_line(struct textsyms *t, struct cursor c)
{
	struct textsym s = {.name = TEXTSYMS_GAP};
	char type;

	if (!textsyms_hex(&c, &s.low) || s.low == 0 || cursor_u8(&c) != ' ')
		return;
	type = (char)cursor_u8(&c);
	if (cursor_u8(&c) != ' ' || !cursor_left(&c) || type == 'a' || type == 'A' || type == 'U')
		return;
	s.rank = type == 'T' ? 2 : type != 't';
	if ((type == 't' || type == 'T' || type == 'w' || type == 'W') &&
	    !textsyms_name(t, (struct str){(const char *)c.at, cursor_left(&c)}, &s.name))
		return;
	add(t, s);
}

/* What is in order already joins the rest. Where ranges meet, the one that begins later counts. */
static int reopen(struct spans *s)
{
	int r = 0;

	for (size_t i = 0; i + 1 < s->flat.len && !r; i++)
		if (s->flat.at[i].value != SPANS_NONE)
			r = spans_add(s, s->flat.at[i].low, s->flat.at[i + 1].low,
				      s->flat.at[i].low, s->flat.at[i].value);
	return r;
}

static int add_late(struct textsyms *t)
{
	int r = SORT_BY(&t->entries, low);
	const struct textsym *at = t->entries.at;
	size_t n = t->entries.len;

	for (size_t i = 0, next; i < n && !r; i = next) {
		const struct textsym *best = &at[i];
		for (next = i + 1; next < n && at[next].low == at[i].low; next++)
			if (is_better(t, best, &at[next]))
				best = &at[next];
		if (best->name != TEXTSYMS_GAP)
			r = spans_add(&t->spans, best->low,
				      end_of(best, next < n ? at[next].low : UINT64_MAX),
				      best->low, best->name);
	}
	return r;
}

static int kallsyms_flatten(struct textsyms *t)
{
	int r = t->no_memory ? -ENOMEM : close_last(t, UINT64_MAX);

	if (!r && t->entries.len) {
		r = reopen(&t->spans);
		if (!r)
			r = add_late(t);
		if (!r)
			r = spans_flatten(&t->spans);
	}
	vec_free(&t->entries);
	return r;
}

/* "name\t[module]" */
static void kallsyms_split(struct str *name, struct str *ret_module)
{
	const char *tab = memchr(name->at, '\t', name->len);
	size_t rest = tab ? name->len - (size_t)(tab - name->at) : 0;

	if (!tab)
		return;
	name->len = (size_t)(tab - name->at);
	if (rest > 3 && tab[1] == '[' && tab[rest - 1] == ']')
		*ret_module = (struct str){tab + 2, rest - 3};
}

int kallsyms_open(int fd, struct textsyms **ret)
{
	static const struct textsyms_format format = {.once = true, .line = kallsyms_line,
						      .flatten = kallsyms_flatten,
						      .split = kallsyms_split};

	return textsyms_open(fd, &format, ret);
}
