/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wire/profile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire/profile_index.h"

int profile_blank(struct profile *p)
{
	*p = (struct profile){.index = calloc(1, sizeof(struct profile_index))};
	return p->index ? 0 : -ENOMEM;
}

int profile_init(struct profile *p)
{
	int r = profile_blank(p);

	if (!r && profile_string(p, "") == PROFILE_NONE)
		r = -ENOMEM;
	if (r)
		profile_free(p);
	return r;
}

void profile_free(struct profile *p)
{
	if (p->index) {
		index_clear(&p->index->strings);
		index_clear(&p->index->mappings);
		index_clear(&p->index->functions);
		index_clear(&p->index->locations);
		index_clear(&p->index->samples);
		index_text_free(p->index);
	}
	free(p->index);
	vec_free(&p->strings);
	vec_free(&p->types);
	vec_free(&p->mappings);
	vec_free(&p->functions);
	vec_free(&p->lines);
	vec_free(&p->locations);
	vec_free(&p->labels);
	vec_free(&p->stack);
	vec_free(&p->values);
	vec_free(&p->samples);
	vec_free(&p->comments);
	*p = (struct profile){0};
}

static uint32_t fail(struct profile *p)
{
	p->full = true;
	return PROFILE_NONE;
}

/* Counts bytes that are about to be added; false past the ceiling. */
static bool room(struct profile *p, uint64_t bytes)
{
	if (p->index->bytes + bytes > PROFILE_ENCODED_MAX)
		return false;
	p->index->bytes += bytes;
	return true;
}

struct key { /* what is looked for, and where */
	const struct profile *p;
	const void *what;
	size_t len;
	const struct profile_label *labels;
	size_t n_labels;
};

static bool same_string(const void *ctx, uint32_t i)
{
	const struct key *k = ctx;
	const struct profile_string *s = &k->p->strings.at[i];
	return s->len == k->len && (!k->len || !memcmp(s->s, k->what, k->len));
}

bool profile_string_append(struct profile *p, const char *s, size_t len)
{
	struct profile_string *e;
	char *text;

	if (len >= UINT32_MAX || !room(p, len + sizeof(uint32_t)))
		return false;
	text = index_text(p->index, s, len);
	e = text ? vec_add(&p->strings) : NULL;
	if (!e)
		return false;
	*e = (struct profile_string){.s = text, .len = (uint32_t)len};
	return true;
}

/* A decoded profile has its strings in no table yet. */
static bool strings_indexed(struct profile *p)
{
	struct index_table *t = &p->index->strings;

	for (size_t i = t->len; i < p->strings.len; i++) {
		const struct profile_string *s = &p->strings.at[i];
		if (!index_put(t, index_hash(0, s->s, s->len), (uint32_t)i))
			return false;
	}
	return true;
}

uint32_t profile_string_n(struct profile *p, const char *s, size_t len)
{
	struct key k = {.p = p, .what = s, .len = len};
	uint64_t hash = index_hash(0, s, len);
	uint32_t i;

	if (!strings_indexed(p))
		return fail(p);
	i = index_find(&p->index->strings, hash, same_string, &k);
	if (i != PROFILE_NONE)
		return i;
	if (!profile_string_append(p, s, len))
		return fail(p);
	i = (uint32_t)p->strings.len - 1;
	if (index_put(&p->index->strings, hash, i))
		return i;
	p->strings.len--;
	return fail(p);
}

uint32_t profile_string(struct profile *p, const char *s)
{
	return profile_string_n(p, s, strlen(s));
}

const char *profile_str(const struct profile *p, uint32_t string)
{
	return string < p->strings.len ? p->strings.at[string].s : "";
}

uint32_t profile_add_type(struct profile *p, const char *type, const char *unit)
{
	struct profile_type t = {profile_string(p, type), profile_string(p, unit)}, *e;

	for (size_t i = 0; i < p->types.len; i++)
		if (p->types.at[i].type == t.type && p->types.at[i].unit == t.unit)
			return (uint32_t)i;
	/* Samples already there would have a value too few. */
	if (p->samples.len || t.type == PROFILE_NONE || t.unit == PROFILE_NONE)
		return fail(p);
	e = vec_add(&p->types);
	if (!e)
		return fail(p);
	*e = t;
	return (uint32_t)p->types.len - 1;
}

static uint64_t hash_mapping(const struct profile_mapping *m)
{
	uint64_t key[] = {m->start, (uint64_t)m->file << 32 | m->build_id};
	return index_hash(1, key, sizeof(key));
}

