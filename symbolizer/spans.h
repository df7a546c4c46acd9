/* SPDX-License-Identifier: Apache-2.0
 *
 * Address ranges made flat: from ranges that nest, overlap or repeat to a sorted list that says,
 * for every address, which one counts there. Used for symbols, compilation units, inlined
 * functions and JIT code alike; they differ only in what takes precedence.
 */
#ifndef SYMBOLIZER_SPANS_H
#define SYMBOLIZER_SPANS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/base/vec.h"

enum { SPANS_MAX = 16 << 20 }; /* ranges of one list; later ones are dropped */

struct span_in {
	uint64_t low, high; /* low <= address < high */
	uint64_t rank;      /* where several cover an address, the highest counts; then the later */
	uint32_t value;
};

struct span {
	uint64_t low; /* up to the next one's */
	uint32_t value;
};

struct spans {
	VEC(struct span_in) in;
	VEC(struct span) flat; /* sorted, after spans_flatten() */
};

#define SPANS_NONE UINT32_MAX /* no range is here */

/* Empty and inverted ranges are passed over. 0 or -ENOMEM. */
int spans_add(struct spans *s, uint64_t low, uint64_t high, uint64_t rank, uint32_t value);
/* Makes `flat` from `in`, which is released. 0 or -ENOMEM (nothing is found then). */
int spans_flatten(struct spans *s);
/* Instead of both: a range that begins where the one before it ends, or later. 0 or -ENOMEM. */
int spans_append(struct spans *s, uint64_t low, uint64_t high, uint32_t value);
/* The value that counts at `addr`, or SPANS_NONE. */
uint32_t spans_find(const struct spans *s, uint64_t addr);
void spans_free(struct spans *s);

#endif
