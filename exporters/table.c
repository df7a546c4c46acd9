/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/text.h"
#include "exporters/frames.h"

enum {
	NAME_MIN = 12, NAME_MAX = 80, /* columns of the name where there is no terminal */
	MODULE_MAX = 24,
	NUMBERS = 28, /* columns before the name */
	FEW_SAMPLES = 100, /* below that even a share of one half is uncertain by ±10 points */
	ENOUGH_SAMPLES = 1000,
	TOP_ROWS = 5,
};

static const char *const by_words[][3] = { /* heading, many, one */
	[RANK_FUNCTION] = {"function", "functions", "function"},
	[RANK_FILE] = {"file", "files", "file"},
	[RANK_LINE] = {"line", "lines", "line"},
	[RANK_MODULE] = {"module", "modules", "module"},
	[RANK_PROCESS] = {"process", "processes", "process"},
	[RANK_THREAD] = {"thread", "threads", "thread"},
};

static void put(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

static void put_clean(struct buf *b, const char *s)
{
	char text[256];

	text_clean(text, sizeof(text), s, strlen(s));
	put(b, text);
}

static void put_spaces(struct buf *b, size_t n)
{
	while (n--)
		buf_u8(b, ' ');
}

static void put_style(struct buf *b, const struct term *t, const char *code)
{
	if (t->colour)
		buf_printf(b, "\033[%sm", code);
}

static void put_grouped(struct buf *b, uint64_t v)
{
	char digits[32];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			buf_u8(b, ',');
		buf_u8(b, (uint8_t)digits[i]);
	}
}

