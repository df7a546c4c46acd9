/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/reply.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/vec.h"
#include "symbolizer/demangle.h"

enum {
	STRINGS_MAX = 1 << 20,
	STRING_BYTES_MAX = SYM_REPLY_MAX / 2, /* the other half is for frames */
	FIRST_SLOTS = 1024,
};

struct string {
	uint32_t at; /* in `text` */
	uint32_t hash;
	uint32_t demangled; /* another string's index plus one; 0: not known yet */
	uint16_t len;
};

struct reply {
	struct buf text, frames;
	VEC(struct string) strings;
	uint32_t *slots; /* open addressing; index plus one, 0: free */
	size_t n_slots;
	uint32_t n_addresses;
};

static uint32_t hash_of(const char *s, size_t len) /* FNV-1a */
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h;
}

static bool grow_slots(struct reply *r)
{
	size_t n = r->n_slots ? r->n_slots * 2 : FIRST_SLOTS;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return false;
	for (uint32_t i = 0; i < r->strings.len; i++) {
		size_t at = r->strings.at[i].hash & (n - 1);
		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = i + 1;
	}
	free(r->slots);
	r->slots = slots;
	r->n_slots = n;
	return true;
}

/* A cut must not fall into a character (UTF-8: continuation bytes are 10xxxxxx). */
static size_t cut(const char *s, size_t len)
{
	if (len <= SYM_NAME_MAX)
		return len;
	len = SYM_NAME_MAX;
	while (len && ((uint8_t)s[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* The string's index; 0, the empty one, also where there is no more room. */
static uint32_t intern(struct reply *r, const char *s, size_t len)
{
	struct string *str;
	uint32_t hash;
	size_t at;

	len = s ? cut(s, len) : 0;
	if (r->strings.len * 2 >= r->n_slots && !grow_slots(r))
		return 0;
	hash = hash_of(s, len);
	for (at = hash & (r->n_slots - 1); r->slots[at]; at = (at + 1) & (r->n_slots - 1)) {
		str = &r->strings.at[r->slots[at] - 1];
		if (str->hash == hash && str->len == len &&
		    (!len || !memcmp(r->text.data + str->at, s, len)))
			return r->slots[at] - 1;
	}
	if (len > r->text.max - r->text.len)
		return 0;
	str = vec_add_max(&r->strings, STRINGS_MAX);
	if (!str)
		return 0;
	*str = (struct string){.at = (uint32_t)r->text.len, .hash = hash, .len = (uint16_t)len};
	buf_put(&r->text, s, len);
	if (r->text.bad) {
		buf_reset(&r->text); /* out of memory: everything is, from now on */
		r->text.max = 0;
		r->strings.len = 0;
		return 0;
	}
	r->slots[at] = (uint32_t)r->strings.len;
	return (uint32_t)r->strings.len - 1;
}

static uint32_t intern_demangled(struct reply *r, uint32_t linkage, const struct str *name)
{
	uint32_t i = linkage;
	char *text;

	if (r->strings.at[linkage].demangled)
		return r->strings.at[linkage].demangled - 1;
	text = demangle(name->at, name->len);
	if (text)
		i = intern(r, text, strlen(text));
	free(text);
	r->strings.at[linkage].demangled = (i ? i : linkage) + 1;
	return i ? i : linkage;
}

int reply_new(struct reply **ret)
{
	struct reply *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->text = BUF_INIT(STRING_BYTES_MAX);
	r->frames = BUF_INIT(SYM_REPLY_MAX / 2);
	intern(r, "", 0);
	if (r->strings.len != 1) {
		reply_free(&r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

void reply_free(struct reply **rp)
{
	struct reply *r = *rp;

	if (r) {
		buf_free(&r->text);
		buf_free(&r->frames);
		vec_free(&r->strings);
		free(r->slots);
	}
	free(r);
	*rp = NULL;
}

static bool add_frame(struct reply *r, const struct frame *f)
{
	uint32_t linkage = intern(r, f->name.at, f->name.len);

	if (!linkage)
		return false;
	buf_u32(&r->frames, intern_demangled(r, linkage, &f->name));
	buf_u32(&r->frames, linkage);
	buf_u32(&r->frames, intern(r, f->file.at, f->file.len));
	buf_u32(&r->frames, f->line);
	buf_u32(&r->frames, f->start_line);
	return true;
}

void reply_add(struct reply *r, const struct frames *f)
{
	size_t count_at = r->frames.len;
	uint8_t n = 0;

	buf_u8(&r->frames, 0);
	for (unsigned i = 0; i < f->n && n < SYM_FRAMES_MAX; i++)
		n += add_frame(r, &f->at[i]);
	if (!r->frames.bad)
		r->frames.data[count_at] = n;
	r->n_addresses++;
}

int reply_put(const struct reply *r, struct buf *b)
{
	buf_u32(b, (uint32_t)r->strings.len);
	for (size_t i = 0; i < r->strings.len; i++) {
		buf_u16(b, r->strings.at[i].len);
		buf_put(b, r->text.data + r->strings.at[i].at, r->strings.at[i].len);
	}
	buf_u32(b, r->n_addresses);
	buf_put(b, r->frames.data, r->frames.len);
	return b->bad || r->frames.bad || r->text.max == 0 ? -EMSGSIZE : 0;
}
