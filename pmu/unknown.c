/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/unknown.h"

#include "pmu/hints.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct offers {
	struct near *near;
	const char *system;
};

static int offer(void *arg, const char *name)
{
	const char *colons = strstr(name, "::");

	near_offer(arg, colons ? colons + 2 : name);
	return 0;
}

static int offer_tracepoint(void *arg, const char *name)
{
	const struct offers *o = arg;
	char full[NEAR_NAME_MAX];

	snprintf(full, sizeof(full), "%s:%s", o->system, name);
	near_offer(o->near, full);
	return 0;
}

static int offer_system(void *arg, const char *system)
{
	struct offers o = {arg, system};

	(void)tracefs_each(system, offer_tracepoint, &o);
	return 0;
}

static int offer_pmu(void *arg, const char *pmu)
{
	(void)sysfs_each_event(pmu, offer, arg);
	return 0;
}

static int offer_pfm(void *arg, const char *pmu)
{
	(void)pfm_each_event(pmu, offer, arg);
	return 0;
}

void offer_names(struct near *near, bool tracepoints)
{
	for (int g = 0; g < ALIAS_GROUPS; g++)
		(void)alias_each((enum alias_group)g, offer, near);
	(void)sysfs_each_pmu(offer_pmu, near);
	(void)pfm_each_pmu(offer_pfm, near);
	if (tracepoints)
		(void)tracefs_each_system(offer_system, near);
}

int unknown_modifier(const char *name, const struct why *w)
{
	const char *colon = strchr(name, ':');
	char base[EVENT_NAME_MAX];
	struct event e = {0};

	if (!colon || colon[1] == ':')
		return 0;
	snprintf(base, sizeof(base), "%.*s", (int)(colon - name), name);
	if (alias_resolve(base, &e))
		return 0;
	why_add(w, "%s: '%s' is an event, but '%s' is not a modifier (u k h G H p pp ppp P)\n", name,
		base, colon + 1);
	return -EINVAL;
}

/* What of a name to search for in the hint: no mask, nothing that a shell would read. */
static void search_word(const char *name, char out[NEAR_NAME_MAX])
{
	const char *colons = strstr(name, "::");
	size_t n = 0;

	for (name = colons ? colons + 2 : name; *name && *name != ':'; name++) {
		if (n + 1 == NEAR_NAME_MAX || strchr("'\"\\$`*?[]{}()<>|&;!#~", *name))
			break;
		out[n++] = *name;
	}
	out[n] = '\0';
}

int unknown_event(const char *name, int tracepoint, const char *tracepoint_why,
		  const struct why *w)
{
	char text[NEAR_MAX * NEAR_NAME_MAX], word[NEAR_NAME_MAX];
	const char *elsewhere;
	struct near near;

	elsewhere = pfm_elsewhere(name);
	if (elsewhere) {
		why_add(w, "%s: an event of %s; this CPU has none of that name.\n", name, elsewhere);
	} else if (*tracepoint_why) {
		why_add(w, "%s", tracepoint_why);
		return tracepoint;
	} else {
		why_add(w, "no event '%s'.\n", name);
	}
	near_init(&near, name);
	offer_names(&near, strchr(name, ':') || !elsewhere);
	near_text(&near, text, sizeof(text));
	if (*text)
		why_add(w, "  did you mean %s?\n", text);
	search_word(name, word);
	if (*word)
		why_add(w, "  " HINT_LIST "\n", hint_program(), word);
	return elsewhere ? -ENODEV : -ENOENT;
}
