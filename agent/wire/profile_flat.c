/* SPDX-License-Identifier: Apache-2.0
 *
 * The flat form of a profile. Lists follow each other with a count in front; ranges (the lines of
 * a location, the stack of a sample) are written where they belong, by their length, so no two
 * can overlap in what a decoder accepts.
 */
#include "agent/wire/profile.h"

#include <errno.h>

#include "agent/base/cursor.h"
#include "agent/wire/profile_index.h"

enum { PROFILE_MAGIC = 0x666f7270, PROFILE_VERSION = 1 };

static void put_types(struct buf *b, const struct profile *p)
{
	buf_u32(b, (uint32_t)p->types.len);
	for (size_t i = 0; i < p->types.len; i++) {
		buf_u32(b, p->types.at[i].type);
		buf_u32(b, p->types.at[i].unit);
	}
}

static void put_head(struct buf *b, const struct profile *p)
{
	buf_u32(b, PROFILE_MAGIC);
	buf_u32(b, PROFILE_VERSION);
	buf_u32(b, p->period_type.type);
	buf_u32(b, p->period_type.unit);
	buf_i64(b, p->period);
	buf_i64(b, p->time_nanos);
	buf_i64(b, p->duration_nanos);
	buf_u32(b, p->default_type);
	buf_u32(b, p->drop_frames);
	buf_u32(b, p->keep_frames);
	buf_u8(b, p->full);
}

static void put_strings(struct buf *b, const struct profile *p)
{
	buf_u32(b, (uint32_t)p->strings.len);
	for (size_t i = 0; i < p->strings.len; i++) {
		buf_u32(b, p->strings.at[i].len);
		buf_put(b, p->strings.at[i].s, p->strings.at[i].len);
	}
}

static void put_mapping(struct buf *b, const struct profile_mapping *m)
{
	buf_u64(b, m->start);
	buf_u64(b, m->limit);
	buf_u64(b, m->offset);
	buf_u32(b, m->file);
	buf_u32(b, m->build_id);
	buf_u32(b, m->kind);
	buf_u8(b, (uint8_t)(m->has_functions | m->has_filenames << 1 | m->has_lines << 2 |
			    m->has_inline_frames << 3));
}

static void put_location(struct buf *b, const struct profile *p, const struct profile_location *l)
{
	buf_u32(b, l->mapping);
	buf_u32(b, l->flags);
	buf_u64(b, l->address);
	buf_u32(b, l->n_lines);
	buf_put(b, p->lines.at + l->first_line, l->n_lines * sizeof(*p->lines.at));
}

static void put_sample(struct buf *b, const struct profile *p, const struct profile_sample *s)
{
	buf_u32(b, s->n_locations);
	buf_u32(b, s->n_labels);
	buf_put(b, p->stack.at + s->first_location, s->n_locations * sizeof(*p->stack.at));
	for (uint32_t i = 0; i < s->n_labels; i++) {
		const struct profile_label *l = &p->labels.at[s->first_label + i];
		buf_u32(b, l->key);
		buf_u32(b, l->str);
		buf_i64(b, l->num);
		buf_u32(b, l->unit);
	}
	buf_put(b, p->values.at + s->first_value, p->types.len * sizeof(*p->values.at));
}

void profile_encode(const struct profile *p, struct buf *b)
{
	put_head(b, p);
	put_strings(b, p);
	put_types(b, p);
	buf_u32(b, (uint32_t)p->mappings.len);
	for (size_t i = 0; i < p->mappings.len; i++)
		put_mapping(b, &p->mappings.at[i]);
	buf_u32(b, (uint32_t)p->functions.len);
	for (size_t i = 0; i < p->functions.len; i++) {
		const struct profile_function *f = &p->functions.at[i];
		buf_u32(b, f->name);
		buf_u32(b, f->system_name);
		buf_u32(b, f->file);
		buf_i64(b, f->start_line);
	}
	buf_u32(b, (uint32_t)p->locations.len);
	for (size_t i = 0; i < p->locations.len; i++)
		put_location(b, p, &p->locations.at[i]);
	buf_u32(b, (uint32_t)p->samples.len);
	for (size_t i = 0; i < p->samples.len; i++)
		put_sample(b, p, &p->samples.at[i]);
	buf_u32(b, (uint32_t)p->comments.len);
	buf_put(b, p->comments.at, p->comments.len * sizeof(*p->comments.at));
}

