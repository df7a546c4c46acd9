/* SPDX-License-Identifier: Apache-2.0
 *
 * libpfm4: the vendors' event names (pfm_get_os_event_encoding(3)). The only file that knows it.
 *
 * It calls a PMU present by CPUID, whether the kernel has it or not; it overwrites the exclude
 * bits and refuses :precise on AMD. So only type, config and who is counted are taken from it, our
 * modifiers never reach it, and whoever asks probes by opening.
 */
#include "pmu/abi.h" /* before libpfm4's header, which brings an older copy otherwise */
#include <perfmon/pfmlib_perf_event.h>

#include "pmu/resolve.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ATTRS_SHOWN = 12 };

static bool keep_environment;

void pfm_keep_environment(void)
{
	keep_environment = true;
}

/* LIBPFM_* can make the library encode for, or take this machine to be, another CPU. */
static void clear_environment(void)
{
	extern char **environ;
	char name[64];

	for (char **e = environ; e && *e; ) {
		size_t n = strcspn(*e, "=");

		if (strncmp(*e, "LIBPFM_", 7) || n >= sizeof(name)) {
			e++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)n, *e);
		if (unsetenv(name) < 0)
			e++;
	}
}

static bool ready(void)
{
	static int state = 1;

	if (state > 0) {
		if (!keep_environment)
			clear_environment();
		state = pfm_initialize() == PFM_SUCCESS ? 0 : -1;
	}
	return state == 0;
}

static bool pmu_info(pfm_pmu_t pmu, pfm_pmu_info_t *info)
{
	*info = (pfm_pmu_info_t){.size = sizeof(*info)};
	return pfm_get_pmu_info(pmu, info) == PFM_SUCCESS;
}

static bool event_info(int idx, pfm_event_info_t *info)
{
	*info = (pfm_event_info_t){.size = sizeof(*info)};
	return pfm_get_event_info(idx, PFM_OS_PERF_EVENT, info) == PFM_SUCCESS;
}

static bool attr_info(int idx, int i, pfm_event_attr_info_t *info)
{
	*info = (pfm_event_attr_info_t){.size = sizeof(*info)};
	return pfm_get_event_attr_info(idx, i, PFM_OS_PERF_EVENT, info) == PFM_SUCCESS;
}

static bool listed(const pfm_pmu_info_t *info)
{
	return info->is_present && info->type != PFM_PMU_TYPE_OS_GENERIC;
}

int pfm_each_pmu(name_fn *fn, void *arg)
{
	pfm_pmu_info_t info;
	int rc = 0;

	if (!ready())
		return -ENODEV;
	for (int p = PFM_PMU_NONE; !rc && p < PFM_PMU_MAX; p++) {
		if (pmu_info((pfm_pmu_t)p, &info) && listed(&info))
			rc = fn(arg, info.name);
	}
	return rc;
}

static int each_of(const pfm_pmu_info_t *pmu, name_fn *fn, void *arg)
{
	pfm_event_info_t info;
	char name[EVENT_NAME_MAX];
	int rc = 0;

	for (int i = pmu->first_event; !rc && i != -1; i = pfm_get_event_next(i)) {
		if (!event_info(i, &info))
			continue;
		snprintf(name, sizeof(name), "%s::%s", pmu->name, info.name);
		rc = fn(arg, name);
	}
	return rc;
}

int pfm_each_event(const char *pmu, name_fn *fn, void *arg)
{
	pfm_pmu_info_t info;

	if (!ready())
		return -ENODEV;
	for (int p = PFM_PMU_NONE; p < PFM_PMU_MAX; p++) {
		if (pmu_info((pfm_pmu_t)p, &info) && !strcmp(info.name, pmu))
			return each_of(&info, fn, arg);
	}
	return -ENOENT;
}

int pfm_each_mask(const char *event, name_fn *fn, void *arg)
{
	int idx = ready() ? pfm_find_event(event) : -1, rc = 0;
	pfm_event_attr_info_t info;
	char name[EVENT_NAME_MAX];

	for (int i = 0; idx >= 0 && !rc && attr_info(idx, i, &info); i++) {
		if (info.type != PFM_ATTR_UMASK)
			continue;
		snprintf(name, sizeof(name), "%s:%s", event, info.name);
		rc = fn(arg, name);
	}
	return rc;
}

