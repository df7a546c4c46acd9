/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/sort.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT = 1 << 8 };

struct key {
	uint64_t key;
	uint32_t index;
};

static uint64_t key_of(const char *element, size_t offset)
{
	uint64_t k;

	memcpy(&k, element + offset, sizeof(k));
	return k;
}

/* True where they are in order already; else `*differ` has the bits in which any two differ. */
static bool in_order(const char *at, size_t n, size_t size, size_t offset, uint64_t *differ)
{
	uint64_t first = n ? key_of(at, offset) : 0, last = first;
	bool sorted = true;

	*differ = 0;
	for (size_t i = 1; i < n; i++) {
		uint64_t k = key_of(at + i * size, offset);
		*differ |= k ^ first;
		sorted &= last <= k;
		last = k;
	}
	return sorted;
}

/* One pass of a radix sort: by the eight bits at `shift`. */
static void pass(const struct key *from, struct key *to, size_t n, unsigned shift)
{
	uint32_t starts[DIGIT] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		starts[from[i].key >> shift & (DIGIT - 1)]++;
	for (size_t d = 0; d < DIGIT; d++) {
		uint32_t count = starts[d];
		starts[d] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[starts[from[i].key >> shift & (DIGIT - 1)]++] = from[i];
}

/* Sorts by radix, with `spare` as second place: where the result stands. */
static struct key *sort_keys(struct key *keys, struct key *spare, size_t n, uint64_t differ)
{
	for (unsigned shift = 0; shift < 64 && differ >> shift; shift += 8) {
		struct key *sorted = spare;
		if (!(differ >> shift & (DIGIT - 1)))
			continue;
		pass(keys, sorted, n, shift);
		spare = keys;
		keys = sorted;
	}
	return keys;
}

int sort_by_u64(void *at, size_t n, size_t size, size_t offset)
{
	struct key *keys, *sorted;
	uint64_t differ;
	char *old;

	if (in_order(at, n, size, offset, &differ))
		return 0;
	keys = reallocarray(NULL, n, 2 * sizeof(*keys));
	old = reallocarray(NULL, n, size);
	if (keys && old) {
		for (size_t i = 0; i < n; i++)
			keys[i] = (struct key){key_of((char *)at + i * size, offset), (uint32_t)i};
		sorted = sort_keys(keys, keys + n, n, differ);
		memcpy(old, at, n * size);
		for (size_t i = 0; i < n; i++)
			memcpy((char *)at + i * size, old + sorted[i].index * size, size);
	}
	n = keys && old ? 0 : n;
	free(keys);
	free(old);
	return n ? -ENOMEM : 0;
}
