/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wire/profile_index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

enum { FIRST_SLOTS = 64, TEXT_CHUNK = 64 * 1024 };

struct text_chunk {
	struct text_chunk *next;
	size_t used, size;
	char text[];
};

static uint64_t process_seed(void)
{
	static uint64_t seed;
	const void *random = (const void *)getauxval(AT_RANDOM);

	if (!seed && random)
		memcpy(&seed, random, sizeof(seed));
	return seed | 1;
}

/* A 128-bit product folded to 64 bits spreads every input bit over the result. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t index_hash(uint64_t seed, const void *bytes, size_t len)
{
	const uint64_t secret = process_seed(), odd = UINT64_C(0x9e3779b97f4a7c15);
	const uint8_t *at = bytes;
	uint64_t h = seed ^ secret ^ len, word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		h = fold(h ^ odd, word ^ secret);
	}
	word = 0;
	if (len)
		memcpy(&word, at, len);
	return fold(h ^ odd, word ^ secret) ^ h;
}

static size_t slot_of(const struct index_table *t, uint64_t hash)
{
	return (size_t)(hash >> 32) & t->mask;
}

uint32_t index_find(const struct index_table *t, uint64_t hash,
		    bool (*same)(const void *ctx, uint32_t value), const void *ctx)
{
	if (!t->slots)
		return PROFILE_NONE;
	for (size_t i = slot_of(t, hash); t->slots[i].value; i = (i + 1) & t->mask)
		if (t->slots[i].hash == (uint32_t)(hash >> 32) && same(ctx, t->slots[i].value - 1))
			return t->slots[i].value - 1;
	return PROFILE_NONE;
}

static void place(struct index_table *t, struct index_slot s)
{
	size_t i = s.hash & t->mask;

	while (t->slots[i].value)
		i = (i + 1) & t->mask;
	t->slots[i] = s;
}

static bool grow(struct index_table *t)
{
	size_t n = t->slots ? (t->mask + 1) * 2 : FIRST_SLOTS;
	struct index_table wider = {.slots = calloc(n, sizeof(*t->slots)), .mask = n - 1,
				    .len = t->len};

	if (!wider.slots)
		return false;
	for (size_t i = 0; t->slots && i <= t->mask; i++)
		if (t->slots[i].value)
			place(&wider, t->slots[i]);
	free(t->slots);
	*t = wider;
	return true;
}

bool index_put(struct index_table *t, uint64_t hash, uint32_t value)
{
	/* At most five eighths full: probing stays at one or two slots. */
	if ((!t->slots || t->len * 8 >= (t->mask + 1) * 5) && !grow(t))
		return false;
	place(t, (struct index_slot){.hash = (uint32_t)(hash >> 32), .value = value + 1});
	t->len++;
	return true;
}

void index_clear(struct index_table *t)
{
	free(t->slots);
	*t = (struct index_table){0};
}

char *index_text(struct profile_index *x, const char *s, size_t len)
{
	struct text_chunk *c = x->text;
	char *to;

	if (!c || c->size - c->used <= len) {
		size_t size = len + 1 > TEXT_CHUNK / 4 ? len + 1 : TEXT_CHUNK;
		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		*c = (struct text_chunk){.size = size};
		/* A long string has a chunk of its own; the one being filled stays in front. */
		if (x->text && size != TEXT_CHUNK) {
			c->next = x->text->next;
			x->text->next = c;
		} else {
			c->next = x->text;
			x->text = c;
		}
	}
	to = c->text + c->used;
	if (len)
		memcpy(to, s, len);
	to[len] = '\0';
	c->used += len + 1;
	return to;
}

void index_text_free(struct profile_index *x)
{
	while (x->text) {
		struct text_chunk *c = x->text;
		x->text = c->next;
		free(c);
	}
}