static bool same_mapping(const void *ctx, uint32_t i)
{
	const struct key *k = ctx;
	const struct profile_mapping *a = &k->p->mappings.at[i], *b = k->what;
	return a->start == b->start && a->file == b->file && a->build_id == b->build_id;
}

static uint64_t hash_function(const struct profile_function *f)
{
	uint64_t key[] = {(uint64_t)f->name << 32 | f->system_name, f->file,
			  (uint64_t)f->start_line};
	return index_hash(2, key, sizeof(key));
}

static bool same_function(const void *ctx, uint32_t i)
{
	const struct key *k = ctx;
	const struct profile_function *a = &k->p->functions.at[i], *b = k->what;
	return a->name == b->name && a->system_name == b->system_name && a->file == b->file &&
	       a->start_line == b->start_line;
}

static uint64_t hash_location(const struct profile_location *l)
{
	uint64_t key[] = {l->address, (uint64_t)l->mapping << 32 | l->flags};
	return index_hash(3, key, sizeof(key));
}

static bool same_location(const void *ctx, uint32_t i)
{
	const struct key *k = ctx;
	const struct profile_location *a = &k->p->locations.at[i], *b = k->what;
	return a->address == b->address && a->mapping == b->mapping && a->flags == b->flags;
}

static uint64_t hash_sample(const uint32_t *stack, size_t n, const struct profile_label *labels,
			    size_t n_labels)
{
	uint64_t h = index_hash(4, stack, n * sizeof(*stack));

	for (size_t i = 0; i < n_labels; i++) {
		uint64_t key[] = {(uint64_t)labels[i].key << 32 | labels[i].str,
				  (uint64_t)labels[i].num, labels[i].unit};
		h = index_hash(h, key, sizeof(key));
	}
	return h;
}

static bool same_labels(const struct profile_label *a, const struct profile_label *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].key != b[i].key || a[i].str != b[i].str || a[i].num != b[i].num ||
		    a[i].unit != b[i].unit)
			return false;
	return true;
}

static bool same_sample(const void *ctx, uint32_t i)
{
	const struct key *k = ctx;
	const struct profile_sample *s = &k->p->samples.at[i];
	const uint32_t *stack = k->what;

	return s->n_locations == k->len && s->n_labels == k->n_labels &&
	       (!k->len || !memcmp(k->p->stack.at + s->first_location, stack,
				   k->len * sizeof(*stack))) &&
	       same_labels(k->p->labels.at + s->first_label, k->labels, k->n_labels);
}

/* Enters what a decoder has put into the arrays, once, when the first maker is called. */
static bool indexed(struct profile *p)
{
	struct profile_index *x = p->index;
	bool ok = true;

	if (x->built)
		return true;
	for (size_t i = 0; ok && i < p->mappings.len; i++)
		ok = index_put(&x->mappings, hash_mapping(&p->mappings.at[i]), (uint32_t)i);
	for (size_t i = 0; ok && i < p->functions.len; i++)
		ok = index_put(&x->functions, hash_function(&p->functions.at[i]), (uint32_t)i);
	for (size_t i = 0; ok && i < p->locations.len; i++)
		ok = index_put(&x->locations, hash_location(&p->locations.at[i]), (uint32_t)i);
	for (size_t i = 0; ok && i < p->samples.len; i++) {
		const struct profile_sample *s = &p->samples.at[i];
		ok = index_put(&x->samples,
			       hash_sample(p->stack.at + s->first_location, s->n_locations,
					   p->labels.at + s->first_label, s->n_labels),
			       (uint32_t)i);
	}
	x->built = ok;
	if (!ok) {
		index_clear(&x->mappings);
		index_clear(&x->functions);
		index_clear(&x->locations);
		index_clear(&x->samples);
	}
	return ok;
}

/* The makers of fixed-size things are alike: find, else append and enter. */
#define FIND_OR_ADD(p, table, elem, hash, same)                                                    \
	do {                                                                                       \
		struct key k_ = {.p = (p), .what = (elem)};                                        \
		uint64_t hash_ = (hash);                                                           \
		uint32_t i_ = PROFILE_NONE;                                                        \
		if (!indexed(p))                                                                   \
			return fail(p);                                                            \
		i_ = index_find(&(p)->index->table, hash_, (same), &k_);                           \
		if (i_ != PROFILE_NONE)                                                            \
			return i_;                                                                 \
		if (!room((p), sizeof(*(elem))) || !vec_add(&(p)->table))                          \
			return fail(p);                                                            \
		i_ = (uint32_t)(p)->table.len - 1;                                                 \
		(p)->table.at[i_] = *(elem);                                                       \
		if (!index_put(&(p)->index->table, hash_, i_)) {                                   \
			(p)->table.len--;                                                          \
			return fail(p);                                                            \
		}                                                                                  \
		return i_;                                                                         \
	} while (0)

