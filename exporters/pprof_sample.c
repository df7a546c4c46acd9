/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples are nearly all of a profile: theirs are the only messages that are taken apart by hand,
 * at a third of the time that protobuf-c needs for its tree of them.
 */
#include "exporters/pprof_reader.h"

static void read_place(struct reader *r, uint64_t id)
{
	uint32_t l = ids_find(&r->locations, id);

	if (l == PROFILE_NONE)
		reader_fail(r, -EBADMSG, "a sample at an unknown location");
	else if (vec_room_for(&r->p->stack, 1))
		r->p->stack.at[r->p->stack.len++] = l;
	else
		reader_fail(r, -ENOMEM, "out of memory");
}

static void read_value(struct reader *r, uint64_t v)
{
	int64_t *e = READER_ADD(r, &r->p->values);

	if (e)
		*e = (int64_t)v;
}

/* A number is a byte at least: what a stack can need is counted before it is read. */
static void read_places(struct reader *r, const struct field *f)
{
	if (reader_room(r, (f->len + 1) * sizeof(*r->p->stack.at)))
		read_numbers(r, f, read_place);
}

static void read_label(struct reader *r, const struct field *in)
{
	struct cursor c = cursor_over(in->body, in->len);
	struct profile_label *to = READER_ADD(r, &r->p->labels);
	struct field f;

	while (to && message_field(&c, &f) && !r->error) {
		switch (f.number) {
		case 1: to->key = reader_string(r, (int64_t)f.v); break;
		case 2: to->str = reader_string(r, (int64_t)f.v); break;
		case 3: to->num = (int64_t)f.v; break;
		case 4: to->unit = reader_string(r, (int64_t)f.v); break;
		}
	}
	if (c.bad || in->wire != WIRE_LEN)
		reader_fail(r, -EBADMSG, "a damaged label");
}

void read_sample(struct reader *r, const struct field *in)
{
	struct cursor c = cursor_over(in->body, in->len);
	struct profile *p = r->p;
	struct profile_sample *to = READER_ADD(r, &p->samples);
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
		reader_fail(r, -EBADMSG, "a damaged message");
	else if (!p->types.len || p->values.len - to->first_value != p->types.len)
		reader_fail(r, -EBADMSG, "a sample with more or fewer values than sample types");
}
