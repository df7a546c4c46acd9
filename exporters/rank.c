/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/rank.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/frames.h"
#include "exporters/rank_priv.h"

static int32_t row_of(struct ranker *r, const struct key *key)
{
	struct entry *e, **slot;

	HASH_FIND(hh, r->table, key, sizeof(*key), e);
	if (e)
		return (int32_t)e->index;
	e = vec_add(&r->tallies) ? calloc(1, sizeof(*e)) : NULL;
	slot = e ? vec_add_max(&r->entries, INT32_MAX) : NULL;
	if (!slot) {
		free(e);
		r->bad = true;
		return NO_ROW;
	}
	*slot = e;
	e->key = *key;
	e->index = r->entries.len - 1;
	HASH_ADD(hh, r->table, key, sizeof(e->key), e);
	return (int32_t)e->index;
}

static uint32_t module_string(const struct profile *p, const struct profile_location *l)
{
	return l->mapping == PROFILE_NONE ? 0 : p->mappings.at[l->mapping].file;
}

/* Where a frame is counted. Code without a name is one row a module. */
static struct key frame_key(const struct ranker *r, uint32_t location, uint32_t i)
{
	const struct profile *p = r->p;
	const struct profile_location *l = &p->locations.at[location];
	struct key k = {.module = module_string(p, l)};
	const struct profile_function *f;

	if (r->by == RANK_MODULE)
		return k;
	if (!frames_function(p, l, i)) {
		k.unnamed = 1;
		k.location = k.module ? 0 : location;
		return k;
	}
	f = &p->functions.at[p->lines.at[l->first_line + i].function];
	if (r->by == RANK_FUNCTION) {
		k.name = f->name ? f->name : f->system_name;
		return k;
	}
	k.name = f->file;
	if (r->by == RANK_LINE) {
		k.number = f->file ? p->lines.at[l->first_line + i].line : 0;
		if (!f->file) { /* no line is known: the function stands for it */
			k.name = f->name;
			k.number = -1;
		}
	} else if (k.name) {
		k.module = 0; /* a file belongs to whoever includes it */
	}
	return k;
}

static void note_place(struct entry *e, uint64_t offset)
{
	e->low = !e->places || offset < e->low ? offset : e->low;
	e->high = offset > e->high ? offset : e->high;
	e->places++;
}

static int32_t frame_row(struct ranker *r, uint32_t location, uint32_t i)
{
	const struct profile_location *l = &r->p->locations.at[location];
	int32_t *known = l->n_lines ? &r->line_row[l->first_line + i] : &r->location_row[location];

	if (*known == NO_ROW) {
		struct key k = frame_key(r, location, i);
		*known = row_of(r, &k);
		if (k.unnamed && *known != NO_ROW)
			note_place(r->entries.at[*known], frames_offset(r->p, l));
	}
	return *known;
}

static void add(int64_t *sum, int64_t v)
{
	if (__builtin_add_overflow(*sum, v, sum))
		*sum = INT64_MAX;
}

static void count_total(struct ranker *r, int32_t row, uint32_t sample, int64_t v)
{
	struct tally *t = row == NO_ROW ? NULL : &r->tallies.at[row];

	if (!t || t->seen == sample + 1)
		return;
	t->seen = sample + 1;
	add(&t->total, v);
}

static void count_self(struct ranker *r, int32_t row, int64_t v)
{
	if (row >= 0 && (size_t)row < r->entries.len)
		add(&r->entries.at[row]->self, v);
}

static void count_frames(struct ranker *r, uint32_t sample, int64_t v)
{
	const struct profile *p = r->p;
	const struct profile_sample *s = &p->samples.at[sample];
	struct key none = {.unnamed = 1, .location = PROFILE_NONE};

	for (uint32_t i = 0; i < s->n_locations; i++) {
		uint32_t location = p->stack.at[s->first_location + i];
		uint32_t n = p->locations.at[location].n_lines;
		for (uint32_t k = 0; k < (n ? n : 1); k++) {
			int32_t row = frame_row(r, location, k);
			count_total(r, row, sample, v);
			if (!i && !k)
				count_self(r, row, v);
		}
	}
	if (!s->n_locations) {
		int32_t row = row_of(r, &none);
		count_total(r, row, sample, v);
		count_self(r, row, v);
	}
}

static void count_label(struct ranker *r, uint32_t sample, int64_t v)
{
	const struct profile_sample *s = &r->p->samples.at[sample];
	const struct profile_label *comm = frames_label(r->p, s, r->comm);
	const struct profile_label *pid = frames_label(r->p, s, r->pid);
	const struct profile_label *tid = frames_label(r->p, s, r->tid);
	struct key k = {.name = comm ? comm->str : 0};
	const struct profile_label *id = r->by == RANK_THREAD ? tid : pid;
	int32_t row;

	k.number = id ? id->num : 0;
	/* A process has many comm's: its threads name themselves. */
	if (r->by == RANK_PROCESS && pid)
		k.name = 0;
	row = row_of(r, &k);
	count_total(r, row, sample, v);
	count_self(r, row, v);
	if (row != NO_ROW && comm && !r->entries.at[row]->key.name)
		r->entries.at[row]->low = comm->str; /* the first one names it */
	if (row != NO_ROW && r->by == RANK_THREAD && pid)
		r->entries.at[row]->high = (uint64_t)pid->num;
}

