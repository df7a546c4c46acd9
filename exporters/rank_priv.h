/* SPDX-License-Identifier: Apache-2.0
 *
 * How a ranked table is counted; for exporters/rank*.c only.
 */
#ifndef EXPORTERS_RANK_PRIV_H
#define EXPORTERS_RANK_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "exporters/rank.h"

enum { NO_ROW = -1 };

struct key { /* what makes a row; all of it is compared */
	uint32_t name, module; /* strings */
	int64_t number;        /* line, pid or tid */
	uint32_t unnamed;
	uint32_t location; /* for what has neither a name nor a module */
};

struct entry {
	struct key key;
	int64_t self;
	uint64_t low, high; /* offsets of unnamed places */
	uint32_t places;
	size_t index;
	UT_hash_handle hh;
};

struct tally { /* of a row, apart and small: every frame of every sample comes by here */
	int64_t total;
	uint32_t seen; /* the last sample that counted, plus 1 */
};

struct ranker {
	const struct profile *p;
	enum rank_by by;
	VEC(struct tally) tallies; /* as many as entries */
	VEC(struct entry *) entries;
	struct entry *table;
	int32_t *line_row, *location_row; /* by index; NO_ROW while unknown */
	uint32_t pid, tid, comm, type;
	bool bad;
};

/* Names and counts of all rows: false when out of memory. */
bool rank_fill_rows(const struct ranker *r, struct rank *ret);

#endif
