/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile as a ranked table: what the text report and the closing summary print.
 */
#ifndef EXPORTERS_RANK_H
#define EXPORTERS_RANK_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/vec.h"
#include "agent/wire/profile.h"

enum rank_by { RANK_FUNCTION, RANK_FILE, RANK_LINE, RANK_MODULE, RANK_PROCESS, RANK_THREAD };

struct rank_row {
	const char *name;   /* clean text: valid UTF-8, no control characters */
	const char *module; /* likewise; "" where it says nothing */
	int64_t self, total; /* in the type's unit; recursion counted once in `total` */
	uint32_t places;     /* of a row that gathers a module's unnamed code: how many */
	bool unnamed;
};

struct rank {
	VEC(struct rank_row) rows; /* in the order asked for */
	VEC(char *) texts;         /* what the rows' names are */
	int64_t total;             /* of all samples */
	double samples;            /* how many there were; 0 where the profile does not tell */
	uint32_t type;             /* sample type counted: frames_type() */
};

/* Ranks by self, or by total. 0 or -ENOMEM; on an error `ret` is left freed. */
int rank_profile(const struct profile *p, enum rank_by by, bool by_total, struct rank *ret);
void rank_free(struct rank *r);

/* The 95 % interval (Wilson's score) of a share `part` of a whole of which `n` samples were taken,
 * both ends from 0 to 1. */
void rank_interval(double part, double n, double *ret_low, double *ret_high);
/* Half its width in percentage points. */
double rank_margin(double part, double n);

#endif
