/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/base/sort.h"
#include "agent/base/vec.h"

struct element {
	uint32_t order;
	uint64_t key;
	char rest[5];
};

typedef VEC(struct element) elements;

static void fill(elements *v, size_t n, uint64_t mask)
{
	uint64_t x = 88172645463325252; /* xorshift64 */

	for (size_t i = 0; i < n; i++) {
		struct element *e = vec_add(v);
		assert_non_null(e);
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		*e = (struct element){.order = (uint32_t)i, .key = x & mask};
		e->rest[0] = (char)e->key;
	}
}

static void check(const elements *v, size_t n)
{
	uint64_t sum = 0;

	assert_int_equal(v->len, n);
	for (size_t i = 0; i < n; i++) {
		const struct element *e = &v->at[i];
		sum += e->order;
		assert_int_equal(e->rest[0], (char)e->key);
		if (i == 0)
			continue;
		assert_true(e[-1].key <= e->key);
		if (e[-1].key == e->key)
			assert_true(e[-1].order < e->order);
	}
	assert_int_equal(sum, n * (n - 1) / 2);
}

static void test_sorts_and_keeps_the_order_of_equals(void **state)
{
	static const uint64_t masks[] = {0, 1, 0xff, 0xff00, 0xffffff, 0xff000000000000ff, UINT64_MAX,
					 0x8000000000000000};
	static const size_t sizes[] = {1, 2, 3, 17, 1000, 70000};

	for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			elements v = {0};
			fill(&v, sizes[s], masks[m]);
			assert_int_equal(SORT_BY(&v, key), 0);
			check(&v, sizes[s]);
			assert_int_equal(SORT_BY(&v, key), 0); /* in order already */
			check(&v, sizes[s]);
			vec_free(&v);
		}
	}
}

static void test_nothing_to_sort(void **state)
{
	elements v = {0};

	assert_int_equal(SORT_BY(&v, key), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorts_and_keeps_the_order_of_equals),
		cmocka_unit_test(test_nothing_to_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
