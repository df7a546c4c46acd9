/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/page_data.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "agent/base/text.h"

enum {
	LEVEL = 6, /* 9: ten times the time for 6 % */
	WINDOW = -15, /* raw: neither header nor checksum */
	MEMORY = 9,
	STEP = 1 << 16,
	SECTION_MAX = 1 << 30,
	TEXT_MAX = 4096,
	VARINT_MAX = 10,
};

enum section {
	META, TYPES, MAPS, MODULES, FUNCTIONS, FUNCTION_MODULE, NAMES, NAME_INFO,
	DROP, NAME, INNER, SELF, /* SELF: one for each type */
};

static void put_varint(struct buf *b, uint64_t v)
{
	uint8_t s[VARINT_MAX];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		s[n++] = (uint8_t)(v | 0x80);
	s[n++] = (uint8_t)v;
	if (b->len + n <= b->cap && !b->bad) { /* the usual case, millions of times */
		memcpy(b->data + b->len, s, n);
		b->len += n;
	} else {
		buf_put(b, s, n);
	}
}

static void put_string(struct buf *b, const struct profile *p, uint32_t string)
{
	const struct profile_string *from = &p->strings.at[string];
	char s[TEXT_MAX];
	size_t n = text_clean(s, sizeof(s), from->s ? from->s : "", from->len);

	buf_put(b, s, n + 1);
}

static void put_number(struct buf *b, const char *key, int64_t v)
{
	buf_str(b, key);
	buf_printf(b, "%" PRId64 "%c", v, '\0');
}

static void put_meta(struct buf *b, const struct profile *p, const struct tree *t)
{
	buf_str(b, "version");
	buf_str(b, PMUSCOPE_VERSION);
	put_number(b, "time", p->time_nanos);
	put_number(b, "duration", p->duration_nanos);
	put_number(b, "period", p->period);
	buf_str(b, "period_type");
	put_string(b, p, p->period_type.type);
	put_number(b, "main", t->main_type);
	put_number(b, "negative", (int64_t)t->n_negative);
	for (size_t i = 0; i < p->comments.len; i++) {
		buf_str(b, "comment");
		put_string(b, p, p->comments.at[i]);
	}
}

static void put_maps(struct buf *b, const struct profile *p)
{
	for (size_t i = 0; i < p->mappings.len; i++) {
		const struct profile_mapping *m = &p->mappings.at[i];
		put_string(b, p, m->file);
		put_string(b, p, m->build_id);
		buf_printf(b, "%u%c", m->kind, '\0');
	}
}

static uint64_t divisor(const struct tree *t, uint32_t type)
{
	uint64_t d = 0;

	for (size_t i = type; i < t->selfs.len && d != 1; i += t->n_types)
		for (uint64_t v = t->selfs.at[i], r; v; v = r) {
			r = d % v;
			d = v;
		}
	return d ? d : 1;
}

static void put_types(struct buf *b, const struct profile *p, const struct tree *t)
{
	for (uint32_t i = 0; i < t->n_types; i++) {
		put_string(b, p, p->types.at[i].type);
		put_string(b, p, p->types.at[i].unit);
		buf_printf(b, "%" PRIu64 "%c", divisor(t, i), '\0');
	}
}

static void put_names(struct buf *s, const struct tree *t)
{
	for (size_t i = 0; i < t->modules.len; i++)
		buf_str(&s[MODULES], tree_text(t, t->modules.at[i]));
	for (size_t i = 0; i < t->functions.len; i++) {
		buf_str(&s[FUNCTIONS], tree_text(t, t->functions.at[i].text));
		put_varint(&s[FUNCTION_MODULE], t->functions.at[i].module);
	}
	for (size_t i = 0; i < t->names.len; i++) {
		const struct tree_name *n = &t->names.at[i];
		bool same = n->text == t->functions.at[n->function].text;
		buf_str(&s[NAMES], same ? "" : tree_text(t, n->text));
		put_varint(&s[NAME_INFO], (uint64_t)n->function << 4 | n->flags);
	}
}

static void put_self(struct buf *s, const struct tree *t, size_t node, const uint64_t *divisors)
{
	uint32_t row = t->nodes.at[node].self;

	for (uint32_t i = 0; i < t->n_types; i++)
		put_varint(&s[SELF + i], row == TREE_NO_SELF ? 0
				: t->selfs.at[(size_t)row * t->n_types + i] / divisors[i]);
}

static void put_nodes(struct buf *s, const struct tree *t, const uint64_t *divisors)
{
	struct buf gaps = BUF_INIT(SECTION_MAX);
	size_t n = t->nodes.len, last = 0, inner = 0;

	for (size_t i = 0; i < n; i++) {
		const struct tree_node *at = &t->nodes.at[i];
		bool leaf = i + 1 == n || at[1].depth <= at->depth;
		if (i) {
			put_varint(&s[DROP], at[-1].depth + 1 - at->depth);
			put_varint(&s[NAME], at->name);
		}
		if (leaf || at->self != TREE_NO_SELF)
			put_self(s, t, i, divisors);
		if (!leaf && at->self != TREE_NO_SELF) {
			put_varint(&gaps, i - last);
			last = i;
			inner++;
		}
	}
	put_varint(&s[INNER], inner);
	buf_put(&s[INNER], gaps.data, gaps.len);
	s[INNER].bad |= gaps.bad;
	buf_free(&gaps);
}

static bool squeeze(z_stream *z, const void *bytes, size_t len, int flush, struct buf *out)
{
	z->next_in = (Bytef *)bytes;
	z->avail_in = (uInt)len;
	do {
		uint8_t step[STEP];
		z->next_out = step;
		z->avail_out = sizeof(step);
		if (deflate(z, flush) == Z_STREAM_ERROR)
			return false;
		buf_put(out, step, sizeof(step) - z->avail_out);
	} while (z->avail_out == 0);
	return !out->bad;
}

static int deflate_all(const struct buf *s, uint32_t n, struct buf *out)
{
	uint32_t head[1] = {htole32(n)};
	z_stream z = {0};
	bool ok;

	if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	ok = squeeze(&z, head, sizeof(head), Z_NO_FLUSH, out);
	for (uint32_t i = 0; i < n; i++) {
		head[0] = htole32((uint32_t)s[i].len);
		ok = ok && !s[i].bad && squeeze(&z, head, sizeof(head), Z_NO_FLUSH, out);
	}
	for (uint32_t i = 0; ok && i < n; i++)
		ok = squeeze(&z, s[i].data, s[i].len, Z_NO_FLUSH, out);
	ok = ok && squeeze(&z, NULL, 0, Z_FINISH, out);
	deflateEnd(&z);
	return ok ? 0 : -ENOMEM;
}

int page_data(const struct profile *p, const struct tree *t, struct buf *out)
{
	uint32_t n = SELF + t->n_types;
	struct buf *s = calloc(n, sizeof(*s));
	uint64_t *divisors = calloc(t->n_types + 1, sizeof(*divisors));
	int e = s && divisors ? 0 : -ENOMEM;

	if (!e) {
		for (uint32_t i = 0; i < n; i++)
			s[i] = BUF_INIT(SECTION_MAX);
		for (uint32_t i = 0; i < t->n_types; i++)
			divisors[i] = divisor(t, i);
		put_meta(&s[META], p, t);
		put_types(&s[TYPES], p, t);
		put_maps(&s[MAPS], p);
		put_names(s, t);
		put_nodes(s, t, divisors);
		e = deflate_all(s, n, out);
	}
	for (uint32_t i = 0; s && i < n; i++)
		buf_free(&s[i]);
	free(s);
	free(divisors);
	return e;
}
