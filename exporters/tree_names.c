/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/tree_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/text.h"

enum {
	NAME_MAX_BYTES = 4096, /* what is longer is cut */
	TEXT_MAX = 1 << 28,
	TABLE_FIRST = 1024,
};

/* A hash table from anything that `same` can compare to its number; open addressing, numbers
 * stored + 1. */
struct table {
	uint32_t *slots;
	uint64_t *keys;
	size_t cap, len;
};

struct maker {
	const struct profile *p;
	struct tree *t;
	struct table texts, modules, functions, names;
	uint32_t *module_of; /* per mapping; + 1, 0 not yet made */
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15;
	return x ^ x >> 29;
}

static bool table_grow(struct table *h)
{
	size_t cap = h->cap ? h->cap * 2 : TABLE_FIRST;
	struct table n = {calloc(cap, sizeof(*n.slots)), calloc(cap, sizeof(*n.keys)), cap, h->len};

	if (!n.slots || !n.keys) {
		free(n.slots);
		free(n.keys);
		return false;
	}
	for (size_t i = 0; i < h->cap; i++) {
		size_t at = mix(h->keys[i]) & (cap - 1);
		if (!h->slots[i])
			continue;
		while (n.slots[at])
			at = (at + 1) & (cap - 1);
		n.slots[at] = h->slots[i];
		n.keys[at] = h->keys[i];
	}
	free(h->slots);
	free(h->keys);
	*h = n;
	return true;
}

/* The slot of `key`, 0 in it when it is new: the caller then stores a number + 1. NULL when out of
 * memory. With `t` the numbers are offsets of texts and `s` is compared too. */
static uint32_t *table_slot(struct table *h, uint64_t key, const struct tree *t, const char *s)
{
	size_t at;

	if (h->len * 2 >= h->cap && !table_grow(h))
		return NULL;
	at = mix(key) & (h->cap - 1);
	while (h->slots[at] &&
	       (h->keys[at] != key || (t && strcmp(tree_text(t, h->slots[at] - 1), s) != 0)))
		at = (at + 1) & (h->cap - 1);
	if (!h->slots[at]) {
		h->keys[at] = key;
		h->len++;
	}
	return &h->slots[at];
}

static void table_free(struct table *h)
{
	free(h->slots);
	free(h->keys);
}

/* Makers below return PROFILE_NONE when out of memory. */
static uint32_t text_make(struct maker *m, const char *bytes, size_t len)
{
	char s[NAME_MAX_BYTES];
	size_t n = text_clean(s, sizeof(s), bytes, len);
	uint64_t key = 0xcbf29ce484222325;
	uint32_t *slot;

	for (size_t i = 0; i < n; i++)
		key = (key ^ (uint8_t)s[i]) * 0x100000001b3;
	slot = table_slot(&m->texts, key, m->t, s);
	if (!slot)
		return PROFILE_NONE;
	if (!*slot) {
		*slot = (uint32_t)m->t->text.len + 1;
		buf_put(&m->t->text, s, n + 1);
	}
	return m->t->text.bad ? PROFILE_NONE : *slot - 1;
}

static uint32_t text_of(struct maker *m, uint32_t string)
{
	const struct profile_string *s = &m->p->strings.at[string];

	return text_make(m, s->s ? s->s : "", s->len);
}

static uint32_t module_make(struct maker *m, uint32_t text)
{
	uint32_t *slot = text == PROFILE_NONE ? NULL : table_slot(&m->modules, text, NULL, NULL);
	uint32_t *added;

	if (!slot)
		return PROFILE_NONE;
	if (!*slot) {
		added = vec_add(&m->t->modules);
		if (!added)
			return PROFILE_NONE;
		*added = text;
		*slot = (uint32_t)m->t->modules.len;
	}
	return *slot - 1;
}