static int by_self(const void *a, const void *b)
{
	const struct rank_row *x = a, *y = b;

	if (x->self != y->self)
		return x->self > y->self ? -1 : 1;
	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int by_total(const void *a, const void *b)
{
	const struct rank_row *x = a, *y = b;

	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return by_self(a, b);
}

/* The type that counts samples of type `of`: "samples", or "cycles_samples" where there are
 * several events. */
static uint32_t count_type(const struct profile *p, uint32_t of)
{
	const char *name = profile_str(p, p->types.at[of].type);
	size_t n = strlen(name);

	if (!strcmp(name, "samples"))
		return of;
	for (size_t i = 0; i < p->types.len; i++) {
		const char *s = profile_str(p, p->types.at[i].type);
		if (!strncmp(s, name, n) && !strcmp(s + n, "_samples"))
			return (uint32_t)i;
	}
	for (size_t i = 0; i < p->types.len; i++)
		if (!strcmp(profile_str(p, p->types.at[i].type), "samples"))
			return (uint32_t)i;
	return PROFILE_NONE;
}

static double sample_count(const struct profile *p, uint32_t type, int64_t total)
{
	uint32_t count = count_type(p, type);
	const char *comment = profile_comment_get(p, "samples");
	int64_t n = 0;

	if (count != PROFILE_NONE) {
		for (size_t i = 0; i < p->samples.len; i++)
			add(&n, p->values.at[p->samples.at[i].first_value + count]);
		return n > 0 ? (double)n : 0;
	}
	if (comment)
		return strtod(comment, NULL);
	if (p->period > 0 && p->types.at[type].type == p->period_type.type)
		return (double)total / (double)p->period;
	return 0;
}

static int prepare(struct ranker *r, const struct profile *p, enum rank_by by)
{
	*r = (struct ranker){.p = p, .by = by, .pid = frames_find(p, "pid"),
			     .tid = frames_find(p, "tid"), .comm = frames_find(p, "comm"),
			     .type = frames_type(p)};
	r->line_row = malloc((p->lines.len + 1) * sizeof(*r->line_row));
	r->location_row = malloc((p->locations.len + 1) * sizeof(*r->location_row));
	if (!r->line_row || !r->location_row)
		return -ENOMEM;
	memset(r->line_row, 0xff, p->lines.len * sizeof(*r->line_row));
	memset(r->location_row, 0xff, p->locations.len * sizeof(*r->location_row));
	return 0;
}

static void release(struct ranker *r)
{
	HASH_CLEAR(hh, r->table);
	for (size_t i = 0; i < r->entries.len; i++)
		free(r->entries.at[i]);
	vec_free(&r->entries);
	vec_free(&r->tallies);
	free(r->line_row);
	free(r->location_row);
}

int rank_profile(const struct profile *p, enum rank_by by, bool total, struct rank *ret)
{
	struct ranker r;
	int e = prepare(&r, p, by);

	*ret = (struct rank){.type = r.type};
	for (uint32_t i = 0; !e && r.type != PROFILE_NONE && i < p->samples.len; i++) {
		int64_t v = p->values.at[p->samples.at[i].first_value + r.type];
		if (v <= 0)
			continue;
		add(&ret->total, v);
		if (by == RANK_PROCESS || by == RANK_THREAD)
			count_label(&r, i, v);
		else
			count_frames(&r, i, v);
	}
	if (!e && (r.bad || !rank_fill_rows(&r, ret)))
		e = -ENOMEM;
	if (!e && ret->rows.len)
		qsort(ret->rows.at, ret->rows.len, sizeof(*ret->rows.at),
		      total ? by_total : by_self);
	if (!e && r.type != PROFILE_NONE)
		ret->samples = sample_count(p, r.type, ret->total);
	release(&r);
	if (e)
		rank_free(ret);
	return e;
}

void rank_free(struct rank *r)
{
	for (size_t i = 0; i < r->texts.len; i++)
		free(r->texts.at[i]);
	vec_free(&r->texts);
	vec_free(&r->rows);
}

/* E. B. Wilson, Probable inference (1927): holds near 0 and 1 and for few samples, where the
 * normal interval does not. */
void rank_interval(double part, double n, double *ret_low, double *ret_high)
{
	const double z = 1.959964, zz = z * z;
	double middle, half;

	if (n <= 0) {
		*ret_low = 0;
		*ret_high = 1;
		return;
	}
	middle = (part + zz / (2 * n)) / (1 + zz / n);
	half = z / (1 + zz / n) * sqrt(part * (1 - part) / n + zz / (4 * n * n));
	*ret_low = fmax(0, middle - half);
	*ret_high = fmin(1, middle + half);
}

double rank_margin(double part, double n)
{
	double low, high;

	rank_interval(part, n, &low, &high);
	return 100 * (high - low) / 2;
}
