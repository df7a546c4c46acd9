/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/tree.h"

#include <errno.h>
#include <string.h>

#include "exporters/stack_sort.h"
#include "exporters/tree_names.h"

enum { FRAMES_MAX = 1 << 28 };

struct node { /* in the order of the sort, before children are put in order of weight */
	uint32_t depth, name, self;
	uint32_t end; /* one past the last node below it */
	uint64_t total; /* of main_type */
};

struct builder {
	const struct profile *p;
	struct tree *t;
	struct tree_names names;
	uint32_t *frames; /* stacks, root first: names + 1, ended by 0 */
	struct stack_ref *refs;
	VEC(struct node) nodes;
	VEC(uint32_t) path; /* nodes from the root to the last one */
};

static uint64_t frames_needed(const struct builder *b)
{
	const struct profile *p = b->p;
	uint64_t n = 1; /* read, not used, by the sort */

	for (size_t i = 0; i < p->samples.len && n <= FRAMES_MAX; i++) {
		const struct profile_sample *s = &p->samples.at[i];
		n += 2; /* process and end */
		for (uint32_t k = 0; k < s->n_locations; k++) {
			uint32_t l = p->stack.at[s->first_location + k];
			n += b->names.first[l + 1] - b->names.first[l];
		}
	}
	return n;
}

static uint32_t *put_stack(const struct builder *b, size_t sample, uint32_t *out)
{
	const struct profile_sample *s = &b->p->samples.at[sample];

	if (b->names.process)
		*out++ = b->names.process[sample] + 1;
	for (uint32_t k = s->n_locations; k-- > 0;) {
		uint32_t l = b->p->stack.at[s->first_location + k];
		for (uint32_t i = b->names.first[l]; i < b->names.first[l + 1]; i++)
			*out++ = b->names.all.at[i] + 1;
	}
	*out++ = 0;
	return out;
}

static int expand(struct builder *b)
{
	uint64_t n = frames_needed(b);
	uint32_t *at;

	if (n > FRAMES_MAX)
		return -E2BIG;
	b->frames = malloc(n * sizeof(*b->frames));
	b->refs = malloc((b->p->samples.len + 1) * sizeof(*b->refs));
	if (!b->frames || !b->refs)
		return -ENOMEM;
	at = b->frames;
	for (size_t i = 0; i < b->p->samples.len; i++) {
		b->refs[i] = (struct stack_ref){.first = (uint32_t)(at - b->frames),
						.sample = (uint32_t)i};
		at = put_stack(b, i, at);
	}
	*at = 0;
	return 0;
}

static bool add_node(struct builder *b, uint32_t name)
{
	struct node *n = vec_add(&b->nodes);
	uint32_t *path = n ? vec_add(&b->path) : NULL;

	if (!path)
		return false;
	*path = (uint32_t)(b->nodes.len - 1);
	*n = (struct node){.depth = (uint32_t)b->path.len - 1, .name = name, .self = TREE_NO_SELF};
	return true;
}

static bool add_self(struct builder *b, struct node *n, const int64_t *values)
{
	uint32_t types = b->t->n_types;

	if (n->self == TREE_NO_SELF) {
		n->self = (uint32_t)(b->t->selfs.len / (types ? types : 1));
		for (uint32_t i = 0; i < types; i++) {
			const uint64_t *zero = vec_add(&b->t->selfs);
			if (!zero)
				return false;
		}
	}
	for (uint32_t i = 0; i < types; i++) {
		uint64_t *sum = &b->t->selfs.at[(size_t)n->self * types + i];
		if (values[i] < 0)
			b->t->n_negative++;
		else if (__builtin_add_overflow(*sum, (uint64_t)values[i], sum))
			*sum = UINT64_MAX;
	}
	return true;
}

/* Sorted stacks are the tree in preorder: each adds what it does not share with the one before. */
static int merge(struct builder *b)
{
	const uint32_t *before = NULL;

	if (!add_node(b, 0))
		return -ENOMEM;
	for (size_t i = 0; i < b->p->samples.len; i++) {
		const uint32_t *stack = b->frames + b->refs[i].first;
		const struct profile_sample *s = &b->p->samples.at[b->refs[i].sample];
		uint32_t same = 0;
		while (before && before[same] && before[same] == stack[same])
			same++;
		b->path.len = same + 1;
		for (uint32_t k = same; stack[k]; k++)
			if (!add_node(b, stack[k] - 1))
				return -ENOMEM;
		if (!add_self(b, &b->nodes.at[b->path.at[b->path.len - 1]],
			      b->p->values.at + s->first_value))
			return -ENOMEM;
		before = stack;
	}
	return 0;
}

static void sum_up(struct builder *b)
{
	const struct tree *t = b->t;
	uint32_t *open = b->path.at; /* the longest path fitted, so depths do */
	size_t depth = 0, n = b->nodes.len;

	for (size_t i = 0; i <= n; i++) {
		struct node *at = i < n ? &b->nodes.at[i] : NULL;
		while (depth > (at ? at->depth : 0)) {
			struct node *done = &b->nodes.at[open[--depth]];
			done->end = (uint32_t)i;
			if (depth)
				b->nodes.at[open[depth - 1]].total += done->total;
		}
		if (!at)
			break;
		if (at->self != TREE_NO_SELF && t->n_types)
			at->total = t->selfs.at[(size_t)at->self * t->n_types + t->main_type];
		open[depth++] = (uint32_t)i;
	}
}

static int by_weight(const void *a, const void *b, void *nodes)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct node *n = nodes;

	if (n[x].total != n[y].total)
		return n[x].total < n[y].total ? -1 : 1;
	return x < y ? 1 : -1;
}

