/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading pprof. The messages of a profile come in any order and refer to each other by id, so the
 * bytes are walked once for each kind: strings, then what uses them. One submessage at a time is
 * unpacked by protobuf-c; the whole tree never exists.
 */
#include "exporters/pprof.h"

#include <errno.h>
#include <string.h>

#include "exporters/gzip.h"
#include "exporters/pprof_reader.h"
#include "profile.pb-c.h"

static bool next_field(struct reader *r, struct cursor *c, struct field *ret)
{
	bool left = cursor_left(c) && !r->error;

	if (!left)
		return false;
	r->at = r->len - cursor_left(c);
	left = message_field(c, ret);
	if (!left)
		reader_fail(r, -EBADMSG,
			    cursor_left(c) ? "no field that protobuf knows" : "cut off");
	return left;
}

static void *unpack(struct reader *r, const ProtobufCMessageDescriptor *d, const struct field *f)
{
	void *m = NULL;

	scratch_reset(&r->scratch);
	if (f->wire == WIRE_LEN)
		m = protobuf_c_message_unpack(d, &r->scratch.allocator, f->len, f->body);
	if (!m)
		reader_fail(r, -EBADMSG, "a damaged message");
	return m;
}

static void read_string(struct reader *r, const struct field *f)
{
	uint32_t *e = READER_ADD(r, &r->strings);
	uint32_t s;

	if (f->wire != WIRE_LEN) {
		reader_fail(r, -EBADMSG, "a string that is a number");
		return;
	}
	if (r->strings.len == 1 && f->len)
		reader_fail(r, -EBADMSG, "the string table does not begin with \"\"");
	if (!e || !reader_room(r, f->len))
		return;
	s = profile_string_n(r->p, (const char *)f->body, f->len);
	if (s == PROFILE_NONE)
		reader_fail(r, -ENOMEM, "out of memory");
	*e = s;
}

static struct profile_type value_type(struct reader *r, const struct field *f)
{
	const Pprof__ValueType *m = unpack(r, &pprof__value_type__descriptor, f);

	if (!m)
		return (struct profile_type){0};
	return (struct profile_type){reader_string(r, m->type), reader_string(r, m->unit)};
}

static void read_type(struct reader *r, const struct field *f)
{
	struct profile_type *t = READER_ADD(r, &r->p->types);

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
	struct profile_mapping *to = m ? READER_ADD(r, &r->p->mappings) : NULL;

	if (!to)
		return;
	*to = (struct profile_mapping){
		.start = m->memory_start, .limit = m->memory_limit, .offset = m->file_offset,
		.file = reader_string(r, m->filename), .build_id = reader_string(r, m->build_id),
		.has_functions = m->has_functions, .has_filenames = m->has_filenames,
		.has_lines = m->has_line_numbers, .has_inline_frames = m->has_inline_frames,
	};
	to->kind = mapping_kind(profile_str(r->p, to->file), to->start);
	ids_add(r, &r->mappings, m->id, r->p->mappings.len - 1);
}

static void read_function(struct reader *r, const struct field *f)
{
	const Pprof__Function *m = unpack(r, &pprof__function__descriptor, f);
	struct profile_function *to = m ? READER_ADD(r, &r->p->functions) : NULL;

	if (!to)
		return;
	*to = (struct profile_function){
		.name = reader_string(r, m->name), .system_name = reader_string(r, m->system_name),
		.file = reader_string(r, m->filename), .start_line = m->start_line,
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
		struct profile_line *to = READER_ADD(r, &r->p->lines);
		int64_t line = m->line[i]->line;

		if (!to)
			return;
		to->function = ids_find(&r->functions, m->line[i]->function_id);
		to->line = line > 0 && line < UINT32_MAX ? (uint32_t)line : 0;
		if (to->function == PROFILE_NONE)
			reader_fail(r, -EBADMSG, "a line of an unknown function");
	}
}

static void read_location(struct reader *r, const struct field *f)
{
	const Pprof__Location *m = unpack(r, &pprof__location__descriptor, f);
	struct profile_location *to = m ? READER_ADD(r, &r->p->locations) : NULL;

	if (!to)
		return;
	*to = (struct profile_location){.address = m->address, .mapping = PROFILE_NONE,
					.first_line = (uint32_t)r->p->lines.len,
					.n_lines = (uint32_t)m->n_line};
	if (m->mapping_id) {
		to->mapping = ids_find(&r->mappings, m->mapping_id);
		if (to->mapping == PROFILE_NONE)
			reader_fail(r, -EBADMSG, "a location in an unknown mapping");
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

static void read_comment(struct reader *r, uint64_t index)
{
	uint32_t *e = READER_ADD(r, &r->p->comments);

	if (e)
		*e = reader_string(r, (int64_t)index);
}

static void read_rest(struct reader *r, const struct field *f)
{
	struct profile *p = r->p;

	switch (f->number) {
	case 7: p->drop_frames = reader_string(r, (int64_t)f->v); break;
	case 8: p->keep_frames = reader_string(r, (int64_t)f->v); break;
	case 9: p->time_nanos = (int64_t)f->v; break;
	case 10: p->duration_nanos = (int64_t)f->v; break;
	case 11: p->period_type = value_type(r, f); break;
	case 12: p->period = (int64_t)f->v; break;
	case 13: read_numbers(r, f, read_comment); break;
	case 14: p->default_type = reader_string(r, (int64_t)f->v); break;
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
		reader_fail(r, -EBADMSG, "no string table");
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
		reader_fail(r, -EBADMSG, "no sample types");
	if (!r->error && !profile_valid(r->p))
		reader_fail(r, -EBADMSG, "an index out of range");
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
