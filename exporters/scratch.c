/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/scratch.h"

#include <stdlib.h>

enum { BLOCK = 64 * 1024, ALIGN = 16, TOTAL_MAX = 256 * 1024 * 1024 };

struct scratch_block {
	struct scratch_block *next;
	size_t used, size;
	_Alignas(ALIGN) uint8_t bytes[];
};

static void *take(void *data, size_t n)
{
	struct scratch *s = data;
	struct scratch_block *b = s->blocks;
	void *p;

	if (n > TOTAL_MAX - s->total)
		return NULL;
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	s->total += n;
	if (!b || b->size - b->used < n) {
		size_t size = n > BLOCK ? n : BLOCK;
		b = malloc(sizeof(*b) + size);
		if (!b)
			return NULL;
		b->next = s->blocks;
		b->used = 0;
		b->size = size;
		s->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += n;
	return p;
}

static void leave(void *data, void *p)
{
}

void scratch_init(struct scratch *s)
{
	*s = (struct scratch){.allocator = {.alloc = take, .free = leave, .allocator_data = s}};
}

/* Keeps one block of the usual size. */
void scratch_reset(struct scratch *s)
{
	while (s->blocks && (s->blocks->next || s->blocks->size != BLOCK)) {
		struct scratch_block *b = s->blocks;
		s->blocks = b->next;
		free(b);
	}
	s->total = 0;
	if (s->blocks)
		s->blocks->used = 0;
}

void scratch_free(struct scratch *s)
{
	while (s->blocks) {
		struct scratch_block *b = s->blocks;
		s->blocks = b->next;
		free(b);
	}
}
