/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/events.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pmu/abi.h"
#include "pmu/unique.h"

static const char *const hardware[] = {
	[PERF_COUNT_HW_CPU_CYCLES] = "cycles",
	[PERF_COUNT_HW_INSTRUCTIONS] = "instructions",
	[PERF_COUNT_HW_CACHE_REFERENCES] = "cache-references",
	[PERF_COUNT_HW_CACHE_MISSES] = "cache-misses",
	[PERF_COUNT_HW_BRANCH_INSTRUCTIONS] = "branches",
	[PERF_COUNT_HW_BRANCH_MISSES] = "branch-misses",
	[PERF_COUNT_HW_BUS_CYCLES] = "bus-cycles",
	[PERF_COUNT_HW_STALLED_CYCLES_FRONTEND] = "stalled-cycles-frontend",
	[PERF_COUNT_HW_STALLED_CYCLES_BACKEND] = "stalled-cycles-backend",
	[PERF_COUNT_HW_REF_CPU_CYCLES] = "ref-cycles",
};

static const char *const software[] = {
	[PERF_COUNT_SW_CPU_CLOCK] = "cpu-clock",
	[PERF_COUNT_SW_TASK_CLOCK] = "task-clock",
	[PERF_COUNT_SW_PAGE_FAULTS] = "page-faults",
	[PERF_COUNT_SW_CONTEXT_SWITCHES] = "context-switches",
	[PERF_COUNT_SW_CPU_MIGRATIONS] = "cpu-migrations",
	[PERF_COUNT_SW_PAGE_FAULTS_MIN] = "minor-faults",
	[PERF_COUNT_SW_PAGE_FAULTS_MAJ] = "major-faults",
	[PERF_COUNT_SW_ALIGNMENT_FAULTS] = "alignment-faults",
	[PERF_COUNT_SW_EMULATION_FAULTS] = "emulation-faults",
};

static const char *known_name(const struct perfdata_attr *a)
{
	uint64_t config = a->type == PERF_TYPE_HARDWARE ? a->config & UINT32_MAX : a->config;

	if (a->type == PERF_TYPE_HARDWARE && config < sizeof(hardware) / sizeof(hardware[0]))
		return hardware[config];
	if (a->type == PERF_TYPE_SOFTWARE && config < sizeof(software) / sizeof(software[0]))
		return software[config];
	return NULL;
}

static void name_event(struct event *e, const struct perfdata_attr *a)
{
	const char *known = known_name(a);

	if (a->name[0])
		snprintf(e->name, sizeof(e->name), "%.*s", (int)sizeof(e->name) - 1, a->name);
	else if (known)
		snprintf(e->name, sizeof(e->name), "%s", known);
	else
		snprintf(e->name, sizeof(e->name), "type%u_0x%llx", a->type,
			 (unsigned long long)a->config);
}

/* Modifiers are what follows the last colon and are letters that perf has for them. */
static size_t without_modifiers(const char *name)
{
	const char *colon = strrchr(name, ':');

	if (!colon || !colon[1] || colon[1 + strspn(colon + 1, "ukhGHpPSDIeWb")])
		return strlen(name);
	return (size_t)(colon - name);
}

/* A name for a profile: letters, digits and '_'; the clocks keep their usual spelling. */
static void name_sample_type(struct event *e, const struct perfdata_attr *a)
{
	const char *known = known_name(a);
	size_t n = 0, max = sizeof(e->sample_type) - 1, len = without_modifiers(e->name);

	if (known && e->is_clock) {
		snprintf(e->sample_type, sizeof(e->sample_type), "%s", known);
		return;
	}
	for (size_t i = 0; i < len && n < max; i++) {
		bool keep = isalnum((unsigned char)e->name[i]);
		if (keep || (n && e->sample_type[n - 1] != '_'))
			e->sample_type[n++] = keep ? e->name[i] : '_';
	}
	while (n && e->sample_type[n - 1] == '_')
		n--;
	e->sample_type[n] = '\0';
	if (!n)
		snprintf(e->sample_type, sizeof(e->sample_type), "event");
}

static void fill(struct event *e, const struct perfdata_attr *a)
{
	*e = (struct event){.type = a->type, .config = a->config, .config1 = a->config1,
			    .config2 = a->config2, .exclude_user = a->exclude_user,
			    .exclude_kernel = a->exclude_kernel, .precise = a->precise};
	e->hardware = a->type == PERF_TYPE_HARDWARE || a->type == PERF_TYPE_RAW ||
		      a->type == PERF_TYPE_HW_CACHE;
	e->is_clock = a->type == PERF_TYPE_SOFTWARE && (a->config == PERF_COUNT_SW_CPU_CLOCK ||
							a->config == PERF_COUNT_SW_TASK_CLOCK);
	e->counts_each = !a->freq && a->period == 1;
	snprintf(e->unit, sizeof(e->unit), "%s", e->is_clock ? "nanoseconds" : "count");
	name_event(e, a);
	name_sample_type(e, a);
}

size_t events_of_attrs(const struct perfdata_attrs *as, struct event *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < as->at.len; i++) {
		const struct perfdata_attr *a = &as->at.at[i];
		if (a->slot == ATTR_NO_SLOT || a->slot >= EVENTS_MAX)
			continue;
		fill(&ret[a->slot], a);
		n = a->slot + 1 > n ? a->slot + 1 : n;
	}
	for (size_t i = 0; i < n; i++)
		event_make_unique(ret, n, i);
	return n;
}
