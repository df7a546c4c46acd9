/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading pprof. The messages of a profile come in any order and refer to each other by id, so the
 * bytes are walked once for each kind: strings, then what uses them. One submessage at a time is
 * unpacked by protobuf-c; the whole tree never exists.
 */
#include "exporters/pprof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cursor.h"
#include "agent/wire/profile_index.h"
#include "exporters/gzip.h"
#include "exporters/scratch.h"
#include "profile.pb-c.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LEN = 2, WIRE_32 = 5 };

struct id {
	uint64_t id;
	uint32_t index;
};

struct ids { /* sorted by id; most writers number from 1 on, which finds them at once */
	VEC(struct id) v;
};

struct reader {
	struct profile *p;
	const uint8_t *bytes;
	size_t len;
	struct scratch scratch;
	VEC(uint32_t) strings; /* their table's index to ours */
	struct ids mappings, functions, locations;
	uint64_t memory; /* taken for the result */
	size_t at;       /* the field being read */
	const char *what;
	int error;
};

static void fail(struct reader *r, int error, const char *what)
{
	if (!r->error) {
		r->error = error;
		r->what = what;
	}
}

/* Little bytes can ask for much memory; what comes of it has the same ceiling as any profile. */
static bool room(struct reader *r, size_t bytes)
{
	r->memory += bytes;
	if (r->memory <= PROFILE_ENCODED_MAX)
		return true;
	fail(r, -EFBIG, "more than 1 GiB in memory");
	return false;
}

#define ADD(r, v)                                                                                  \
	({                                                                                         \
		__auto_type e_ = room((r), sizeof(*(v)->at)) ? vec_add(v) : NULL;                  \
		if (!e_)                                                                           \
			fail((r), -ENOMEM, "out of memory");                                       \
		e_;                                                                                \
	})

