/* SPDX-License-Identifier: Apache-2.0
 *
 * How profile.c finds again what it has added: one open-addressing table a kind, holding indices
 * into the profile's own arrays, and the memory of the strings. A table with stable nodes and key
 * pointers (uthash) does not fit: the keys lie in arrays that move as they grow, and stacks are
 * too large to be copied into nodes.
 *
 * Used by agent/wire/profile*.c only.
 */
#ifndef WIRE_PROFILE_INDEX_H
#define WIRE_PROFILE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/wire/profile.h"

struct index_slot {
	uint32_t hash;
	uint32_t value; /* index + 1; 0 is free */
};

struct index_table {
	struct index_slot *slots;
	size_t mask, len; /* slots - 1, used ones */
};

struct text_chunk;

struct profile_index {
	struct index_table strings, mappings, functions, locations, samples;
	bool built; /* the tables hold all that the arrays hold; strings' is always so */
	uint64_t bytes; /* of the profile, as profile_encode() would write it, roughly */
	struct text_chunk *text;
};

/* A hash whose seed differs in each process: names are chosen by others (hash flooding). */
uint64_t index_hash(uint64_t seed, const void *bytes, size_t len);

/* The first value of `hash` for which `same(ctx, value)`, or PROFILE_NONE. */
uint32_t index_find(const struct index_table *t, uint64_t hash,
		    bool (*same)(const void *ctx, uint32_t value), const void *ctx);
bool index_put(struct index_table *t, uint64_t hash, uint32_t value); /* false: no memory */
void index_clear(struct index_table *t);

/* A NUL-terminated copy that lives as long as the profile; NULL when out of memory. */
char *index_text(struct profile_index *x, const char *s, size_t len);
void index_text_free(struct profile_index *x);

/* Makes room for `n` more elements behind `len`: false when out of memory. vec_add() one by one
 * costs more than all the rest of adding a stack. */
#define vec_room_for(v, n)                                                                         \
	({                                                                                         \
		bool ok_ = true;                                                                   \
		while (ok_ && (v)->cap - (v)->len < (n))                                           \
			ok_ = vec_grow((void **)&(v)->at, &(v)->cap, sizeof(*(v)->at));            \
		ok_;                                                                               \
	})
#define vec_append(v, from, n)                                                                     \
	(!(n) || (vec_room_for((v), (n)) &&                                                        \
		  (memcpy((v)->at + (v)->len, (from), (n) * sizeof(*(v)->at)), (v)->len += (n),    \
		   true)))

/* Appends a string without looking for an equal one; its table is not told. */
bool profile_string_append(struct profile *p, const char *s, size_t len);
/* An empty profile, not even the string "". */
int profile_blank(struct profile *p);

#endif