uint32_t profile_add_mapping(struct profile *p, const struct profile_mapping *m)
{
	FIND_OR_ADD(p, mappings, m, hash_mapping(m), same_mapping);
}

uint32_t profile_add_function(struct profile *p, const struct profile_function *f)
{
	FIND_OR_ADD(p, functions, f, hash_function(f), same_function);
}

static uint32_t location_find_or_add(struct profile *p, const struct profile_location *l)
{
	FIND_OR_ADD(p, locations, l, hash_location(l), same_location);
}

uint32_t profile_add_location(struct profile *p, const struct profile_location *l,
			      const struct profile_line *lines, uint32_t n_lines)
{
	struct profile_location add = *l;
	size_t before = p->locations.len, first = p->lines.len;
	uint32_t i;

	add.first_line = (uint32_t)first;
	add.n_lines = n_lines;
	i = location_find_or_add(p, &add);
	if (i == PROFILE_NONE || p->locations.len == before)
		return i;
	for (uint32_t k = 0; k < n_lines; k++) {
		struct profile_line *e = room(p, sizeof(*e)) ? vec_add(&p->lines) : NULL;
		if (!e) {
			/* It has been entered already: it stays, without names. */
			p->lines.len = first;
			p->locations.at[i].n_lines = 0;
			return fail(p);
		}
		*e = lines[k];
	}
	return i;
}

static int64_t add_saturated(int64_t a, int64_t b)
{
	int64_t sum;
	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

static int sample_append(struct profile *p, const struct key *k, const int64_t *values,
			 uint64_t hash)
{
	struct profile_sample s = {.first_location = (uint32_t)p->stack.len,
				   .n_locations = (uint32_t)k->len,
				   .first_label = (uint32_t)p->labels.len,
				   .n_labels = (uint32_t)k->n_labels,
				   .first_value = (uint32_t)p->values.len};
	const uint32_t *stack = k->what;
	uint64_t bytes = sizeof(s) + k->len * sizeof(*stack) + p->types.len * sizeof(*values) +
			 k->n_labels * sizeof(*k->labels);

	if (room(p, bytes) && vec_append(&p->stack, stack, k->len) &&
	    vec_append(&p->labels, k->labels, k->n_labels) &&
	    vec_append(&p->values, values, p->types.len) && vec_append(&p->samples, &s, 1)) {
		if (index_put(&p->index->samples, hash, (uint32_t)p->samples.len - 1))
			return 0;
		p->samples.len--;
	}
	p->stack.len = s.first_location;
	p->labels.len = s.first_label;
	p->values.len = s.first_value;
	fail(p);
	return -ENOMEM;
}

int profile_add_sample(struct profile *p, const uint32_t *stack, uint32_t n_stack,
		       const struct profile_label *labels, uint32_t n_labels,
		       const int64_t *values)
{
	struct key k = {.p = p, .what = stack, .len = n_stack, .labels = labels,
			.n_labels = n_labels};
	uint64_t hash = hash_sample(stack, n_stack, labels, n_labels);
	int64_t *sum;
	uint32_t i;

	if (!indexed(p)) {
		fail(p);
		return -ENOMEM;
	}
	i = index_find(&p->index->samples, hash, same_sample, &k);
	if (i == PROFILE_NONE)
		return sample_append(p, &k, values, hash);
	sum = p->values.at + p->samples.at[i].first_value;
	for (size_t t = 0; t < p->types.len; t++)
		sum[t] = add_saturated(sum[t], values[t]);
	return 0;
}

void profile_comment(struct profile *p, const char *fmt, ...)
{
	char *text = NULL;
	uint32_t string = PROFILE_NONE, *e;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		string = profile_string(p, text);
	free(text);
	e = string != PROFILE_NONE ? vec_add(&p->comments) : NULL;
	if (e)
		*e = string;
	else
		fail(p);
}

const char *profile_comment_get(const struct profile *p, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < p->comments.len; i++) {
		const char *s = profile_str(p, p->comments.at[i]);
		if (!strncmp(s, name, n) && s[n] == ':' && s[n + 1] == ' ')
			return s + n + 2;
	}
	return NULL;
}