/* Yields the nodes again, heaviest child first: `todo` holds nodes still to visit, the next one
 * last. */
static int put_in_order(struct builder *b)
{
	VEC(uint32_t) todo = {0};
	uint32_t *slot = vec_add(&todo);
	int e = slot ? 0 : -ENOMEM;

	while (!e && todo.len) {
		uint32_t at = todo.at[--todo.len];
		size_t children = todo.len;
		const struct node *n = &b->nodes.at[at];
		struct tree_node *out = vec_add(&b->t->nodes);
		if (!out)
			e = -ENOMEM;
		else
			*out = (struct tree_node){n->depth, n->name, n->self};
		for (uint32_t c = at + 1; !e && c < n->end; c = b->nodes.at[c].end) {
			slot = vec_add(&todo);
			if (slot)
				*slot = c;
			else
				e = -ENOMEM;
		}
		if (todo.len - children > 1)
			qsort_r(todo.at + children, todo.len - children, sizeof(*todo.at), by_weight,
				b->nodes.at);
	}
	vec_free(&todo);
	return e;
}

struct rank {
	uint32_t name, uses;
};

static int by_uses(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->uses != y->uses)
		return x->uses > y->uses ? -1 : 1;
	return x->name < y->name ? -1 : 1;
}

/* Frequent names get small numbers; the root's stays 0. */
static int rank_names(struct tree *t)
{
	size_t n = t->names.len;
	struct rank *ranks = calloc(n, sizeof(*ranks));
	uint32_t *to = calloc(n, sizeof(*to));
	struct tree_name *names = calloc(n, sizeof(*names));
	int e = ranks && to && names ? 0 : -ENOMEM;

	for (size_t i = 0; !e && i < n; i++)
		ranks[i].name = (uint32_t)i;
	for (size_t i = 0; !e && i < t->nodes.len; i++)
		ranks[t->nodes.at[i].name].uses++;
	if (!e) {
		qsort(ranks + 1, n - 1, sizeof(*ranks), by_uses);
		for (size_t i = 0; i < n; i++) {
			to[ranks[i].name] = (uint32_t)i;
			names[i] = t->names.at[ranks[i].name];
		}
		memcpy(t->names.at, names, n * sizeof(*names));
		for (size_t i = 0; i < t->nodes.len; i++)
			t->nodes.at[i].name = to[t->nodes.at[i].name];
	}
	free(ranks);
	free(to);
	free(names);
	return e;
}

static uint32_t main_type(const struct profile *p)
{
	for (uint32_t i = 0; p->default_type && i < p->types.len; i++)
		if (strcmp(profile_str(p, p->types.at[i].type), profile_str(p, p->default_type)) == 0)
			return i;
	return p->types.len ? (uint32_t)p->types.len - 1 : 0;
}

int tree_build(const struct profile *p, struct tree *ret)
{
	struct builder b = {.p = p, .t = ret};
	int e;

	*ret = (struct tree){.n_types = (uint32_t)p->types.len, .main_type = main_type(p)};
	e = tree_names_make(p, ret, &b.names);
	if (!e)
		e = expand(&b);
	if (!e)
		e = stack_sort(b.frames, b.refs, p->samples.len);
	if (!e)
		e = merge(&b);
	if (!e) {
		sum_up(&b);
		e = put_in_order(&b);
	}
	if (!e)
		e = rank_names(ret);
	tree_names_free(&b.names);
	free(b.frames);
	free(b.refs);
	vec_free(&b.nodes);
	vec_free(&b.path);
	if (e)
		tree_free(ret);
	return e;
}

void tree_free(struct tree *t)
{
	buf_free(&t->text);
	vec_free(&t->modules);
	vec_free(&t->functions);
	vec_free(&t->names);
	vec_free(&t->nodes);
	vec_free(&t->selfs);
}

struct flat { /* tree_functions() at work */
	uint64_t *begun; /* per function: the weight seen when its outermost call began */
	uint32_t *open;  /* per function: how often it is on the path */
	VEC(uint32_t) path;
	uint64_t seen;
};

static void leave(struct flat *f, size_t depth, uint64_t *total)
{
	while (f->path.len > depth) {
		uint32_t function = f->path.at[--f->path.len];
		if (--f->open[function] == 0)
			total[function] += f->seen - f->begun[function];
	}
}

static bool enter(struct flat *f, uint32_t function)
{
	uint32_t *slot = vec_add(&f->path);

	if (!slot)
		return false;
	*slot = function;
	if (f->open[function]++ == 0)
		f->begun[function] = f->seen;
	return true;
}

static uint64_t own_weight(const struct tree *t, const struct tree_node *n)
{
	return n->self == TREE_NO_SELF || !t->n_types
		       ? 0
		       : t->selfs.at[(size_t)n->self * t->n_types + t->main_type];
}

int tree_functions(const struct tree *t, uint64_t *self, uint64_t *total)
{
	size_t n = t->functions.len;
	struct flat f = {.begun = calloc(n + 1, sizeof(*f.begun)),
			 .open = calloc(n + 1, sizeof(*f.open))};
	int e = f.begun && f.open ? 0 : -ENOMEM;

	memset(self, 0, n * sizeof(*self));
	memset(total, 0, n * sizeof(*total));
	for (size_t i = 0; !e && i < t->nodes.len; i++) {
		const struct tree_node *at = &t->nodes.at[i];
		uint32_t function = t->names.at[at->name].function;
		leave(&f, at->depth, total);
		if (!enter(&f, function))
			e = -ENOMEM;
		self[function] += own_weight(t, at);
		f.seen += own_weight(t, at);
	}
	if (!e)
		leave(&f, 0, total);
	vec_free(&f.path);
	free(f.begun);
	free(f.open);
	return e;
}
