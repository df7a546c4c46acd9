/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/window/resolve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/vec.h"

enum { LINES_MAX = SYM_FRAMES_MAX };

struct resolver {
	const struct resolve_input *in;
	struct profile *p;
	struct resolve_figures *figures;
	uint32_t *location; /* of the window's location i: index in the profile */
	const struct window_location *const *all;
	size_t n_all;
	/* The mapping that was found last, and for whom. */
	uint32_t last;
	const struct module *last_module;
	const char *last_name;
	/* The batch of one module. */
	VEC(uint32_t) batch; /* window locations, by address */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* ---- mappings ---- */

static void hex(const uint8_t *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
	out[2 * n] = '\0';
}

static enum profile_mapping_kind mapping_kind(const struct window_location *l)
{
	if (l->key.flags & WINDOW_KERNEL)
		return PROFILE_MAP_KERNEL;
	if (l->key.flags & WINDOW_ANON)
		return PROFILE_MAP_JIT;
	return l->key.module && l->key.module->kind == MODULE_VDSO ? PROFILE_MAP_VDSO
								  : PROFILE_MAP_FILE;
}

/* The executable segment that holds the address, as pprof wants a mapping: ELF addresses. */
static void segment(const struct module *m, uint64_t address, struct profile_mapping *ret)
{
	for (int i = 0; i < m->info.n_segs; i++) {
		const struct sym_seg *s = &m->info.segs[i];
		if (address - s->vaddr < s->memsz) {
			ret->start = s->vaddr;
			ret->limit = s->vaddr + s->memsz;
			ret->offset = s->offset;
			return;
		}
	}
}

static uint32_t make_mapping(struct resolver *r, const struct window_location *l, const char *name)
{
	const struct module *m = l->key.module;
	char id[2 * SYM_BUILD_ID_MAX + 1] = "";
	struct profile_mapping map = {.kind = mapping_kind(l), .limit = UINT64_MAX};

	if (map.kind == PROFILE_MAP_KERNEL)
		map.start = UINT64_C(1) << 63;
	if (m && m->kind != MODULE_KERNEL && m->kind != MODULE_JIT) {
		segment(m, l->key.address, &map);
		hex(m->info.build_id, m->info.build_id_len, id);
	}
	map.file = profile_string(r->p, name);
	map.build_id = profile_string(r->p, id);
	return profile_add_mapping(r->p, &map);
}

/* Locations come sorted by module and address: mostly the mapping is the one before. */
static uint32_t mapping_of(struct resolver *r, const struct window_location *l, const char *name)
{
	const struct profile_mapping *last = r->last == PROFILE_NONE ? NULL
								     : &r->p->mappings.at[r->last];

	if (!last || r->last_module != l->key.module || r->last_name != name ||
	    l->key.address - last->start >= last->limit - last->start)
		r->last = make_mapping(r, l, name);
	r->last_module = l->key.module;
	r->last_name = name;
	return r->last;
}

static const char *mapping_name(const struct window_location *l)
{
	if (l->key.flags & WINDOW_KERNEL)
		return "[kernel.kallsyms]";
	if (l->key.flags & WINDOW_ANON)
		return "[jit]";
	if (l->key.module)
		return l->key.module->path;
	return l->key.path && l->key.path[0] ? l->key.path : "[unknown]";
}

/* ---- names ---- */

static void add_location(struct resolver *r, uint32_t i, const struct profile_line *lines,
			 uint32_t n_lines, uint32_t mapping, uint32_t flags)
{
	const struct window_location *l = r->all[i];
	struct profile_location loc = {.mapping = mapping, .address = l->key.address};

	loc.flags = flags | (l->key.flags & WINDOW_KERNEL ? PROFILE_LOC_KERNEL : 0) |
		    (l->key.flags & WINDOW_FP ? PROFILE_LOC_FP : 0);
	r->location[i] = profile_add_location(r->p, &loc, lines, n_lines);
	r->figures->locations++;
	r->figures->samples += l->self;
	if (!(flags & PROFILE_LOC_UNNAMED)) {
		r->figures->named++;
		r->figures->samples_named += l->self;
	}
}

static void add_unnamed(struct resolver *r, uint32_t i)
{
	const struct window_location *l = r->all[i];
	const char *path = mapping_name(l);
	struct profile_function f = {0};
	struct profile_line line = {0};
	char name[512];

	if (l->key.flags & WINDOW_ANON)
		snprintf(name, sizeof(name), "[jit]");
	else if (l->key.flags & WINDOW_KERNEL)
		snprintf(name, sizeof(name), "[kernel]+0x%" PRIx64, l->key.address);
	else
		snprintf(name, sizeof(name), "%s+0x%" PRIx64, base_name(path), l->key.address);
	f.name = f.system_name = profile_string(r->p, name);
	line.function = profile_add_function(r->p, &f);
	add_location(r, i, &line, 1, mapping_of(r, l, path), PROFILE_LOC_UNNAMED);
}

/* A kernel module is a mapping of its own: "[ext4]". */
static const char *kernel_mapping(const struct symbolizer_frame *f, char *buf, size_t size)
{
	if (!f->file[0])
		return "[kernel.kallsyms]";
	snprintf(buf, size, "[%s]", f->file);
	return buf;
}

static void on_name(void *arg, size_t i, const struct symbolizer_frame *frames, unsigned n)
{
	struct resolver *r = arg;
	const struct window_location *l = r->all[r->batch.at[i]];
	struct profile_line lines[LINES_MAX];
	const char *map_name = mapping_name(l);
	bool kernel = l->key.flags & WINDOW_KERNEL;
	char buf[128];

	if (n == 0) {
		add_unnamed(r, r->batch.at[i]);
		return;
	}
	n = n > LINES_MAX ? LINES_MAX : n;
	for (unsigned k = 0; k < n; k++) {
		struct profile_function f = {
			.name = profile_string(r->p, frames[k].name),
			.system_name = profile_string(r->p, frames[k].linkage),
			.file = profile_string(r->p, kernel ? "" : frames[k].file),
			.start_line = frames[k].start_line,
		};
		lines[k].function = profile_add_function(r->p, &f);
		lines[k].line = frames[k].line;
	}
	if (kernel)
		map_name = kernel_mapping(&frames[0], buf, sizeof(buf));
	if (map_name == buf)
		r->last = PROFILE_NONE; /* a name that is told anew each time */
	add_location(r, r->batch.at[i], lines, n, mapping_of(r, l, map_name), 0);
}

static int by_address(const void *a, const void *b, void *arg)
{
	const struct window_location *const *all = arg;
	uint64_t x = all[*(const uint32_t *)a]->key.address;
	uint64_t y = all[*(const uint32_t *)b]->key.address;

	return x < y ? -1 : x > y;
}

static int name_module(struct resolver *r, struct module *m)
{
	uint64_t *addresses;

	if (!m->usable) {
		for (size_t i = 0; i < r->batch.len; i++)
			add_unnamed(r, r->batch.at[i]);
		return 0;
	}
	modules_find_debug(r->in->modules, m);
	qsort_r(r->batch.at, r->batch.len, sizeof(*r->batch.at), by_address, (void *)r->all);
	addresses = malloc(r->batch.len * sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	for (size_t i = 0; i < r->batch.len; i++)
		addresses[i] = r->all[r->batch.at[i]]->key.address;
	symbolizer_names(r->in->symbolizer, m->sym, addresses, r->batch.len, on_name, r);
	free(addresses);
	return 0;
}

/* One pass per module that was met: its locations as one sorted batch. */
static int name_modules(struct resolver *r)
{
	size_t n = modules_count(r->in->modules);
	VEC(uint32_t) *lists = calloc(n + 1, sizeof(*lists)); /* [n]: without a module */
	int e = lists ? 0 : -ENOMEM;

	for (size_t i = 0; !e && i < r->n_all; i++) {
		const struct module *m = r->all[i]->key.module;
		uint32_t *slot = vec_add(&lists[m ? m->index : n]);
		if (slot)
			*slot = (uint32_t)i;
		else
			e = -ENOMEM;
	}
	for (size_t k = 0; !e && k < n; k++) {
		r->batch.at = lists[k].at;
		r->batch.len = lists[k].len;
		if (r->batch.len)
			e = name_module(r, modules_at(r->in->modules, k));
	}
	for (size_t i = 0; !e && i < lists[n].len; i++)
		add_unnamed(r, lists[n].at[i]);
	for (size_t k = 0; lists && k <= n; k++)
		vec_free(&lists[k]);
	free(lists);
	return e;
}

/* pprof takes the first mapping for the main program. */
static void add_main_mapping(struct resolver *r)
{
	const struct window_location *best = NULL;

	for (size_t i = 0; i < r->n_all; i++) {
		const struct window_location *l = r->all[i];
		bool file = l->key.module && l->key.module->kind == MODULE_FILE;
		bool named = r->in->main_path && file &&
			     !strcmp(l->key.module->path, r->in->main_path);
		if (named) {
			best = l;
			break;
		}
		if (file && !r->in->main_path && (!best || l->self > best->self))
			best = l;
	}
	if (best)
		mapping_of(r, best, mapping_name(best));
}

/* Tells pprof what its own symbolizer need not look for, where all locations have it. */
static void set_mapping_flags(struct profile *p)
{
	for (size_t i = 0; i < p->mappings.len; i++) {
		struct profile_mapping *m = &p->mappings.at[i];
		m->has_functions = m->has_filenames = m->has_lines = true;
	}
	for (size_t i = 0; i < p->locations.len; i++) {
		const struct profile_location *l = &p->locations.at[i];
		struct profile_mapping *m;
		if (l->mapping == PROFILE_NONE)
			continue;
		m = &p->mappings.at[l->mapping];
		m->has_inline_frames |= l->n_lines > 1;
		for (uint32_t k = 0; k < l->n_lines; k++) {
			const struct profile_line *ln = &p->lines.at[l->first_line + k];
			m->has_lines &= ln->line != 0;
			m->has_filenames &= p->functions.at[ln->function].file != 0;
		}
	}
}

/* ---- samples ---- */

/* Two values an event: how many samples, and what they weigh. */
static void add_types(struct resolver *r)
{
	const struct resolve_input *in = r->in;
	const struct event *first = &in->events[0];
	char name[80];

	for (size_t i = 0; i < in->n_events; i++) {
		const struct event *e = &in->events[i];
		if (in->n_events == 1)
			snprintf(name, sizeof(name), "samples");
		else
			snprintf(name, sizeof(name), "%s_samples", e->sample_type);
		profile_add_type(r->p, name, "count");
		profile_add_type(r->p, e->sample_type, e->unit);
	}
	r->p->period_type.type = profile_string(r->p, first->sample_type);
	r->p->period_type.unit = profile_string(r->p, first->unit);
	r->p->default_type = r->p->period_type.type;
	if (in->period)
		r->p->period = (int64_t)in->period;
	else if (first->counts_each)
		r->p->period = 1;
	else if (first->is_clock && in->frequency)
		r->p->period = (int64_t)(UINT64_C(1000000000) / in->frequency);
}

static struct profile_label number(struct resolver *r, const char *key, int64_t v, const char *unit)
{
	return (struct profile_label){.key = profile_string(r->p, key), .num = v,
				      .unit = profile_string(r->p, unit)};
}

static struct profile_label word(struct resolver *r, const char *key, const char *v)
{
	return (struct profile_label){.key = profile_string(r->p, key),
				      .str = profile_string(r->p, v)};
}

static int add_sample(struct resolver *r, const struct window_count *c,
		      const struct window_stack *s)
{
	struct profile_label labels[6];
	uint32_t stack[WINDOW_STACK_MAX], n = 0;
	int64_t values[2 * EVENTS_MAX] = {0};

	for (uint32_t i = 0; i < s->n; i++)
		stack[i] = r->location[s->locations[i]];
	labels[n++] = word(r, "comm", c->key.comm);
	labels[n++] = number(r, "cpu", c->key.cpu, "index");
	labels[n++] = number(r, "pid", c->key.pid, "id");
	labels[n++] = number(r, "tid", c->key.tid, "id");
	labels[n++] = number(r, "window", c->key.second, "seconds");
	if (!walk_end_complete(c->key.end))
		labels[n++] = word(r, "stack", walk_end_word(c->key.end));
	values[2 * c->key.event] = (int64_t)c->samples;
	values[2 * c->key.event + 1] = (int64_t)c->weight;
	return profile_add_sample(r->p, stack, s->n, labels, n, values);
}

static int add_samples(struct resolver *r)
{
	const struct window_count *const *counts;
	const struct window_stack *const *stacks;
	size_t n = window_counts(r->in->window, &counts);

	window_stacks(r->in->window, &stacks);
	for (size_t i = 0; i < n; i++) {
		int e = add_sample(r, counts[i], stacks[counts[i]->key.stack]);
		if (e)
			return e;
	}
	return 0;
}

int resolve(const struct resolve_input *in, struct profile *ret, struct resolve_figures *figures)
{
	struct resolver r = {.in = in, .p = ret, .figures = figures, .last = PROFILE_NONE};
	int e;

	*figures = (struct resolve_figures){0};
	r.n_all = window_locations(in->window, &r.all);
	r.location = calloc(r.n_all ? r.n_all : 1, sizeof(*r.location));
	if (!r.location)
		return -ENOMEM;
	add_types(&r);
	add_main_mapping(&r);
	e = name_modules(&r);
	if (!e)
		e = add_samples(&r);
	set_mapping_flags(ret);
	ret->time_nanos = (int64_t)in->time_nanos;
	ret->duration_nanos = (int64_t)in->duration_nanos;
	free(r.location);
	return e ? e : ret->full ? -ENOMEM : 0;
}
