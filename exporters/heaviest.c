/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/heaviest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct weighed {
	double weight;
	size_t sample;
};

struct copy {
	const struct profile *from;
	struct profile *to;
	uint32_t *locations; /* by index in `from`: index in `to` + 1, or 0 */
	VEC(uint32_t) stack;
	VEC(struct profile_label) labels;
	VEC(struct profile_line) lines;
};

static size_t default_column(const struct profile *p)
{
	for (size_t i = 0; i < p->types.len; i++)
		if (p->types.at[i].type == p->default_type)
			return i;
	return p->types.len ? p->types.len - 1 : 0;
}

/* The heaviest first; equal ones in their order, so that the result is always the same. */
static int by_weight(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return x->sample < y->sample ? -1 : x->sample > y->sample;
}

static struct weighed *weigh(const struct profile *p)
{
	struct weighed *w = calloc(p->samples.len + 1, sizeof(*w));
	size_t column = default_column(p);

	for (size_t i = 0; w && i < p->samples.len; i++) {
		size_t at = p->samples.at[i].first_value + column;
		w[i] = (struct weighed){at < p->values.len ? (double)p->values.at[at] : 0, i};
	}
	if (w)
		qsort(w, p->samples.len, sizeof(*w), by_weight);
	return w;
}

static uint32_t copy_string(struct copy *c, uint32_t s)
{
	if (s >= c->from->strings.len)
		return 0;
	return profile_string_n(c->to, c->from->strings.at[s].s, c->from->strings.at[s].len);
}

static struct profile_type copy_type(struct copy *c, struct profile_type t)
{
	return (struct profile_type){copy_string(c, t.type), copy_string(c, t.unit)};
}

static uint32_t copy_mapping(struct copy *c, uint32_t index)
{
	struct profile_mapping m;

	if (index == PROFILE_NONE)
		return PROFILE_NONE;
	m = c->from->mappings.at[index];
	m.file = copy_string(c, m.file);
	m.build_id = copy_string(c, m.build_id);
	return profile_add_mapping(c->to, &m);
}

static uint32_t copy_function(struct copy *c, uint32_t index)
{
	struct profile_function f = c->from->functions.at[index];

	f.name = copy_string(c, f.name);
	f.system_name = copy_string(c, f.system_name);
	f.file = copy_string(c, f.file);
	return profile_add_function(c->to, &f);
}

static uint32_t copy_location(struct copy *c, uint32_t index)
{
	struct profile_location l = c->from->locations.at[index];

	if (c->locations[index])
		return c->locations[index] - 1;
	l.mapping = copy_mapping(c, l.mapping);
	c->lines.len = 0;
	for (uint32_t i = 0; i < l.n_lines; i++) {
		struct profile_line *line = vec_add(&c->lines);
		if (!line)
			return PROFILE_NONE;
		*line = c->from->lines.at[l.first_line + i];
		line->function = copy_function(c, line->function);
	}
	return profile_add_location(c->to, &l, c->lines.at, l.n_lines);
}

static int copy_sample(struct copy *c, const struct profile_sample *s)
{
	c->stack.len = c->labels.len = 0;
	for (uint32_t i = 0; i < s->n_locations; i++) {
		uint32_t from = c->from->stack.at[s->first_location + i], to = copy_location(c, from);
		uint32_t *slot = vec_add(&c->stack);
		if (!slot || to == PROFILE_NONE)
			return -ENOMEM;
		c->locations[from] = to + 1;
		*slot = to;
	}
	for (uint32_t i = 0; i < s->n_labels; i++) {
		struct profile_label *l = vec_add(&c->labels);
		if (!l)
			return -ENOMEM;
		*l = c->from->labels.at[s->first_label + i];
		l->key = copy_string(c, l->key);
		l->str = copy_string(c, l->str);
		l->unit = copy_string(c, l->unit);
	}
	return profile_add_sample(c->to, c->stack.at, s->n_locations, c->labels.at, s->n_labels,
				  c->from->values.at + s->first_value);
}

/* All but the samples. The main binary's mapping stays the first one. */
static void copy_head(struct copy *c)
{
	const struct profile *p = c->from;

	for (size_t i = 0; i < p->types.len; i++)
		profile_add_type(c->to, profile_str(p, p->types.at[i].type),
				 profile_str(p, p->types.at[i].unit));
	for (size_t i = 0; i < p->comments.len; i++)
		profile_comment(c->to, "%s", profile_str(p, p->comments.at[i]));
	c->to->period_type = copy_type(c, p->period_type);
	c->to->period = p->period;
	c->to->time_nanos = p->time_nanos;
	c->to->duration_nanos = p->duration_nanos;
	c->to->default_type = copy_string(c, p->default_type);
	c->to->drop_frames = copy_string(c, p->drop_frames);
	c->to->keep_frames = copy_string(c, p->keep_frames);
	if (p->mappings.len)
		copy_mapping(c, 0);
}

static int copy_heaviest(struct copy *c, const struct weighed *w, size_t n, uint32_t *ret_share)
{
	double all = 0, kept = 0;
	int r = 0;

	copy_head(c);
	for (size_t i = 0; i < c->from->samples.len; i++) {
		all += w[i].weight;
		if (i >= n)
			continue;
		kept += w[i].weight;
		r = copy_sample(c, &c->from->samples.at[w[i].sample]);
		if (r)
			return r;
	}
	*ret_share = all > 0 ? (uint32_t)(HEAVIEST_WHOLE * kept / all) : 0;
	profile_comment(c->to, "cut: no space for all, the heaviest %zu of %zu stacks are here, %.2f %%", n,
			c->from->samples.len, *ret_share / (HEAVIEST_WHOLE / 100.0));
	return c->to->full ? -ENOMEM : 0;
}

int profile_heaviest(const struct profile *p, size_t n, struct profile *ret, uint32_t *ret_share)
{
	struct copy c = {.from = p, .to = ret};
	struct weighed *w = weigh(p);
	int r = w ? profile_init(ret) : -ENOMEM;

	c.locations = calloc(p->locations.len + 1, sizeof(*c.locations));
	if (!r) {
		r = c.locations ? copy_heaviest(&c, w, n < p->samples.len ? n : p->samples.len, ret_share)
				: -ENOMEM;
		if (r)
			profile_free(ret);
	}
	free(c.locations);
	free(w);
	vec_free(&c.stack);
	vec_free(&c.labels);
	vec_free(&c.lines);
	return r;
}