static void get_head(struct cursor *c, struct profile *p)
{
	if (cursor_u32(c) != PROFILE_MAGIC || cursor_u32(c) != PROFILE_VERSION)
		c->bad = true;
	p->period_type.type = cursor_u32(c);
	p->period_type.unit = cursor_u32(c);
	p->period = cursor_i64(c);
	p->time_nanos = cursor_i64(c);
	p->duration_nanos = cursor_i64(c);
	p->default_type = cursor_u32(c);
	p->drop_frames = cursor_u32(c);
	p->keep_frames = cursor_u32(c);
	p->full = cursor_u8(c) != 0;
}

/* A count of things of at least `size` bytes each: what cannot be there is not allocated for. */
static uint32_t get_count(struct cursor *c, size_t size)
{
	uint32_t n = cursor_u32(c);

	if (n > cursor_left(c) / size) {
		c->bad = true;
		return 0;
	}
	return n;
}

static int get_strings(struct cursor *c, struct profile *p)
{
	for (uint32_t n = get_count(c, sizeof(uint32_t)); n && !c->bad; n--) {
		uint32_t len = cursor_u32(c);
		const char *s = cursor_take(c, len);
		if (s && !profile_string_append(p, s, len))
			return -ENOMEM;
	}
	return 0;
}

/* As many new elements `e` of a list as the cursor says; `fill`, an expression, reads each. */
#define GET_LIST(c, v, size, fill)                                                                 \
	do {                                                                                       \
		for (uint32_t n_ = get_count((c), (size)); n_ && !(c)->bad; n_--) {                \
			__auto_type e = vec_add(v);                                                \
			if (!e || (fill))                                                          \
				return -ENOMEM;                                                    \
		}                                                                                  \
		return 0;                                                                          \
	} while (0)

static int get_type(struct cursor *c, struct profile_type *t)
{
	t->type = cursor_u32(c);
	t->unit = cursor_u32(c);
	return 0;
}

static int get_types(struct cursor *c, struct profile *p)
{
	GET_LIST(c, &p->types, 8, get_type(c, e));
}

static int get_mapping(struct cursor *c, struct profile_mapping *m)
{
	uint8_t has;

	m->start = cursor_u64(c);
	m->limit = cursor_u64(c);
	m->offset = cursor_u64(c);
	m->file = cursor_u32(c);
	m->build_id = cursor_u32(c);
	m->kind = cursor_u32(c);
	has = cursor_u8(c);
	m->has_functions = has & 1;
	m->has_filenames = has >> 1 & 1;
	m->has_lines = has >> 2 & 1;
	m->has_inline_frames = has >> 3 & 1;
	return 0;
}

static int get_mappings(struct cursor *c, struct profile *p)
{
	GET_LIST(c, &p->mappings, 37, get_mapping(c, e));
}

static int get_function(struct cursor *c, struct profile_function *f)
{
	f->name = cursor_u32(c);
	f->system_name = cursor_u32(c);
	f->file = cursor_u32(c);
	f->start_line = cursor_i64(c);
	return 0;
}

static int get_functions(struct cursor *c, struct profile *p)
{
	GET_LIST(c, &p->functions, 20, get_function(c, e));
}

static int get_line(struct cursor *c, struct profile_line *l)
{
	l->function = cursor_u32(c);
	l->line = cursor_u32(c);
	return 0;
}

static int get_lines(struct cursor *c, struct profile *p)
{
	GET_LIST(c, &p->lines, sizeof(*p->lines.at), get_line(c, e));
}

static int get_location(struct cursor *c, struct profile *p, struct profile_location *l)
{
	int r;

	l->mapping = cursor_u32(c);
	l->flags = cursor_u32(c);
	l->address = cursor_u64(c);
	l->first_line = (uint32_t)p->lines.len;
	r = get_lines(c, p);
	l->n_lines = (uint32_t)p->lines.len - l->first_line;
	return r;
}

static int get_locations(struct cursor *c, struct profile *p)
{
	GET_LIST(c, &p->locations, 20, get_location(c, p, e));
}

static bool get_labels(struct cursor *c, struct profile *p, uint32_t n)
{
	for (; n && !c->bad; n--) {
		struct profile_label *l = vec_add(&p->labels);
		if (!l)
			return false;
		l->key = cursor_u32(c);
		l->str = cursor_u32(c);
		l->num = cursor_i64(c);
		l->unit = cursor_u32(c);
	}
	return true;
}

