/* SPDX-License-Identifier: Apache-2.0
 *
 * The features that say something to us: where and how it was recorded, the events' names, the
 * build IDs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "pmu/perfdata/header.h"
#include "pmu/perfdata/wire.h"
#include "pmu/abi.h"

enum {
	BUILD_IDS_MAX = 65536,
	BUILD_ID_BYTES = 24, /* the field in its record: 20 used, then a length in newer ones */
	EVENT_TYPE_NAME = 64,
	UPDATE_NAME = 2,     /* PERF_EVENT_UPDATE__NAME */
	/* Newer than the headers of Debian 12 or private to perf's files. */
	MISC_BUILD_ID_SIZE = 1 << 15,
};

/* ---- build IDs ---- */

struct build_ids {
	uint8_t id[PERFDATA_BUILD_ID_MAX], len;
	UT_hash_handle hh;
	char path[];
};

void head_add_build_id(struct perfdata_head *h, const char *path, const uint8_t *id, size_t len)
{
	struct build_ids *b;
	size_t n = strlen(path);

	while (len && !id[len - 1] && len > PERFDATA_BUILD_ID_MAX)
		len--;
	if (!len || len > PERFDATA_BUILD_ID_MAX)
		return;
	HASH_FIND(hh, h->ids, path, n, b);
	if (!b) {
		b = HASH_COUNT(h->ids) < BUILD_IDS_MAX ? calloc(1, sizeof(*b) + n + 1) : NULL;
		if (!b)
			return;
		memcpy(b->path, path, n + 1);
		HASH_ADD_KEYPTR(hh, h->ids, b->path, n, b);
	}
	memcpy(b->id, id, len);
	b->len = (uint8_t)len;
}

size_t head_build_id_of(const struct perfdata_head *h, const char *path, const uint8_t **ret)
{
	struct build_ids *b;

	HASH_FIND(hh, h->ids, path, strlen(path), b);
	if (!b)
		return 0;
	*ret = b->id;
	return b->len;
}

void head_free(struct perfdata_head *h)
{
	struct build_ids *b, *next;

	HASH_ITER(hh, h->ids, b, next) {
		HASH_DEL(h->ids, b);
		free(b);
	}
}

static size_t id_length(const uint8_t *id, uint16_t misc)
{
	size_t n = PERFDATA_BUILD_ID_MAX;

	if (misc & MISC_BUILD_ID_SIZE)
		return id[PERFDATA_BUILD_ID_MAX];
	while (n > 8 && !id[n - 1]) /* older ones are filled up with zeros */
		n--;
	return n;
}

void head_build_id(struct perfdata_head *h, const void *bytes, size_t len)
{
	struct wire w = wire_over(bytes, len, h->swap);
	struct perfdata_header rec = perfdata_header(bytes, h->swap);
	const uint8_t *id;
	const char *path;

	cursor_skip(&w.c, 8 + 4); /* header, pid */
	id = cursor_take(&w.c, BUILD_ID_BYTES);
	path = cursor_str(&w.c);
	if (id && path)
		head_add_build_id(h, path, id, id_length(id, rec.misc));
}

static void all_build_ids(struct perfdata_head *h, const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_over(bytes, len);

	while (cursor_left(&c) >= 8) {
		struct perfdata_header rec = perfdata_header(c.at, h->swap);
		const void *at = rec.size >= 8 ? cursor_take(&c, rec.size) : NULL;
		if (!at)
			return;
		head_build_id(h, at, rec.size);
	}
}

/* ---- events' names ---- */

static void name_attr(struct perfdata_attr *a, const char *name, size_t max)
{
	size_t n = strnlen(name, max);

	n = n < sizeof(a->name) ? n : sizeof(a->name) - 1;
	memcpy(a->name, name, n);
	a->name[n] = '\0';
}

