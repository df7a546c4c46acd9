/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing pprof: one message after the other is packed into one buffer, since a tree of all
 * messages of a large profile takes ten times its size.
 */
#include "exporters/pprof.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/base/buf.h"
#include "agent/base/text.h"
#include "exporters/gzip.h"
#include "profile.pb-c.h"

enum {
	GZIP_LEVEL = 1, /* as the Go runtime writes its own: a quarter of the time of level 6 */
	PACKED_MAX = INT32_MAX, /* bytes: as much as readers of protobuf take */
	NAME_MAX_LEN = 1 << 24,
	WIRE_VARINT = 0, /* protobuf's encoding guide: kinds of field */
	WIRE_LEN = 2,
};

enum field { /* of Profile */
	F_SAMPLE_TYPE = 1, F_SAMPLE, F_MAPPING, F_LOCATION, F_FUNCTION, F_STRING, F_DROP, F_KEEP,
	F_TIME, F_DURATION, F_PERIOD_TYPE, F_PERIOD, F_COMMENT, F_DEFAULT_TYPE,
};

struct writer {
	const struct profile *p;
	struct buf out;
	VEC(uint64_t) ids;
	VEC(Pprof__Label) labels;
	VEC(Pprof__Label *) label_ptrs;
	VEC(Pprof__Line) lines;
	VEC(Pprof__Line *) line_ptrs;
	bool bad; /* out of memory */
};

static void put_uleb(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_u8(b, (uint8_t)(v | 0x80));
	buf_u8(b, (uint8_t)v);
}

static void put_message(struct writer *w, enum field field, const ProtobufCMessage *m)
{
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *to;

	put_uleb(&w->out, (uint64_t)field << 3 | WIRE_LEN);
	put_uleb(&w->out, n);
	to = buf_add(&w->out, n);
	if (to)
		protobuf_c_message_pack(m, to);
}

static void put_int(struct writer *w, enum field field, int64_t v)
{
	if (!v) /* proto3: the default is left out */
		return;
	put_uleb(&w->out, (uint64_t)field << 3 | WIRE_VARINT);
	put_uleb(&w->out, (uint64_t)v);
}

static void put_type(struct writer *w, enum field field, const struct profile_type *t)
{
	Pprof__ValueType m = PPROF__VALUE_TYPE__INIT;

	m.type = t->type;
	m.unit = t->unit;
	put_message(w, field, &m.base);
}

/* Makes `n` elements of a list usable, all zero or as they were. */
#define WANT(w, v, n)                                                                              \
	do {                                                                                       \
		while ((v)->len < (n) && vec_add(v))                                               \
			;                                                                          \
		if ((v)->len < (n))                                                                \
			(w)->bad = true;                                                           \
	} while (0)

static void fill_label(Pprof__Label *m, const struct profile_label *l)
{
	pprof__label__init(m);
	m->key = l->key;
	m->str = l->str;
	if (!l->str) {
		m->num = l->num;
		m->num_unit = l->unit ? l->unit : l->num ? 0 : l->key;
	}
}

static void put_sample(struct writer *w, const struct profile_sample *s)
{
	const struct profile *p = w->p;
	Pprof__Sample m = PPROF__SAMPLE__INIT;

	WANT(w, &w->ids, s->n_locations);
	WANT(w, &w->labels, s->n_labels);
	WANT(w, &w->label_ptrs, s->n_labels);
	if (w->bad)
		return;
	for (uint32_t i = 0; i < s->n_locations; i++)
		w->ids.at[i] = (uint64_t)p->stack.at[s->first_location + i] + 1;
	for (uint32_t i = 0; i < s->n_labels; i++) {
		fill_label(&w->labels.at[i], &p->labels.at[s->first_label + i]);
		w->label_ptrs.at[i] = &w->labels.at[i];
	}
	m.n_location_id = s->n_locations;
	m.location_id = w->ids.at;
	m.n_value = p->types.len;
	m.value = p->values.at + s->first_value;
	m.n_label = s->n_labels;
	m.label = w->label_ptrs.at;
	put_message(w, F_SAMPLE, &m.base);
}

static void put_location(struct writer *w, size_t index)
{
	const struct profile_location *l = &w->p->locations.at[index];
	Pprof__Location m = PPROF__LOCATION__INIT;

	WANT(w, &w->lines, (size_t)l->n_lines + 1);
	WANT(w, &w->line_ptrs, (size_t)l->n_lines + 1);
	if (w->bad || !w->lines.at)
		return;
	for (uint32_t i = 0; i < l->n_lines; i++) {
		const struct profile_line *from = &w->p->lines.at[l->first_line + i];
		Pprof__Line *to = w->line_ptrs.at[i] = &w->lines.at[i];
		pprof__line__init(to);
		to->function_id = (uint64_t)from->function + 1;
		to->line = from->line;
	}
	m.id = index + 1;
	m.mapping_id = l->mapping == PROFILE_NONE ? 0 : (uint64_t)l->mapping + 1;
	m.address = l->address;
	m.n_line = l->n_lines;
	m.line = w->line_ptrs.at;
	put_message(w, F_LOCATION, &m.base);
}

