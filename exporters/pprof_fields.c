/* SPDX-License-Identifier: Apache-2.0
 *
 * The pprof reader's tools: fields, ids, names, the first error.
 */
#include "exporters/pprof_reader.h"

#include <stdlib.h>

void reader_fail(struct reader *r, int error, const char *what)
{
	if (!r->error) {
		r->error = error;
		r->what = what;
	}
}

bool reader_room(struct reader *r, size_t bytes)
{
	r->memory += bytes;
	if (r->memory <= PROFILE_ENCODED_MAX)
		return true;
	reader_fail(r, -EFBIG, "more than 1 GiB in memory");
	return false;
}

uint32_t reader_string(struct reader *r, int64_t index)
{
	if (index >= 0 && (uint64_t)index < r->strings.len)
		return r->strings.at[index];
	reader_fail(r, -EBADMSG, "a name outside the string table");
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct id *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

void ids_seal(struct reader *r, struct ids *ids, const char *what)
{
	if (ids->v.len)
		qsort(ids->v.at, ids->v.len, sizeof(*ids->v.at), by_id);
	for (size_t i = 1; i < ids->v.len; i++)
		if (ids->v.at[i].id == ids->v.at[i - 1].id)
			reader_fail(r, -EBADMSG, what);
}

uint32_t ids_find(const struct ids *ids, uint64_t id)
{
	struct id key = {.id = id}, *found;

	if (id && id <= ids->v.len && ids->v.at[id - 1].id == id)
		return ids->v.at[id - 1].index;
	found = ids->v.len ? bsearch(&key, ids->v.at, ids->v.len, sizeof(key), by_id) : NULL;
	return found ? found->index : PROFILE_NONE;
}

void ids_add(struct reader *r, struct ids *ids, uint64_t id, size_t index)
{
	struct id *e = READER_ADD(r, &ids->v);

	if (!id)
		reader_fail(r, -EBADMSG, "an id is 0");
	if (e)
		*e = (struct id){id, (uint32_t)index};
}

bool message_field(struct cursor *c, struct field *ret)
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

void read_numbers(struct reader *r, const struct field *f,
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
		reader_fail(r, -EBADMSG, "a damaged list of numbers");
}
