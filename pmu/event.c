/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/event.h"

#include "pmu/abi.h"
#include "pmu/resolve.h"
#include "pmu/roots.h"
#include "pmu/unique.h"
#include "pmu/unknown.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* rNNN: a raw code, in hexadecimal. */
static int raw_resolve(const char *name, struct event *e)
{
	char *end;

	if (*name != 'r' || !isxdigit((unsigned char)name[1]) || strlen(name) > 17)
		return -ENOENT;
	e->config = strtoull(name + 1, &end, 16);
	if (*end) {
		e->config = 0;
		return -ENOENT;
	}
	e->type = PERF_TYPE_RAW;
	e->source = EVENT_RAW;
	return 0;
}

/* The parts of the resolver that take a plain name, in their order. */
static int resolve_plain(const char *name, struct event *e, const struct why *w)
{
	const char *colon = strchr(name, ':');
	char system[EVENT_NAME_MAX], tracepoint_why[EVENT_WHY_MAX] = "";
	const struct why tw = {tracepoint_why, sizeof(tracepoint_why)};
	int rc, tracepoint = -ENOENT;

	if (!alias_resolve(name, e))
		return 0;
	rc = sysfs_resolve_bare(name, e, w);
	if (rc != -ENOENT)
		return rc;
	if (colon && colon[1] != ':' && !strchr(colon + 1, ':')) {
		snprintf(system, sizeof(system), "%.*s", (int)(colon - name), name);
		tracepoint = tracefs_resolve(system, colon + 1, e, &tw);
		if (!tracepoint)
			return 0;
		if (tracepoint != -ENOENT && tracepoint != -ENODEV && tracepoint != -EACCES) {
			why_add(w, "%s", tracepoint_why);
			return tracepoint;
		}
	}
	if (!raw_resolve(name, e))
		return 0;
	/* libpfm4 knows some of our aliases too, but not what follows them. */
	rc = unknown_modifier(name, w);
	if (rc < 0)
		return rc;
	rc = pfm_resolve(name, e, w);
	if (rc != -ENOENT)
		return rc;
	return unknown_event(name, tracepoint, tracepoint_why, w);
}

/* PMU/terms/modifiers */
static int resolve_slashed(char *text, struct event *e, struct modifiers *m, const struct why *w)
{
	char *terms = strchr(text, '/'), *end;

	*terms++ = '\0';
	end = strchr(terms, '/');
	if (!end) {
		why_add(w, "%s/%s: the closing '/' is missing\n", text, terms);
		return -EINVAL;
	}
	*end++ = '\0';
	if (*end == ':')
		end++;
	if (*end && !modifiers_parse(end, strlen(end), m)) {
		why_add(w, "%s/%s/%s: '%s' are not modifiers (u k h G H p pp ppp P)\n", text, terms,
			end, end);
		return -EINVAL;
	}
	return sysfs_resolve(text, terms, e, w);
}

/* "rw", "x", …: HW_BREAKPOINT_* bits, or 0 when they are not what the kernel can have. */
static uint64_t access_bits(const char *access)
{
	uint64_t bits = 0;

	for (; *access; access++) {
		if (!strchr("rwx", *access))
			return 0;
		bits |= *access == 'r' ? HW_BREAKPOINT_R : *access == 'w' ? HW_BREAKPOINT_W :
								      HW_BREAKPOINT_X;
	}
	return bits & HW_BREAKPOINT_X && bits != HW_BREAKPOINT_X ? 0 : bits;
}

/* ADDRESS[/LENGTH][:rwx] of mem: (perf_event_open(2), bp_type). */
static int resolve_breakpoint(char *text, struct event *e, const struct why *w)
{
	char *access = strchr(text, ':'), *length;
	uint64_t len = 4;

	if (access)
		*access++ = '\0';
	length = strchr(text, '/');
	if (length)
		*length++ = '\0';
	e->config = access_bits(access ? access : "rw");
	if (e->config == HW_BREAKPOINT_X)
		len = sizeof(long);
	if (!e->config || !text_u64(text, &e->config1) || (length && !text_u64(length, &len))) {
		why_add(w, "%s: want mem:ADDRESS[/LENGTH][:rw|:r|:w|:x]\n", e->name);
		return -EINVAL;
	}
	e->type = PERF_TYPE_BREAKPOINT;
	e->config2 = len;
	e->source = EVENT_RAW;
	return 0;
}

static void describe(struct event *e)
{
	bool software = e->type == PERF_TYPE_SOFTWARE;

	e->is_clock = software && (e->config == PERF_COUNT_SW_CPU_CLOCK ||
				   e->config == PERF_COUNT_SW_TASK_CLOCK);
	e->counts_each = !e->is_clock && (software || e->type == PERF_TYPE_TRACEPOINT ||
					  e->type == PERF_TYPE_BREAKPOINT);
	e->hardware = !software && e->type != PERF_TYPE_TRACEPOINT &&
		      e->type != PERF_TYPE_BREAKPOINT;
	snprintf(e->unit, sizeof(e->unit), "%s", e->is_clock ? "nanoseconds" : "count");
}

/* The name in a profile: what may not stand in one becomes '_'. The clocks keep their '-': it is
 * by them that a reader tells a stand-in for cycles. */