static int get_sample(struct cursor *c, struct profile *p, struct profile_sample *s)
{
	const void *from;

	s->n_locations = cursor_u32(c);
	s->n_labels = cursor_u32(c);
	s->first_location = (uint32_t)p->stack.len;
	s->first_label = (uint32_t)p->labels.len;
	s->first_value = (uint32_t)p->values.len;
	from = cursor_take(c, s->n_locations * sizeof(*p->stack.at));
	if (from && !vec_append(&p->stack, from, s->n_locations))
		return -ENOMEM;
	if (!get_labels(c, p, s->n_labels))
		return -ENOMEM;
	from = cursor_take(c, p->types.len * sizeof(*p->values.at));
	return from && !vec_append(&p->values, from, p->types.len) ? -ENOMEM : 0;
}

static int get_samples(struct cursor *c, struct profile *p)
{
	GET_LIST(c, &p->samples, 8, get_sample(c, p, e));
}

static int get_comment(struct cursor *c, uint32_t *string)
{
	*string = cursor_u32(c);
	return 0;
}

static int get_comments(struct cursor *c, struct profile *p)
{
	GET_LIST(c, &p->comments, sizeof(*p->comments.at), get_comment(c, e));
}

int profile_decode(const void *bytes, size_t len, struct profile *ret)
{
	static int (*const lists[])(struct cursor *, struct profile *) = {
		get_strings,   get_types,   get_mappings, get_functions,
		get_locations, get_samples, get_comments,
	};
	struct cursor c = cursor_over(bytes, len);
	int r = profile_blank(ret);

	if (r)
		return r;
	get_head(&c, ret);
	for (size_t i = 0; !r && i < sizeof(lists) / sizeof(*lists); i++)
		r = lists[i](&c, ret);
	if (!r && (c.bad || cursor_left(&c) || len > PROFILE_ENCODED_MAX || !profile_valid(ret)))
		r = -EBADMSG;
	if (r)
		profile_free(ret);
	else
		ret->index->bytes = len;
	return r;
}

static bool is_string(const struct profile *p, uint32_t string)
{
	return string < p->strings.len;
}

static bool in_range(uint64_t first, uint64_t n, size_t len)
{
	return first + n <= len;
}

static bool names_valid(const struct profile *p)
{
	bool ok = p->strings.len && !p->strings.at[0].len && is_string(p, p->default_type) &&
		  is_string(p, p->drop_frames) && is_string(p, p->keep_frames) &&
		  is_string(p, p->period_type.type) && is_string(p, p->period_type.unit);

	for (size_t i = 0; ok && i < p->types.len; i++)
		ok = is_string(p, p->types.at[i].type) && is_string(p, p->types.at[i].unit);
	for (size_t i = 0; ok && i < p->comments.len; i++)
		ok = is_string(p, p->comments.at[i]);
	for (size_t i = 0; ok && i < p->functions.len; i++) {
		const struct profile_function *f = &p->functions.at[i];
		ok = is_string(p, f->name) && is_string(p, f->system_name) && is_string(p, f->file);
	}
	for (size_t i = 0; ok && i < p->labels.len; i++) {
		const struct profile_label *l = &p->labels.at[i];
		ok = is_string(p, l->key) && is_string(p, l->str) && is_string(p, l->unit);
	}
	return ok;
}

static bool places_valid(const struct profile *p)
{
	bool ok = true;

	for (size_t i = 0; ok && i < p->mappings.len; i++) {
		const struct profile_mapping *m = &p->mappings.at[i];
		ok = is_string(p, m->file) && is_string(p, m->build_id) &&
		     m->kind <= PROFILE_MAP_JIT;
	}
	for (size_t i = 0; ok && i < p->lines.len; i++)
		ok = p->lines.at[i].function < p->functions.len;
	for (size_t i = 0; ok && i < p->locations.len; i++) {
		const struct profile_location *l = &p->locations.at[i];
		ok = (l->mapping == PROFILE_NONE || l->mapping < p->mappings.len) &&
		     in_range(l->first_line, l->n_lines, p->lines.len);
	}
	return ok;
}

static bool samples_valid(const struct profile *p)
{
	bool ok = true;

	for (size_t i = 0; ok && i < p->stack.len; i++)
		ok = p->stack.at[i] < p->locations.len;
	for (size_t i = 0; ok && i < p->samples.len; i++) {
		const struct profile_sample *s = &p->samples.at[i];
		ok = in_range(s->first_location, s->n_locations, p->stack.len) &&
		     in_range(s->first_label, s->n_labels, p->labels.len) &&
		     in_range(s->first_value, p->types.len, p->values.len);
	}
	return ok;
}

bool profile_valid(const struct profile *p)
{
	return p->index && names_valid(p) && places_valid(p) && samples_valid(p);
}
