/* SPDX-License-Identifier: Apache-2.0
 *
 * How the rows of a ranked table are called.
 */
#include "exporters/rank_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/text.h"
#include "exporters/frames.h"

static const char *keep_text(struct rank *ret, const char *s)
{
	size_t n = strlen(s) + 1;
	char **slot = vec_add(&ret->texts);

	if (!slot || !(*slot = malloc(n)))
		return NULL;
	text_clean(*slot, n, s, n - 1);
	return *slot;
}

static const char *module_name(const struct profile *p, uint32_t file)
{
	const char *s = frames_base(profile_str(p, file));

	return !strncmp(s, "[kernel.kallsyms]", 17) ? "[kernel]" : s;
}

static void unnamed_name(const struct profile *p, const struct entry *e, char *buf, size_t size)
{
	const char *module = module_name(p, e->key.module);

	if (e->key.location == PROFILE_NONE)
		snprintf(buf, size, "[no stack]");
	else if (!e->key.module)
		frames_place(p, &p->locations.at[e->key.location], buf, size);
	else if (e->places > 1)
		snprintf(buf, size, "%s+0x%" PRIx64 "-0x%" PRIx64 " (%u places)", module, e->low,
			 e->high, e->places);
	else
		snprintf(buf, size, "%s+0x%" PRIx64, module, e->low);
}

/* What a row that is not a function's is called. */
static void other_name(const struct ranker *r, const struct entry *e, char *buf, size_t size)
{
	const struct profile *p = r->p;
	const char *name = profile_str(p, e->key.name);
	const char *first = profile_str(p, (uint32_t)e->low);

	switch (r->by) {
	case RANK_LINE:
		snprintf(buf, size, e->key.number >= 0 ? "%s:%" PRId64 : "%s (no line)", name,
			 e->key.number);
		break;
	case RANK_FILE:
		snprintf(buf, size, "%s", *name ? name : "(no file)");
		break;
	case RANK_MODULE:
		name = module_name(p, e->key.module);
		snprintf(buf, size, "%s", *name ? name : "[unknown]");
		break;
	default:
		name = r->by == RANK_PROCESS && *first ? first : *name ? name : "[unknown]";
		if (e->key.number)
			snprintf(buf, size, "%s %" PRId64, name, e->key.number);
		else
			snprintf(buf, size, "%s", name);
	}
}

static const char *row_name(const struct ranker *r, const struct entry *e, struct rank *ret)
{
	char buf[4096];

	if (r->by == RANK_FUNCTION && !e->key.unnamed)
		return keep_text(ret, profile_str(r->p, e->key.name));
	if (e->key.unnamed)
		unnamed_name(r->p, e, buf, sizeof(buf));
	else
		other_name(r, e, buf, sizeof(buf));
	return keep_text(ret, buf);
}

static const char *row_module(const struct ranker *r, const struct entry *e, struct rank *ret)
{
	char buf[32];

	if (r->by == RANK_MODULE)
		return "";
	if (r->by == RANK_THREAD && e->high) {
		snprintf(buf, sizeof(buf), "%" PRIu64, e->high);
		return keep_text(ret, buf);
	}
	return keep_text(ret, module_name(r->p, e->key.module));
}

bool rank_fill_rows(const struct ranker *r, struct rank *ret)
{
	for (size_t i = 0; i < r->entries.len; i++) {
		const struct entry *e = r->entries.at[i];
		struct rank_row *row = vec_add(&ret->rows);
		if (!row)
			return false;
		*row = (struct rank_row){
			.name = row_name(r, e, ret), .module = row_module(r, e, ret),
			.self = e->self, .total = r->tallies.at[i].total, .places = e->places,
			.unnamed = e->key.unnamed && e->key.location != PROFILE_NONE};
		if (!row->name || !row->module)
			return false;
	}
	return true;
}
