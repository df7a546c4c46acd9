/* SPDX-License-Identifier: Apache-2.0
 *
 * Large blocks are kept when they are freed and given out again for the same size (the linker puts
 * these in the place of malloc and its like, --wrap): a sanitizer spends more time on the 7 MB of
 * symbolizer/code.c than the parser on its input. Their bounds are watched all the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LARGE = 65536, TOO_LARGE = 16 << 20, BLOCKS = 32 };

static struct block {
	void *at;
	size_t size;
	bool used;
} blocks[BLOCKS];

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);

static struct block *block_of(const void *p)
{
	for (int i = 0; p && i < BLOCKS && blocks[i].at; i++)
		if (blocks[i].at == p)
			return &blocks[i];
	return NULL;
}

static void *fresh(size_t align, size_t n)
{
	return align > _Alignof(max_align_t) ? __real_aligned_alloc(align, n) : __real_malloc(n);
}

static void *get(size_t align, size_t n)
{
	if (n < LARGE || n > TOO_LARGE)
		return fresh(align, n);
	for (int i = 0; i < BLOCKS; i++) {
		struct block *b = &blocks[i];
		if (!b->at)
			*b = (struct block){fresh(align, n), n, false};
		if (b->size != n || b->used || (uintptr_t)b->at % align)
			continue;
		b->used = b->at;
		return b->at;
	}
	return fresh(align, n);
}

void *__wrap_malloc(size_t n)
{
	return n < LARGE ? __real_malloc(n) : get(_Alignof(max_align_t), n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	return get(align, n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p;

	if (size && n > TOO_LARGE / size)
		return __real_calloc(n, size);
	if (n * size < LARGE)
		return __real_calloc(n, size);
	p = __wrap_malloc(n * size);
	return p ? memset(p, 0, n * size) : NULL;
}

void __wrap_free(void *p)
{
	struct block *b = block_of(p);

	if (b)
		b->used = false;
	else
		__real_free(p);
}

void *__wrap_realloc(void *p, size_t n)
{
	struct block *b = block_of(p);
	void *to;

	if (!b)
		return __real_realloc(p, n);
	to = __wrap_malloc(n);
	if (to) {
		memcpy(to, p, n < b->size ? n : b->size);
		b->used = false;
	}
	return to;
}
