/* SPDX-License-Identifier: Apache-2.0
 *
 * The names nearest to a mistyped one: "did you mean".
 */
#ifndef PMU_NEAR_H
#define PMU_NEAR_H

#include <stddef.h>

enum { NEAR_MAX = 3, NEAR_NAME_MAX = 128 };

struct near {
	char word[NEAR_NAME_MAX];
	char names[NEAR_MAX][NEAR_NAME_MAX]; /* best first */
	unsigned score[NEAR_MAX];
	unsigned n;
};

void near_init(struct near *near, const char *word);

/* Keeps `name` when it is among the nearest so far and near at all. Case does not count, nor do
 * '_' and '-' differ; names that contain the word are near. */
void near_offer(struct near *near, const char *name);

/* "a, b or c" into `out`; "" when nothing is near. */
void near_text(const struct near *near, char *out, size_t size);

/* Edits (insert, delete, replace, swap of neighbours) from `a` to `b`, without regard to case
 * and '_' against '-'; names longer than NEAR_NAME_MAX - 1 are cut. */
unsigned near_distance(const char *a, const char *b);

#endif