/* EVENT_DESC: u32 n, u32 size of an attribute; for each: the attribute, u32 n_ids, its name, ids. */
static void event_desc(struct perfdata_attrs *as, struct wire *w)
{
	uint32_t n = wire_u32(w), size = wire_u32(w);

	for (uint32_t i = 0; i < n && !w->c.bad; i++) {
		struct wire attr = {.c = cursor_sub(&w->c, size), .swap = w->swap};
		uint32_t n_ids = wire_u32(w), type = wire_u32(&attr);
		const char *name = wire_text(w);
		struct perfdata_attr *a = NULL;

		if (n_ids && cursor_left(&w->c) >= 8) {
			struct wire ids = *w;
			a = attrs_by_id(as, wire_u64(&ids));
		} else if (i < as->at.len && as->at.at[i].type == type) {
			a = &as->at.at[i];
		}
		wire_skip_words(w, n_ids);
		if (a && name)
			name_attr(a, name, sizeof(a->name));
	}
}

void head_event_type(struct perfdata_head *h, struct perfdata_attrs *as, const void *bytes,
		     size_t len)
{
	struct wire w = wire_over(bytes, len, h->swap);
	const char *name;
	uint64_t config;

	cursor_skip(&w.c, 8);
	config = wire_u64(&w);
	name = cursor_take(&w.c, EVENT_TYPE_NAME);
	for (size_t i = 0; name && i < as->at.len; i++)
		if (as->at.at[i].config == config && !as->at.at[i].name[0])
			name_attr(&as->at.at[i], name, EVENT_TYPE_NAME);
}

void head_event_update(struct perfdata_head *h, struct perfdata_attrs *as, const void *bytes,
		       size_t len)
{
	struct wire w = wire_over(bytes, len, h->swap);
	struct perfdata_attr *a;
	uint64_t type;

	cursor_skip(&w.c, 8);
	type = wire_u64(&w);
	a = attrs_by_id(as, wire_u64(&w));
	if (!w.c.bad && type == UPDATE_NAME && a)
		name_attr(a, (const char *)w.c.at, cursor_left(&w.c));
}

/* ---- the rest ---- */

static void text(struct wire *w, char *out, size_t size)
{
	const char *s = wire_text(w);

	if (s)
		snprintf(out, size, "%s", s);
}

/* The command line: u32 n, then n texts. */
static void command(struct wire *w, char *out, size_t size)
{
	uint32_t n = wire_u32(w);
	size_t at = 0;

	for (uint32_t i = 0; i < n && at < size; i++) {
		const char *s = wire_text(w);
		if (!s)
			return;
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " " : "", s);
	}
}

/* u32 version, u32 clockid, u64 wall clock in ns, u64 the records' clock in ns. */
static void clocks(struct wire *w, struct perfdata_info *info)
{
	uint64_t wall, record;

	wire_u32(w);
	wire_u32(w);
	wall = wire_u64(w);
	record = wire_u64(w);
	if (w->c.bad)
		return;
	info->clock_wall = wall;
	info->clock_record = record;
}

void feature_apply(struct perfdata_head *h, struct perfdata_attrs *as, unsigned feature,
		   const void *bytes, size_t len)
{
	struct wire w = wire_over(bytes, len, h->swap);
	struct perfdata_info *i = &h->info;

	switch (feature) {
	case FEATURE_BUILD_ID: all_build_ids(h, bytes, len); break;
	case FEATURE_HOSTNAME: text(&w, i->host, sizeof(i->host)); break;
	case FEATURE_OSRELEASE: text(&w, i->release, sizeof(i->release)); break;
	case FEATURE_VERSION: text(&w, i->version, sizeof(i->version)); break;
	case FEATURE_ARCH: text(&w, i->arch, sizeof(i->arch)); break;
	case FEATURE_NRCPUS: i->cpus = wire_u32(&w) ? wire_u32(&w) : 0; break;
	case FEATURE_CPUDESC: text(&w, i->cpu, sizeof(i->cpu)); break;
	case FEATURE_CMDLINE: command(&w, i->command, sizeof(i->command)); break;
	case FEATURE_EVENT_DESC: event_desc(as, &w); break;
	case FEATURE_CLOCK_DATA: clocks(&w, i); break;
	default: break;
	}
}
