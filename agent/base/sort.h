/* SPDX-License-Identifier: Apache-2.0
 *
 * A stable sort by address: symbol tables hold 10⁵ entries and are sorted while a sample waits.
 * glibc's qsort compares through a pointer and is only stable where memory is at hand.
 */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>

/* Sorts the n elements of `size` bytes at `at` by the uint64_t at `offset` in each, ascending;
 * equal ones stay in their order. n < 2³². 0 or -ENOMEM, with the order unchanged. */
int sort_by_u64(void *at, size_t n, size_t size, size_t offset);

/* SORT_BY(v, low): a VEC by a member of its elements. */
#define SORT_BY(v, member)                                                                         \
	sort_by_u64((v)->at, (v)->len, sizeof(*(v)->at), offsetof(__typeof__(*(v)->at), member))

#endif