static uint32_t string(struct reader *r, int64_t index)
{
	if (index >= 0 && (uint64_t)index < r->strings.len)
		return r->strings.at[index];
	fail(r, -EBADMSG, "a name outside the string table");
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct id *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void ids_seal(struct reader *r, struct ids *ids, const char *what)
{
	if (ids->v.len)
		qsort(ids->v.at, ids->v.len, sizeof(*ids->v.at), by_id);
	for (size_t i = 1; i < ids->v.len; i++)
		if (ids->v.at[i].id == ids->v.at[i - 1].id)
			fail(r, -EBADMSG, what);
}

static uint32_t ids_find(const struct ids *ids, uint64_t id)
{
	struct id key = {.id = id}, *found;

	if (id && id <= ids->v.len && ids->v.at[id - 1].id == id)
		return ids->v.at[id - 1].index;
	found = ids->v.len ? bsearch(&key, ids->v.at, ids->v.len, sizeof(key), by_id) : NULL;
	return found ? found->index : PROFILE_NONE;
}

static void ids_add(struct reader *r, struct ids *ids, uint64_t id, size_t index)
{
	struct id *e = ADD(r, &ids->v);

	if (!id)
		fail(r, -EBADMSG, "an id is 0");
	if (e)
		*e = (struct id){id, (uint32_t)index};
}

/* One field of Profile: its number; `v` a scalar's value, `body` what a LEN field holds. */
struct field {
	uint64_t number, v;
	unsigned wire;
	const uint8_t *body;
	size_t len;
};

/* Most numbers of a profile are one byte. */
static inline uint64_t short_uleb(struct cursor *c)
{
	if (cursor_left(c) && *c->at < 0x80)
		return *(const uint8_t *)cursor_take(c, 1);
	return cursor_uleb(c);
}

/* The next field of a message: false at its end, or where the bytes are none (`c->bad`). */
static bool message_field(struct cursor *c, struct field *ret)
{
	uint64_t tag;

	if (!cursor_left(c) || c->bad)
		return false;
	tag = short_uleb(c);
	*ret = (struct field){.number = tag >> 3, .wire = tag & 7};
	if (ret->wire == WIRE_VARINT) {
		ret->v = short_uleb(c);
	} else if (ret->wire == WIRE_LEN) {
		ret->len = short_uleb(c);
		ret->body = cursor_take(c, ret->len);
	} else if (ret->wire == WIRE_64 || ret->wire == WIRE_32) {
		cursor_skip(c, ret->wire == WIRE_64 ? 8 : 4);
	} else {
		c->bad = true;
	}
	if (!ret->number)
		c->bad = true;
	return !c->bad;
}

static bool next_field(struct reader *r, struct cursor *c, struct field *ret)
{
	bool left = cursor_left(c) && !r->error;

	if (!left)
		return false;
	r->at = r->len - cursor_left(c);
	left = message_field(c, ret);
	if (!left)
		fail(r, -EBADMSG, cursor_left(c) ? "no field that protobuf knows" : "cut off");
	return left;
}

static void *unpack(struct reader *r, const ProtobufCMessageDescriptor *d, const struct field *f)
{
	void *m = NULL;

	scratch_reset(&r->scratch);
	if (f->wire == WIRE_LEN)
		m = protobuf_c_message_unpack(d, &r->scratch.allocator, f->len, f->body);
	if (!m)
		fail(r, -EBADMSG, "a damaged message");
	return m;
}

static void read_string(struct reader *r, const struct field *f)
{
	uint32_t *e = ADD(r, &r->strings);
	uint32_t s;

	if (f->wire != WIRE_LEN) {
		fail(r, -EBADMSG, "a string that is a number");
		return;
	}
	if (r->strings.len == 1 && f->len)
		fail(r, -EBADMSG, "the string table does not begin with \"\"");
	if (!e || !room(r, f->len))
		return;
	s = profile_string_n(r->p, (const char *)f->body, f->len);
	if (s == PROFILE_NONE)
		fail(r, -ENOMEM, "out of memory");
	*e = s;
}

static struct profile_type value_type(struct reader *r, const struct field *f)
{
	const Pprof__ValueType *m = unpack(r, &pprof__value_type__descriptor, f);

	if (!m)
		return (struct profile_type){0};
	return (struct profile_type){string(r, m->type), string(r, m->unit)};
}

static void read_type(struct reader *r, const struct field *f)
{
	struct profile_type *t = ADD(r, &r->p->types);

	if (t)
		*t = value_type(r, f);
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool is_jit(const char *file)
{
	return starts(file, "//anon") || starts(file, "[anon") || starts(file, "[jit") ||
	       starts(file, "[JIT") || starts(file, "[heap]") || starts(file, "[stack") ||
	       starts(file, "perf-") || strstr(file, "/perf-") || strstr(file, "/jitted-");
}

static enum profile_mapping_kind mapping_kind(const char *file, uint64_t start)
{
	if (start >> 63 || starts(file, "[kernel") || starts(file, "[guest.kernel"))
		return PROFILE_MAP_KERNEL;
	if (starts(file, "[vdso") || starts(file, "[vsyscall"))
		return PROFILE_MAP_VDSO;
	return is_jit(file) ? PROFILE_MAP_JIT : PROFILE_MAP_FILE;
}

static void read_mapping(struct reader *r, const struct field *f)
{
	const Pprof__Mapping *m = unpack(r, &pprof__mapping__descriptor, f);
	struct profile_mapping *to = m ? ADD(r, &r->p->mappings) : NULL;

	if (!to)
		return;
	*to = (struct profile_mapping){
		.start = m->memory_start, .limit = m->memory_limit, .offset = m->file_offset,
		.file = string(r, m->filename), .build_id = string(r, m->build_id),
		.has_functions = m->has_functions, .has_filenames = m->has_filenames,
		.has_lines = m->has_line_numbers, .has_inline_frames = m->has_inline_frames,
	};
	to->kind = mapping_kind(profile_str(r->p, to->file), to->start);
	ids_add(r, &r->mappings, m->id, r->p->mappings.len - 1);
}

static void read_function(struct reader *r, const struct field *f)
{
	const Pprof__Function *m = unpack(r, &pprof__function__descriptor, f);
	struct profile_function *to = m ? ADD(r, &r->p->functions) : NULL;

	if (!to)
		return;
	*to = (struct profile_function){
		.name = string(r, m->name), .system_name = string(r, m->system_name),
		.file = string(r, m->filename), .start_line = m->start_line,
	};
	ids_add(r, &r->functions, m->id, r->p->functions.len - 1);
}

/* "module+0xoffset" is how a place without a symbol is called. */
static bool name_is_place(const struct profile *p, const struct profile_location *l)
{
	const char *file, *base, *name;
	size_t n;

	if (l->n_lines != 1 || l->mapping == PROFILE_NONE)
		return false;
	name = profile_str(p, p->functions.at[p->lines.at[l->first_line].function].name);
	file = profile_str(p, p->mappings.at[l->mapping].file);
	base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	n = strlen(base);
	if (!strcmp(name, base))
		return base[0] == '['; /* "[jit]", all of it */
	return !strncmp(name, base, n) && starts(name + n, "+0x") && name[n + 3] &&
	       strspn(name + n + 3, "0123456789abcdef") == strlen(name + n + 3);
}

static void read_lines(struct reader *r, const Pprof__Location *m)
{
	for (size_t i = 0; i < m->n_line; i++) {
		struct profile_line *to = ADD(r, &r->p->lines);
		int64_t line = m->line[i]->line;

		if (!to)
			return;
		to->function = ids_find(&r->functions, m->line[i]->function_id);
		to->line = line > 0 && line < UINT32_MAX ? (uint32_t)line : 0;
		if (to->function == PROFILE_NONE)
			fail(r, -EBADMSG, "a line of an unknown function");
	}
}

static void read_location(struct reader *r, const struct field *f)
{
	const Pprof__Location *m = unpack(r, &pprof__location__descriptor, f);
	struct profile_location *to = m ? ADD(r, &r->p->locations) : NULL;

	if (!to)
		return;
	*to = (struct profile_location){.address = m->address, .mapping = PROFILE_NONE,
					.first_line = (uint32_t)r->p->lines.len,
					.n_lines = (uint32_t)m->n_line};
	if (m->mapping_id) {
		to->mapping = ids_find(&r->mappings, m->mapping_id);
		if (to->mapping == PROFILE_NONE)
			fail(r, -EBADMSG, "a location in an unknown mapping");
	}
	read_lines(r, m);
	if (r->error)
		return;
	if (to->mapping != PROFILE_NONE &&
	    r->p->mappings.at[to->mapping].kind == PROFILE_MAP_KERNEL)
		to->flags |= PROFILE_LOC_KERNEL;
	if (name_is_place(r->p, to))
		to->flags |= PROFILE_LOC_UNNAMED;
	ids_add(r, &r->locations, m->id, r->p->locations.len - 1);
}

/* Samples are nearly all of a profile: theirs are the only messages that are taken apart here, at a
 * third of the time that protobuf-c needs for its tree of them. */
static void read_place(struct reader *r, uint64_t id)
{
	uint32_t l = ids_find(&r->locations, id);

	if (l == PROFILE_NONE)
		fail(r, -EBADMSG, "a sample at an unknown location");
	else if (vec_room_for(&r->p->stack, 1))
		r->p->stack.at[r->p->stack.len++] = l;
	else
		fail(r, -ENOMEM, "out of memory");
}

static void read_value(struct reader *r, uint64_t v)
{
	int64_t *e = ADD(r, &r->p->values);

	if (e)
		*e = (int64_t)v;
}

/* Repeated numbers come packed or one by one. */
static void read_numbers(struct reader *r, const struct field *f,
			 void (*fn)(struct reader *r, uint64_t v))
{
	struct cursor c = cursor_over(f->body, f->len);

	if (f->wire == WIRE_VARINT) {
		fn(r, f->v);
		return;
	}
	while (cursor_left(&c) && !r->error)
		fn(r, short_uleb(&c));
	if (c.bad || f->wire != WIRE_LEN)
		fail(r, -EBADMSG, "a damaged list of numbers");
}

/* A number is a byte at least: what a stack can need is counted before it is read. */
static void read_places(struct reader *r, const struct field *f)
{
	if (room(r, (f->len + 1) * sizeof(*r->p->stack.at)))
		read_numbers(r, f, read_place);
}

static void read_label(struct reader *r, const struct field *in)
{
	struct cursor c = cursor_over(in->body, in->len);
	struct profile_label *to = ADD(r, &r->p->labels);
	struct field f;

	while (to && message_field(&c, &f) && !r->error) {
		switch (f.number) {
		case 1: to->key = string(r, (int64_t)f.v); break;
		case 2: to->str = string(r, (int64_t)f.v); break;
		case 3: to->num = (int64_t)f.v; break;
		case 4: to->unit = string(r, (int64_t)f.v); break;
		}
	}
	if (c.bad || in->wire != WIRE_LEN)
		fail(r, -EBADMSG, "a damaged label");
}

static void read_sample(struct reader *r, const struct field *in)
{
	struct cursor c = cursor_over(in->body, in->len);
	struct profile *p = r->p;
	struct profile_sample *to = ADD(r, &p->samples);
	struct field f;

	if (!to)
		return;
	*to = (struct profile_sample){.first_location = (uint32_t)p->stack.len,
				      .first_label = (uint32_t)p->labels.len,
				      .first_value = (uint32_t)p->values.len};
	while (message_field(&c, &f) && !r->error) {
		switch (f.number) {
		case 1: read_places(r, &f); break;
		case 2: read_numbers(r, &f, read_value); break;
		case 3: read_label(r, &f); break;
		}
	}
	to->n_locations = (uint32_t)p->stack.len - to->first_location;
	to->n_labels = (uint32_t)p->labels.len - to->first_label;
	if (c.bad || in->wire != WIRE_LEN)
		fail(r, -EBADMSG, "a damaged message");
	else if (!p->types.len || p->values.len - to->first_value != p->types.len)
		fail(r, -EBADMSG, "a sample with more or fewer values than sample types");
}

static void read_comment(struct reader *r, uint64_t index)
{
	uint32_t *e = ADD(r, &r->p->comments);

	if (e)
		*e = string(r, (int64_t)index);
}

static void read_rest(struct reader *r, const struct field *f)
{
	struct profile *p = r->p;

	switch (f->number) {
	case 7: p->drop_frames = string(r, (int64_t)f->v); break;
	case 8: p->keep_frames = string(r, (int64_t)f->v); break;
	case 9: p->time_nanos = (int64_t)f->v; break;
	case 10: p->duration_nanos = (int64_t)f->v; break;
	case 11: p->period_type = value_type(r, f); break;
	case 12: p->period = (int64_t)f->v; break;
	case 13: read_numbers(r, f, read_comment); break;
	case 14: p->default_type = string(r, (int64_t)f->v); break;
	}
}

static void walk(struct reader *r, uint64_t number,
		 void (*fn)(struct reader *r, const struct field *f))
{
	struct cursor c = cursor_over(r->bytes, r->len);
	struct field f;

	while (next_field(r, &c, &f))
		if (f.number == number || !number)
			fn(r, &f);
}

static void read_all(struct reader *r)
{
	walk(r, 6, read_string);
	if (!r->error && !r->strings.len)
		fail(r, -EBADMSG, "no string table");
	walk(r, 1, read_type);
	walk(r, 3, read_mapping);
	ids_seal(r, &r->mappings, "two mappings have one id");
	walk(r, 5, read_function);
	ids_seal(r, &r->functions, "two functions have one id");
	walk(r, 4, read_location);
	ids_seal(r, &r->locations, "two locations have one id");
	walk(r, 2, read_sample);
	walk(r, 0, read_rest);
	if (!r->error && !r->p->types.len)
		fail(r, -EBADMSG, "no sample types");
	if (!r->error && !profile_valid(r->p))
		fail(r, -EBADMSG, "an index out of range");
}

static int read_plain(const void *bytes, size_t len, struct profile *ret,
		      struct pprof_fault *fault)
{
	struct reader r = {.p = ret, .bytes = bytes, .len = len};

	r.error = profile_init(ret);
	if (r.error)
		return r.error;
	scratch_init(&r.scratch);
	read_all(&r);
	scratch_free(&r.scratch);
	vec_free(&r.strings);
	vec_free(&r.mappings.v);
	vec_free(&r.functions.v);
	vec_free(&r.locations.v);
	if (r.error) {
		fault->at = r.at;
		fault->what = r.what;
		profile_free(ret);
	}
	return r.error;
}

int pprof_read(const void *bytes, size_t len, struct profile *ret, struct pprof_fault *fault)
{
	struct buf plain = BUF_INIT(GUNZIP_MAX);
	int r;

	*ret = (struct profile){0};
	*fault = (struct pprof_fault){.what = "out of memory"};
	if (!gzip_is(bytes, len))
		return read_plain(bytes, len, ret, fault);
	r = gunzip(bytes, len, &plain, &fault->at);
	if (r == -EFBIG)
		fault->what = "unpacks to more than a profile ever does";
	else if (r == -EBADMSG)
		fault->what = fault->at == len ? "cut off" : "damaged gzip data";
	if (!r) {
		fault->in_gzip = true;
		r = read_plain(plain.data, plain.len, ret, fault);
	}
	buf_free(&plain);
	return r;
}
