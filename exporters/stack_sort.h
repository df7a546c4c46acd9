/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting stacks so that those that begin alike stand together: a multikey quicksort (Bentley and
 * Sedgewick, SODA 1997) over two frames at a time, kept beside each stack's number.
 */
#ifndef EXPORTERS_STACK_SORT_H
#define EXPORTERS_STACK_SORT_H

#include <stddef.h>
#include <stdint.h>

struct stack_ref {
	uint64_t key; /* scratch of the sort */
	uint32_t first; /* into `frames` */
	uint32_t sample;
};

/* Each stack is `frames[first…]` to its 0; one more element follows the last 0. The same input
 * gives the same order. 0 or -ENOMEM. */
int stack_sort(const uint32_t *frames, struct stack_ref *refs, size_t n);

#endif