static void put_function(struct writer *w, size_t index)
{
	const struct profile_function *f = &w->p->functions.at[index];
	Pprof__Function m = PPROF__FUNCTION__INIT;

	m.id = index + 1;
	m.name = f->name;
	m.system_name = f->system_name;
	m.filename = f->file;
	m.start_line = f->start_line;
	put_message(w, F_FUNCTION, &m.base);
}

/* What is known of all locations of a mapping; a reader that sees has_functions does not look
 * for names any more. */
static void judge_location(const struct profile *p, const struct profile_location *l,
			   Pprof__Mapping *m)
{
	if (!l->n_lines || (l->flags & PROFILE_LOC_UNNAMED))
		m->has_functions = m->has_filenames = m->has_line_numbers = false;
	for (uint32_t i = 0; i < l->n_lines; i++) {
		const struct profile_line *line = &p->lines.at[l->first_line + i];
		if (!p->functions.at[line->function].file)
			m->has_filenames = false;
		if (!line->line)
			m->has_line_numbers = false;
	}
	if (l->n_lines > 1)
		m->has_inline_frames = true;
}

static void put_mappings(struct writer *w)
{
	const struct profile *p = w->p;
	Pprof__Mapping *ms = calloc(p->mappings.len + 1, sizeof(*ms));

	if (!ms) {
		w->bad = true;
		return;
	}
	for (size_t i = 0; i < p->mappings.len; i++) {
		const struct profile_mapping *m = &p->mappings.at[i];
		pprof__mapping__init(&ms[i]);
		ms[i].id = i + 1;
		ms[i].memory_start = m->start;
		ms[i].memory_limit = m->limit;
		ms[i].file_offset = m->offset;
		ms[i].filename = m->file;
		ms[i].build_id = m->build_id;
		ms[i].has_functions = ms[i].has_filenames = ms[i].has_line_numbers = true;
		ms[i].has_inline_frames = m->has_inline_frames;
	}
	for (size_t i = 0; i < p->locations.len; i++)
		if (p->locations.at[i].mapping != PROFILE_NONE)
			judge_location(p, &p->locations.at[i], &ms[p->locations.at[i].mapping]);
	for (size_t i = 0; i < p->mappings.len; i++)
		put_message(w, F_MAPPING, &ms[i].base);
	free(ms);
}

static void put_strings(struct writer *w)
{
	struct buf clean = BUF_INIT(NAME_MAX_LEN);

	for (size_t i = 0; i < w->p->strings.len; i++) {
		const struct profile_string *s = &w->p->strings.at[i];
		char *to = buf_add(&clean, (size_t)s->len + 1);
		size_t n = to ? text_clean(to, (size_t)s->len + 1, s->s, s->len) : 0;

		if (!to)
			w->bad = true;
		put_uleb(&w->out, (uint64_t)F_STRING << 3 | WIRE_LEN);
		put_uleb(&w->out, n);
		buf_put(&w->out, to, n);
			buf_reset(&clean);
	}
	buf_free(&clean);
}

static void put_profile(struct writer *w)
{
	const struct profile *p = w->p;

	for (size_t i = 0; i < p->types.len; i++)
		put_type(w, F_SAMPLE_TYPE, &p->types.at[i]);
	for (size_t i = 0; i < p->samples.len; i++)
		put_sample(w, &p->samples.at[i]);
	put_mappings(w);
	for (size_t i = 0; i < p->locations.len; i++)
		put_location(w, i);
	for (size_t i = 0; i < p->functions.len; i++)
		put_function(w, i);
	put_strings(w);
	put_int(w, F_DROP, p->drop_frames);
	put_int(w, F_KEEP, p->keep_frames);
	put_int(w, F_TIME, p->time_nanos);
	put_int(w, F_DURATION, p->duration_nanos);
	put_type(w, F_PERIOD_TYPE, &p->period_type);
	put_int(w, F_PERIOD, p->period);
	for (size_t i = 0; i < p->comments.len; i++)
		put_int(w, F_COMMENT, p->comments.at[i]);
	put_int(w, F_DEFAULT_TYPE, p->default_type);
}

int pprof_write(const struct profile *p, int fd)
{
	struct writer w = {.p = p, .out = BUF_INIT(PACKED_MAX)};
	int r;

	put_profile(&w);
	r = w.bad || w.out.bad ? -ENOMEM : gzip_write(fd, w.out.data, w.out.len, GZIP_LEVEL);
	buf_free(&w.out);
	vec_free(&w.ids);
	vec_free(&w.labels);
	vec_free(&w.label_ptrs);
	vec_free(&w.lines);
	vec_free(&w.line_ptrs);
	return r;
}