/* Compares "EVENT" of "pmu::EVENT:UMASK…" (the PMU optional) with a name of the library. */
static bool same_event(const char *typed, const char *name)
{
	const char *at = strstr(typed, "::");

	at = at ? at + 2 : typed;
	return strlen(name) == strcspn(at, ":.") && !strncasecmp(at, name, strlen(name));
}

static bool has_event(const pfm_pmu_info_t *pmu, const char *typed)
{
	pfm_event_info_t info;

	for (int i = pmu->first_event; i != -1; i = pfm_get_event_next(i)) {
		if (event_info(i, &info) && same_event(typed, info.name))
			return true;
	}
	return false;
}

const char *pfm_elsewhere(const char *name)
{
	const char *prefix = strstr(name, "::");
	size_t n = prefix ? (size_t)(prefix - name) : 0;
	pfm_pmu_info_t info;

	if (!ready())
		return NULL;
	for (int p = PFM_PMU_NONE; p < PFM_PMU_MAX; p++) {
		if (!pmu_info((pfm_pmu_t)p, &info) || info.is_present)
			continue;
		if (prefix && (strlen(info.name) != n || strncasecmp(info.name, name, n)))
			continue;
		if (has_event(&info, name))
			return info.name;
	}
	return NULL;
}

/* Says which masks an event has, those near the typed one first. */
static void say_attrs(const char *typed, const struct why *w)
{
	char base[EVENT_NAME_MAX], text[NEAR_MAX * NEAR_NAME_MAX];
	const char *colons = strstr(typed, "::"), *event = colons ? colons + 2 : typed;
	const char *mask = strrchr(event, ':');
	pfm_event_attr_info_t info;
	struct near near;
	int idx, shown = 0;

	snprintf(base, sizeof(base), "%.*s", (int)(event - typed + (int)strcspn(event, ":")),
		 typed);
	idx = pfm_find_event(base);
	if (idx < 0)
		return;
	near_init(&near, mask ? mask + 1 : "");
	for (int i = 0; attr_info(idx, i, &info); i++)
		near_offer(&near, info.name);
	near_text(&near, text, sizeof(text));
	if (mask && *text)
		why_add(w, "  did you mean %s?\n", text);
	for (int i = 0; shown < ATTRS_SHOWN && attr_info(idx, i, &info); i++) {
		if (info.type != PFM_ATTR_UMASK)
			continue;
		why_add(w, "%s%s", shown++ ? " " : "  its masks: ", info.name);
	}
	if (shown)
		why_add(w, "%s\n", shown == ATTRS_SHOWN ? " …" : "");
}

static int refused(const char *name, int err, const struct why *w)
{
	if (err == PFM_ERR_NOTFOUND)
		return -ENOENT;
	if (err == PFM_ERR_NOMEM)
		return -ENOMEM;
	why_add(w, "%s: libpfm4 knows the event but not all of this: %s\n", name,
		pfm_strerror(err));
	say_attrs(name, w);
	return err == PFM_ERR_NOTSUPP ? -ENODEV : -EINVAL;
}

int pfm_resolve(const char *name, struct event *e, const struct why *w)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	pfm_perf_encode_arg_t arg = {.attr = &attr, .size = sizeof(arg), .cpu = -1};
	int rc;

	/* The library takes an empty name for a list's end. */
	if (!*name || !isalnum((unsigned char)*name) || !ready())
		return -ENOENT;
	rc = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &arg);
	if (rc != PFM_SUCCESS)
		return refused(name, rc, w);
	e->type = attr.type;
	e->config = attr.config;
	e->config1 = attr.config1;
	e->config2 = attr.config2;
	/* "EVENT:u:c=1": one of ours in the middle is the library's to read. */
	e->exclude_user = attr.exclude_user;
	e->exclude_kernel = attr.exclude_kernel;
	e->source = EVENT_PFM;
	return 0;
}