static void name_sample_type(struct event *e, const char *base)
{
	const char *colons = strstr(base, "::");
	size_t n = 0;

	if (!*e->sample_type)
		snprintf(e->sample_type, sizeof(e->sample_type), "%.63s",
			 colons ? colons + 2 : base);
	for (char *c = e->sample_type; *c; c++) {
		bool keep = isalnum((unsigned char)*c) || (*c == '-' && e->is_clock);

		e->sample_type[n] = keep ? *c : '_';
		/* "cpu/event=0x3c/" needs no row of them, nor one at the end. */
		if (keep || (n > 0 && e->sample_type[n - 1] != '_'))
			n++;
	}
	while (n > 0 && e->sample_type[n - 1] == '_')
		n--;
	e->sample_type[n] = '\0';
	if (!n)
		snprintf(e->sample_type, sizeof(e->sample_type), "event");
}

static int resolve_one(const char *text, size_t len, struct event *e, const struct why *w)
{
	char name[EVENT_NAME_MAX], base[EVENT_NAME_MAX];
	struct modifiers m = {0};
	int rc;

	snprintf(e->name, sizeof(e->name), "%.*s", (int)len, text);
	memcpy(name, e->name, sizeof(name));
	if (strncmp(name, "mem:", 4) && strchr(name, '/')) {
		memcpy(base, name, sizeof(base));
		*strrchr(base, '/') = '\0';
		rc = resolve_slashed(name, e, &m, w);
	} else {
		modifiers_take(name, &m);
		memcpy(base, name, sizeof(base));
		rc = strncmp(name, "mem:", 4) ? resolve_plain(name, e, w)
					      : resolve_breakpoint(name + 4, e, w);
	}
	if (rc < 0)
		return rc;
	describe(e);
	/* What a guest does cannot be looked into from here: its addresses are not ours.
	 * events_probe() takes it back where a PMU cannot tell. */
	e->exclude_guest = e->hardware;
	modifiers_apply(&m, e);
	name_sample_type(e, base);
	return 0;
}

static bool sample_type_taken(const struct event *events, size_t n, size_t i)
{
	for (size_t j = 0; j < n; j++) {
		if (j != i && !strcmp(events[j].sample_type, events[i].sample_type))
			return true;
	}
	return false;
}

void event_make_unique(struct event *events, size_t n, size_t i)
{
	struct event *e = &events[i];
	const char *mods = strrchr(e->name, ':');
	char first[sizeof(e->sample_type)];

	memcpy(first, e->sample_type, sizeof(first));
	if (!sample_type_taken(events, n, i))
		return;
	if (mods && isalpha((unsigned char)mods[1]) && strlen(mods) < 9)
		snprintf(e->sample_type, sizeof(e->sample_type), "%.50s_%s", first, mods + 1);
	for (unsigned number = 2; sample_type_taken(events, n, i); number++)
		snprintf(e->sample_type, sizeof(e->sample_type), "%.50s_%u", first, number);
}

static int check_twice(const struct event *events, size_t n, const struct why *w)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(events[i].name, events[n].name)) {
			why_add(w, "'%s' is given twice\n", events[n].name);
			return -EINVAL;
		}
	}
	return 0;
}

/* Length of the first event in a list: commas inside PMU/…/ do not part. */
static size_t first_event(const char *text)
{
	bool inside = false, memory = !strncmp(text, "mem:", 4);
	size_t n;

	for (n = 0; text[n] && (text[n] != ',' || inside); n++)
		inside ^= text[n] == '/' && !memory;
	return n;
}

static int check_text(const char *text, size_t len, const struct why *w)
{
	if (!len) {
		why_add(w, "an event's name is empty\n");
		return -EINVAL;
	}
	if (len >= EVENT_NAME_MAX) {
		why_add(w, "'%.40s…' is longer than any event's name (%d bytes)\n", text,
			EVENT_NAME_MAX - 1);
		return -E2BIG;
	}
	if (*text == '{') {
		why_add(w, "groups ({a,b}) cannot be sampled: give the events without braces\n");
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f) {
			why_add(w, "event %.*s: byte %zu (0x%02x) cannot be part of a name\n", (int)i,
				text, i + 1, (unsigned char)text[i]);
			return -EINVAL;
		}
	}
	return 0;
}

int events_resolve(const char *text, struct event *events, size_t *n, char *why)
{
	const struct why w = {why, EVENT_WHY_MAX};
	size_t len, count = *n;
	int rc;

	*why = '\0';
	for (;; text += len + 1) {
		len = first_event(text);
		if (count >= EVENTS_MAX) {
			why_add(&w, "more than %d events at once\n", EVENTS_MAX);
			return -E2BIG;
		}
		events[count] = (struct event){0};
		rc = check_text(text, len, &w);
		if (!rc)
			rc = resolve_one(text, len, &events[count], &w);
		if (!rc)
			rc = check_twice(events, count, &w);
		if (rc < 0) {
			why_trim(&w);
			return rc;
		}
		event_make_unique(events, count + 1, count);
		count++;
		if (!text[len])
			break;
	}
	*n = count;
	return 0;
}
