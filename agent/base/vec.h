/* SPDX-License-Identifier: Apache-2.0
 *
 * Growable typed arrays: `VEC(struct frame) frames = {0};`.
 *
 * vec_add() yields a zeroed new last element, or NULL when out of memory or at
 * `max` elements; pointers into the array are valid until the next vec_add().
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *at;                                                                          \
		size_t len, cap;                                                                   \
	}

struct int_list { /* a VEC(int) with a name, to be handed to functions */
	int *at;
	size_t len, cap;
};

/* Of types, not of expressions: an element may be a pointer, and sizeof of one looks like a slip. */

/* Doubles the room: false when out of memory. */
bool vec_grow(void **at, size_t *cap, size_t elem);

#define vec_add_max(v, max)                                                                        \
	({                                                                                         \
		__typeof__((v)->at) new_ = NULL;                                                   \
		if ((v)->len < (max) &&                                                            \
		    ((v)->len < (v)->cap ||                                                        \
		     vec_grow((void **)&(v)->at, &(v)->cap, sizeof(__typeof__(*(v)->at))))) {      \
			new_ = &(v)->at[(v)->len++];                                               \
			memset(new_, 0, sizeof(__typeof__(*new_)));                                \
		}                                                                                  \
		new_;                                                                              \
	})
#define vec_add(v) vec_add_max((v), (size_t)1 << 31)
#define vec_free(v) (free((v)->at), (v)->at = NULL, (v)->len = (v)->cap = 0)

#endif
