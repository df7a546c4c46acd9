/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the pprof reader share; nobody else includes it.
 */
#ifndef EXPORTERS_PPROF_READER_H
#define EXPORTERS_PPROF_READER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/base/cursor.h"
#include "agent/wire/profile.h"
#include "agent/wire/profile_index.h"
#include "exporters/scratch.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LEN = 2, WIRE_32 = 5 }; /* protobuf's encoding guide */

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

/* One field of a message: its number; `v` a scalar's value, `body` what a LEN field holds. */
struct field {
	uint64_t number, v;
	unsigned wire;
	const uint8_t *body;
	size_t len;
};

/* Latches the first error; `what` is static text. */
void reader_fail(struct reader *r, int error, const char *what);

/* Little bytes can ask for much memory; what comes of it has the same ceiling as any profile.
 * False (and failed) past it. */
bool reader_room(struct reader *r, size_t bytes);

/* A zeroed new element of a list, or NULL (and failed). */
#define READER_ADD(r, v)                                                                           \
	({                                                                                         \
		__auto_type e_ = reader_room((r), sizeof(*(v)->at)) ? vec_add(v) : NULL;           \
		if (!e_)                                                                           \
			reader_fail((r), -ENOMEM, "out of memory");                                \
		e_;                                                                                \
	})

/* Our string for an index of the file's table. */
uint32_t reader_string(struct reader *r, int64_t index);

void ids_add(struct reader *r, struct ids *ids, uint64_t id, size_t index);
/* Sorts; fails with `what` where one id comes twice. */
void ids_seal(struct reader *r, struct ids *ids, const char *what);
uint32_t ids_find(const struct ids *ids, uint64_t id); /* PROFILE_NONE: no such id */

/* Most numbers of a profile are one byte. */
static inline uint64_t short_uleb(struct cursor *c)
{
	if (!c->bad && c->at != c->end && *c->at < 0x80)
		return *(const uint8_t *)cursor_take(c, 1);
	return cursor_uleb(c);
}

/* The next field of a message: false at its end, or where the bytes are none (`c->bad`). */
bool message_field(struct cursor *c, struct field *ret);

/* Repeated numbers come packed or one by one. */
void read_numbers(struct reader *r, const struct field *f,
		  void (*fn)(struct reader *r, uint64_t v));

/* A Sample, once all that it refers to has been read. */
void read_sample(struct reader *r, const struct field *in);

#endif