static uint32_t function_make(struct maker *m, uint32_t text, uint32_t module)
{
	struct tree_function *added;
	uint32_t *slot;

	if (text == PROFILE_NONE || module == PROFILE_NONE)
		return PROFILE_NONE;
	slot = table_slot(&m->functions, (uint64_t)module << 32 | text, NULL, NULL);
	if (!slot)
		return PROFILE_NONE;
	if (!*slot) {
		added = vec_add(&m->t->functions);
		if (!added)
			return PROFILE_NONE;
		*added = (struct tree_function){text, module};
		*slot = (uint32_t)m->t->functions.len;
	}
	return *slot - 1;
}

/* All places without a symbol in a module are one function: a row for each address says nothing. */
static uint32_t unnamed_function(struct maker *m, uint32_t module)
{
	char s[NAME_MAX_BYTES];
	const char *name = tree_text(m->t, m->t->modules.at[module]);

	snprintf(s, sizeof(s), "%.4000s (no symbols)", *name ? name : "[unknown]");
	return function_make(m, text_make(m, s, strlen(s)), module);
}

static uint32_t name_make(struct maker *m, uint32_t text, uint32_t module, uint32_t flags)
{
	struct tree_name *added;
	uint32_t *slot, function;

	if (text == PROFILE_NONE || module == PROFILE_NONE)
		return PROFILE_NONE;
	slot = table_slot(&m->names, (uint64_t)text << 32 | module << 4 | flags, NULL, NULL);
	if (!slot)
		return PROFILE_NONE;
	if (!*slot) {
		function = (flags & TREE_KIND) == TREE_UNNAMED ? unnamed_function(m, module)
							       : function_make(m, text, module);
		added = function == PROFILE_NONE ? NULL : vec_add(&m->t->names);
		if (!added)
			return PROFILE_NONE;
		*added = (struct tree_name){text, function, flags};
		*slot = (uint32_t)m->t->names.len;
	}
	return *slot - 1;
}

static uint32_t module_text(struct maker *m, const struct profile_mapping *map)
{
	static const char *const by_kind[] = {"", "[kernel]", "[vdso]", "[jit]"};
	const char *file = profile_str(m->p, map->file), *slash = strrchr(file, '/');

	if (!*file)
		file = map->kind <= PROFILE_MAP_JIT ? by_kind[map->kind] : "";
	else if (slash && slash[1] && *file != '[')
		file = slash + 1;
	return text_make(m, file, strlen(file));
}

static uint32_t module_of(struct maker *m, const struct profile_location *l)
{
	uint32_t *known;

	if (l->mapping == PROFILE_NONE) {
		const char *s = l->flags & PROFILE_LOC_KERNEL ? "[kernel]" : "";
		return module_make(m, text_make(m, s, strlen(s)));
	}
	known = &m->module_of[l->mapping];
	if (!*known) {
		uint32_t n = module_make(m, module_text(m, &m->p->mappings.at[l->mapping]));
		if (n == PROFILE_NONE)
			return n;
		*known = n + 1;
	}
	return *known - 1;
}

static uint32_t kind_of(const struct profile *p, const struct profile_location *l)
{
	uint32_t map = l->mapping == PROFILE_NONE ? PROFILE_MAP_FILE : p->mappings.at[l->mapping].kind;

	if (!l->n_lines || l->flags & PROFILE_LOC_UNNAMED)
		return TREE_UNNAMED;
	if (l->flags & PROFILE_LOC_KERNEL || map == PROFILE_MAP_KERNEL)
		return TREE_KERNEL;
	return map == PROFILE_MAP_JIT ? TREE_JIT : TREE_USER;
}

static uint32_t line_text(struct maker *m, const struct profile_line *line)
{
	const struct profile_function *f = &m->p->functions.at[line->function];

	if (m->p->strings.at[f->name].len)
		return text_of(m, f->name);
	if (m->p->strings.at[f->system_name].len)
		return text_of(m, f->system_name);
	return text_make(m, "??", 2);
}

static uint32_t address_text(struct maker *m, const struct profile_location *l, uint32_t module)
{
	char s[NAME_MAX_BYTES];
	const char *name = tree_text(m->t, m->t->modules.at[module]);

	snprintf(s, sizeof(s), "%.4000s%s0x%llx", name, *name ? "+" : "",
		 (unsigned long long)l->address);
	return text_make(m, s, strlen(s));
}