static double share(int64_t part, int64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

/* ---- the headline ---- */

/* "nginx 4121" where all samples are of one process, else how many processes there are. */
static void put_target(const struct profile *p, struct buf *b)
{
	const char *target = profile_comment_get(p, "target");
	struct rank r;

	if (target) {
		put_clean(b, target);
		return;
	}
	if (frames_find(p, "pid") == PROFILE_NONE || rank_profile(p, RANK_PROCESS, false, &r)) {
		uint32_t file = p->mappings.len ? p->mappings.at[0].file : 0;
		put_clean(b, file ? frames_base(profile_str(p, file)) : "profile");
		return;
	}
	if (r.rows.len == 1)
		put_clean(b, r.rows.at[0].name);
	else
		buf_printf(b, "%zu processes", r.rows.len);
	rank_free(&r);
}

static void put_event(const struct profile *p, const struct rank *r, struct buf *b)
{
	const char *event = profile_comment_get(p, "event");
	bool one = p->types.len <= 2; /* one event: its samples and their weight */

	if (r->type == PROFILE_NONE)
		return;
	put(b, r->samples > 0 ? " of " : ", ");
	put_clean(b, event && one ? event : profile_str(p, p->types.at[r->type].type));
}

static void put_rate(const struct profile *p, struct buf *b)
{
	const char *rate = profile_comment_get(p, "rate");
	const char *unit = profile_str(p, p->period_type.unit);

	if (rate) {
		put(b, " at ");
		put_clean(b, rate);
	} else if (!strcmp(unit, "nanoseconds") && p->period > 0) {
		buf_printf(b, " at %.4g Hz", 1e9 / (double)p->period);
	} else if (p->period > 1) {
		put(b, ", one every ");
		put_grouped(b, (uint64_t)p->period);
		put(b, " ");
		put_clean(b, unit);
	}
}

void table_headline(const struct profile *p, const struct rank *r, const struct term *t,
		    struct buf *b)
{
	const char *quality = profile_comment_get(p, "quality");

	put_target(p, b);
	if (p->duration_nanos > 0)
		buf_printf(b, ", %.*f s", p->duration_nanos < 10000000000 ? 2 : 1,
			   (double)p->duration_nanos / 1e9);
	if (r->samples > 0) {
		put(b, ", ");
		put_grouped(b, (uint64_t)r->samples);
		put(b, r->samples == 1 ? " sample" : " samples");
	}
	put_event(p, r, b);
	put_rate(p, b);
	if (quality) {
		put(b, ", quality ");
		put_clean(b, quality);
	}
	put(b, "\n");
}

/* ---- the table ---- */

struct layout {
	size_t name, module; /* columns, 0: as long as it is */
	const char *module_heading;
};

static size_t longest(const struct rank *r, size_t n, bool module, size_t max)
{
	size_t most = 0;

	for (size_t i = 0; i < n; i++) {
		size_t w = term_width(module ? r->rows.at[i].module : r->rows.at[i].name);
		most = w > most ? w : most;
	}
	return most > max ? max : most;
}

static struct layout layout_of(const struct rank *r, enum rank_by by, size_t n,
			       const struct term *t)
{
	struct layout l = {.module_heading = by == RANK_THREAD ? "process" : "module"};
	size_t notes = 2 + strlen("no symbols"), room;

	l.module = longest(r, n, true, MODULE_MAX);
	if (!l.module)
		l.module_heading = NULL;
	else if (l.module < strlen(l.module_heading))
		l.module = strlen(l.module_heading);
	l.name = longest(r, n, false, t->columns ? SIZE_MAX : NAME_MAX);
	if (l.name < NAME_MIN)
		l.name = NAME_MIN;
	if (t->columns) {
		room = NUMBERS + (l.module ? l.module + 2 : 0);
		for (size_t i = 0; i < n; i++)
			if (r->rows.at[i].unnamed) {
				room += notes;
				break;
			}
		room = t->columns > room + NAME_MIN ? t->columns - room : NAME_MIN;
		l.name = l.name < room ? l.name : room;
	}
	return l;
}

static void put_heading(const struct layout *l, enum rank_by by, bool margins,
			const struct term *t, struct buf *b)
{
	put_style(b, t, "1");
	put(b, "  self %");
	/* "±95" is three columns, four bytes; "+-95" is four of both. */
	if (margins)
		buf_printf(b, t->utf8 ? "    %s95" : "   %s95", term_plus_minus(t));
	put(b, "   total %   ");
	put(b, by_words[by][0]);
	if (l->module_heading) {
		put_spaces(b, l->name - strlen(by_words[by][0]) + 2);
		put(b, l->module_heading);
	}
	put_style(b, t, "0");
	put(b, "\n");
}

static void put_row(const struct rank *r, const struct rank_row *row, const struct layout *l,
		    const struct term *t, struct buf *b)
{
	double self = share(row->self, r->total), total = share(row->total, r->total);
	double margin = rank_margin(self, r->samples);
	bool grey = row->unnamed || (r->samples > 0 && margin > 100 * self);
	size_t used;

	if (grey)
		put_style(b, t, "2");
	buf_printf(b, "  %6.1f", 100 * self);
	if (r->samples > 0)
		buf_printf(b, "  %5.1f", margin);
	buf_printf(b, "   %7.1f   ", 100 * total);
	used = term_put_name(t, b, row->name, t->columns ? l->name : 0);
	if (l->module && (*row->module || row->unnamed)) {
		put_spaces(b, used < l->name ? l->name - used + 2 : 2);
		used = term_put_name(t, b, row->module, t->columns ? l->module : 0);
		if (row->unnamed) {
			put_spaces(b, used < l->module ? l->module - used + 2 : 2);
			put(b, "no symbols");
		}
	}
	if (grey)
		put_style(b, t, "0");
	put(b, "\n");
}

static void put_rest(const struct rank *r, enum rank_by by, size_t n, const struct term *t,
		     struct buf *b)
{
	int64_t rest = 0;
	size_t more = r->rows.len - n;

	for (size_t i = n; i < r->rows.len; i++)
		rest += r->rows.at[i].self;
	if (more)
		buf_printf(b, "  %6.1f in %zu more %s (-n). ", 100 * share(rest, r->total), more,
			   by_words[by][more == 1 ? 2 : 1]);
	else
		put(b, "  ");
	put(b, "Recursion counted once.");
	if (by == RANK_FUNCTION)
		put(b, " --sort total, --by file|line|module|process|thread");
	put(b, "\n");
}

void table_rows(const struct rank *r, enum rank_by by, unsigned n, const struct term *t,
		struct buf *b)
{
	size_t shown = r->rows.len < n ? r->rows.len : n;
	struct layout l = layout_of(r, by, shown, t);

	if (!r->rows.len) {
		put(b, "  no samples\n");
		return;
	}
	put_heading(&l, by, r->samples > 0, t, b);
	for (size_t i = 0; i < shown; i++)
		put_row(r, &r->rows.at[i], &l, t, b);
	put_rest(r, by, shown, t, b);
}

/* ---- the closing summary ---- */

/* A rate that would have brought enough samples in the same time; 0 where none that the kernel
 * allows by default would. */
static unsigned better_rate(const struct profile *p, double samples)
{
	static const unsigned rates[] = {499, 999, 1999, 4000, 9999};
	const char *rate = profile_comment_get(p, "rate");
	double now = rate ? strtod(rate, NULL) : 0;

	if (now <= 0 && p->period > 0 &&
	    !strcmp(profile_str(p, p->period_type.unit), "nanoseconds"))
		now = 1e9 / (double)p->period;
	for (size_t i = 0; now > 0 && i < sizeof(rates) / sizeof(*rates); i++)
		if (rates[i] > now && (rates[i] >= now * ENOUGH_SAMPLES / samples ||
				       rates[i] == 4000))
			return rates[i];
	return 0;
}

static void put_too_few(const struct profile *p, const struct rank *r, struct buf *b)
{
	double part = share(r->rows.at[0].self, r->total), low, high;
	unsigned rate = better_rate(p, r->samples);

	rank_interval(part, r->samples, &low, &high);
	buf_printf(b,
		   "  too few to rank (top row %.0f of %.0f, 95 %% interval %.0f-%.0f %%)."
		   " Run longer",
		   part * r->samples, r->samples, 100 * low, 100 * high);
	if (rate)
		buf_printf(b, " or -F %u", rate);
	put(b, ".\n");
}

static void put_top(const struct rank *r, size_t i, const struct term *t, struct buf *b)
{
	const struct rank_row *row = &r->rows.at[i];
	double self = share(row->self, r->total);

	buf_printf(b, "%s%5.1f %%", i ? "              " : "  top self    ", 100 * self);
	if (r->samples > 0)
		buf_printf(b, " %s%.1f", term_plus_minus(t), rank_margin(self, r->samples));
	put(b, "  ");
	term_put_name(t, b, row->name, NAME_MAX);
	if (row->unnamed)
		put(b, "  no symbols");
	else if (*row->module)
		buf_printf(b, *row->module == '[' ? " %s" : "  %s", row->module);
	put(b, "\n");
}

int table_top_self(const struct profile *p, const struct term *t, struct buf *b)
{
	struct rank r;
	int e = rank_profile(p, RANK_FUNCTION, false, &r);

	if (e)
		return e;
	if (r.rows.len && r.samples > 0 && r.samples < FEW_SAMPLES)
		put_too_few(p, &r, b);
	else
		for (size_t i = 0; i < r.rows.len && i < TOP_ROWS && r.rows.at[i].self; i++)
			put_top(&r, i, t, b);
	rank_free(&r);
	return 0;
}
