/* SPDX-License-Identifier: Apache-2.0
 *
 * perf-PID.map: lines "START SIZE name", START and SIZE hexadecimal, the name up to the end of
 * the line. Written by the profiled program: every line is hostile.
 */
#include "symbolizer/textsyms_priv.h"

static void skip_0x(struct cursor *c)
{
	if (cursor_left(c) > 2 && c->at[0] == '0' && (c->at[1] | 0x20) == 'x')
		cursor_skip(c, 2);
}

static bool skip_blanks(struct cursor *c)
{
	const uint8_t *from = c->at;

	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
		c->at++;
	return c->at > from;
}

static void perfmap_line(struct textsyms *t, struct cursor c)
{
	struct textsym s = {0}, *entry;
	uint64_t size;
	struct str name;

	skip_0x(&c);
	if (!textsyms_hex(&c, &s.low) || !skip_blanks(&c))
		return;
	skip_0x(&c);
	if (!textsyms_hex(&c, &size) || !skip_blanks(&c))
		return;
	if (cursor_left(&c) && c.end[-1] == '\r')
		c.end--;
	name = (struct str){(const char *)c.at, cursor_left(&c)};
	if (!name.len || !size || size > UINT64_MAX - s.low || !textsyms_name(t, name, &s.name))
		return;
	s.high = s.low + size;
	entry = vec_add_max(&t->entries, SPANS_MAX);
	if (entry)
		*entry = s;
}

static int perfmap_flatten(struct textsyms *t)
{
	int r = 0;

	for (size_t i = 0; i < t->entries.len && !r; i++)
		r = spans_add(&t->spans, t->entries.at[i].low, t->entries.at[i].high, i,
			      t->entries.at[i].name);
	return r ? r : spans_flatten(&t->spans);
}

int perfmap_open(int fd, struct textsyms **ret)
{
	static const struct textsyms_format format = {.line = perfmap_line,
						      .flatten = perfmap_flatten};

	return textsyms_open(fd, &format, ret);
}