static int location_names(struct maker *m, const struct profile_location *l, struct tree_names *ret)
{
	uint32_t module = module_of(m, l), kind = kind_of(m->p, l);

	if (module == PROFILE_NONE)
		return -ENOMEM;
	for (uint32_t i = l->n_lines ? l->n_lines : 1; i-- > 0;) {
		uint32_t text = l->n_lines ? line_text(m, &m->p->lines.at[l->first_line + i])
					   : address_text(m, l, module);
		uint32_t inlined = l->n_lines && i + 1 < l->n_lines ? TREE_INLINED : 0;
		uint32_t name = name_make(m, text, module, kind | inlined);
		uint32_t *added = name == PROFILE_NONE ? NULL : vec_add(&ret->all);
		if (!added)
			return -ENOMEM;
		*added = name;
	}
	return 0;
}

static int all_locations(struct maker *m, struct tree_names *ret)
{
	const struct profile *p = m->p;
	int e = 0;

	ret->first = calloc(p->locations.len + 1, sizeof(*ret->first));
	if (!ret->first)
		return -ENOMEM;
	for (size_t i = 0; i < p->locations.len && !e; i++) {
		e = location_names(m, &p->locations.at[i], ret);
		if (ret->all.len > UINT32_MAX)
			return -E2BIG;
		ret->first[i + 1] = (uint32_t)ret->all.len;
	}
	return e;
}

/* The sample's process name, a string; 0 where it has none. */
static uint32_t sample_comm(const struct profile *p, const struct profile_sample *s)
{
	for (uint32_t i = 0; i < s->n_labels; i++) {
		const struct profile_label *l = &p->labels.at[s->first_label + i];
		if (l->str && strcmp(profile_str(p, l->key), "comm") == 0)
			return l->str;
	}
	return 0;
}

/* One process alone needs no level of its own. */
static int all_processes(struct maker *m, struct tree_names *ret)
{
	const struct profile *p = m->p;
	bool several = false;
	uint32_t module;

	ret->process = calloc(p->samples.len + 1, sizeof(*ret->process));
	if (!ret->process)
		return -ENOMEM;
	for (size_t i = 0; i < p->samples.len; i++) {
		ret->process[i] = sample_comm(p, &p->samples.at[i]);
		several |= ret->process[i] != ret->process[0];
	}
	if (!several) {
		free(ret->process);
		ret->process = NULL;
		return 0;
	}
	module = module_make(m, text_make(m, "[process]", 9));
	for (size_t i = 0; i < p->samples.len; i++) {
		uint32_t comm = ret->process[i];
		uint32_t text = comm ? text_of(m, comm) : text_make(m, "[unknown process]", 17);
		ret->process[i] = name_make(m, text, module, TREE_PROCESS);
		if (ret->process[i] == PROFILE_NONE)
			return -ENOMEM;
	}
	return 0;
}

int tree_names_make(const struct profile *p, struct tree *t, struct tree_names *ret)
{
	struct maker m = {.p = p, .t = t};
	uint32_t module;
	int e = -ENOMEM;

	*ret = (struct tree_names){0};
	t->text = BUF_INIT(TEXT_MAX);
	module = module_make(&m, text_make(&m, "[all]", 5));
	if (name_make(&m, text_make(&m, "all", 3), module, TREE_ROOT) == PROFILE_NONE)
		goto cleanup;
	m.module_of = calloc(p->mappings.len + 1, sizeof(*m.module_of));
	if (!m.module_of)
		goto cleanup;
	e = all_locations(&m, ret);
	if (!e)
		e = all_processes(&m, ret);
cleanup:
	table_free(&m.texts);
	table_free(&m.modules);
	table_free(&m.functions);
	table_free(&m.names);
	free(m.module_of);
	return e;
}

void tree_names_free(struct tree_names *n)
{
	free(n->first);
	free(n->process);
	vec_free(&n->all);
}
