/* SPDX-License-Identifier: Apache-2.0
 *
 * /proc/kallsyms: lines "ADDRESS TYPE name" with "\t[module]" behind the names of modules. The
 * kernel writes it; it is parsed with the same care as everything else.
 */
#include <string.h>

#include "agent/base/sort.h"
#include "symbolizer/textsyms_priv.h"

enum {
	/* The last function of the kernel or of a module ends nowhere: it covers this much, and
	 * what lies behind it has no name. */
	KALLSYMS_FUNC_MAX = 256 * 1024,
};

static void kallsyms_line(struct textsyms *t, struct cursor c)
{
	struct str name;
	uint64_t low;
	char type;
	bool is_code;

	if (!textsyms_hex(&c, &low) || low == 0 || cursor_u8(&c) != ' ')
		return;
	type = (char)cursor_u8(&c);
	if (cursor_u8(&c) != ' ' || !cursor_left(&c) || type == 'a' || type == 'A' || type == 'U')
		return;
	is_code = type == 't' || type == 'T' || type == 'w' || type == 'W';
	name = (struct str){(const char *)c.at, cursor_left(&c)};
	textsyms_add(t, low, 0, type == 'T' ? 2 : type != 't', is_code ? name : (struct str){0});
}

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

/* The kernel's own symbols are in order; those of modules come behind, at lower addresses. */
static int kallsyms_flatten(struct textsyms *t)
{
	int r = SORT_BY(&t->entries, low);
	const struct textsym *at = t->entries.at;
	size_t n = t->entries.len;

	for (size_t i = 0, next; i < n && !r; i = next) {
		const struct textsym *best = &at[i];
		uint64_t high;
		for (next = i + 1; next < n && at[next].low == at[i].low; next++)
			if (is_better(t, best, &at[next]))
				best = &at[next];
		high = next < n ? at[next].low : UINT64_MAX;
		if (high - at[i].low > KALLSYMS_FUNC_MAX)
			high = at[i].low + KALLSYMS_FUNC_MAX;
		if (best->name != TEXTSYMS_GAP)
			r = spans_append(&t->spans, at[i].low, high, best->name);
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
