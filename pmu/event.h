/* SPDX-License-Identifier: Apache-2.0
 *
 * From what a person types after -e to what perf_event_open(2) takes.
 *
 * Resolver, first match wins: our aliases (cycles, cache-misses, cpu-clock, page-faults, …) →
 * PMU/param=…,…/ from sysfs → tracepoint sys:name from tracefs → rNNN → libpfm4 → "did you mean".
 * Modifiers after a colon as perf has them: u k h G H p pp ppp P.
 */
#ifndef PMU_EVENT_H
#define PMU_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENT_NAME_MAX = 256, EVENTS_MAX = 32, EVENT_WHY_MAX = 2048 };

enum event_source { EVENT_ALIAS, EVENT_SYSFS, EVENT_TRACEPOINT, EVENT_RAW, EVENT_PFM };

struct event {
	char name[EVENT_NAME_MAX]; /* as typed, modifiers included: "cycles:u" */
	char sample_type[64];      /* its name in a profile: no '-', ':', '/' or blanks ("cpu-clock"
				    * keeps its usual spelling: it is the one that tells a fallback) */
	char unit[16];             /* "nanoseconds" for clocks, "count" otherwise */
	enum event_source source;
	uint32_t type; /* perf_event_attr.type, .config, … */
	uint64_t config, config1, config2;
	bool exclude_user, exclude_kernel, exclude_hv, exclude_host, exclude_guest;
	uint8_t precise;
	bool hardware;    /* needs a PMU */
	bool is_clock;    /* cpu-clock, task-clock: the weight is in nanoseconds */
	bool counts_each; /* software and tracepoint events: fixed period 1 unless -c or -F is given */
	bool fell_back;   /* cycles was asked for, there is no PMU, this is cpu-clock */
};

/* Resolves a whole -e argument ("cycles:u,sched:sched_switch,cpu/event=0x3c,umask=1/"; commas
 * inside PMU/…/ do not part). Appends to events[*n]. 0, or -ENOENT (no such name), -EINVAL
 * (malformed), -ENODEV (exists, not here), -E2BIG; `why` (EVENT_WHY_MAX bytes) then holds the
 * sentences for people: which part is wrong, nearest names, what to type. Nothing is opened. */
int events_resolve(const char *text, struct event *events, size_t *n, char *why);

/* Opens each event once, disabled, as a plain counter for the given target kind, to learn
 * whether this machine and user can have it. Replaces a "cycles" that has no PMU (ENOENT) by
 * cpu-clock and sets fell_back; drops the kernel part (exclude_kernel) of an event where
 * perf_event_paranoid forbids it to this user and sets *user_only. Otherwise an event that cannot
 * be opened yields -errno and `why`: the cause as observed (errno, sysctl read, capability) and
 * the fix. `system_wide`: probe with pid -1 on CPU `cpu`; else with pid 0 (this process). */
int events_probe(struct event *events, size_t n, bool system_wide, int cpu, bool *user_only,
		 char *why);

#endif
