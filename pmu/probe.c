/* SPDX-License-Identifier: Apache-2.0
 *
 * events_probe(): what this machine and user can really have, learnt by opening it.
 */
#include "pmu/attr.h"
#include "pmu/facts.h"
#include "pmu/resolve.h"
#include "pmu/unique.h"
#include "pmu/usable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Long enough never to fire while it is open. */
#define PERIOD_NEVER ((uint64_t)1 << 40)

static int try_open(const struct event *e, const struct open_target *t, uint64_t period)
{
	const struct sampling how = {.period = period};
	int fd = pmu_open(e, t, &how);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static bool is_cycles(const struct event *e)
{
	return e->source == EVENT_ALIAS && e->type == PERF_TYPE_HARDWARE &&
	       e->config == PERF_COUNT_HW_CPU_CYCLES;
}

/* Counted with kernel registers only: with the kernel left out they count nothing (measured with
 * Linux 6.18; tracepoints of system calls carry the user's registers). */
static bool kernel_only(const struct event *e)
{
	if (e->type == PERF_TYPE_TRACEPOINT)
		return strncmp(e->name, "syscalls:", 9) != 0;
	return e->type == PERF_TYPE_SOFTWARE && (e->config == PERF_COUNT_SW_CONTEXT_SWITCHES ||
						 e->config == PERF_COUNT_SW_CPU_MIGRATIONS);
}

static bool typed_host(const struct event *e)
{
	const char *mods = strrchr(e->name, '/');

	mods = mods ? mods : strrchr(e->name, ':');
	return mods && strchr(mods, 'H');
}

static bool has_plain_cycles(const struct event *e, const struct open_target *t)
{
	struct event plain = *e;

	plain.precise = 0;
	return !try_open(&plain, t, PERIOD_NEVER);
}

static void fall_back(struct event *events, size_t n, size_t i)
{
	struct event *e = &events[i];

	e->type = PERF_TYPE_SOFTWARE;
	e->config = PERF_COUNT_SW_CPU_CLOCK;
	e->precise = 0;
	e->exclude_guest = e->exclude_host = false;
	e->hardware = false;
	e->is_clock = true;
	e->fell_back = true;
	snprintf(e->sample_type, sizeof(e->sample_type), "cpu-clock");
	snprintf(e->unit, sizeof(e->unit), "nanoseconds");
	event_make_unique(events, n, i);
}

/* Changes one thing in event i so that it may open after `rc`: false when nothing is left that may
 * be changed. */
static bool yield_one(struct event *events, size_t n, size_t i, const struct open_target *t,
		      int rc, bool *user_only)
{
	struct event *e = &events[i];

	if ((rc == -EACCES || rc == -EPERM) && !e->exclude_kernel && !e->exclude_user &&
	    !kernel_only(e)) {
		e->exclude_kernel = true;
		*user_only = true;
		return true;
	}
	if (rc == -EINVAL && e->exclude_guest && !e->exclude_host && !typed_host(e)) {
		e->exclude_guest = false;
		return true;
	}
	/* cycles:p on a machine with cycles, but no precise ones, is an error, not a clock. */
	if ((rc == -ENOENT || rc == -ENODEV || rc == -EOPNOTSUPP) && is_cycles(e) &&
	    !has_plain_cycles(e, t)) {
		fall_back(events, n, i);
		return true;
	}
	return false;
}

static int open_yielding(struct event *events, size_t n, size_t i, const struct open_target *t,
			 bool *user_only)
{
	const struct event asked = events[i];
	bool left_out = *user_only, best = asked.precise == PRECISE_BEST;
	struct event *e = &events[i];
	int rc, first = 0;

	if (best)
		e->precise = 3;
	for (;;) {
		rc = try_open(e, t, 0);
		/* A PMU without interrupts counts and cannot sample: no cycles either. */
		if (!rc && is_cycles(e))
			rc = try_open(e, t, PERIOD_NEVER);
		if (!rc) {
			*user_only = left_out;
			return 0;
		}
		first = first ? first : rc;
		if (best && e->precise && (rc == -EINVAL || rc == -EOPNOTSUPP)) {
			e->precise--;
			continue;
		}
		if (!yield_one(events, n, i, t, rc, &left_out)) {
			events[i] = asked;
			/* Refused with the kernel part, not there without it: not there. But a PMU
			 * that cannot leave the kernel out (EINVAL) needs the right to it. */
			return rc == -EINVAL && first == -EACCES ? first : rc;
		}
	}
}

int events_probe(struct event *events, size_t n, bool system_wide, int cpu, bool *user_only,
		 char *why)
{
	const struct open_target t = {.pid = system_wide ? -1 : 0, .cpu = system_wide ? cpu : -1,
				      .cgroup = -1};
	const struct sampling how = {0};
	bool left_out = false;

	*why = '\0';
	for (size_t i = 0; i < n; i++) {
		int rc = open_yielding(events, n, i, &t, &left_out);

		if (rc < 0) {
			pmu_explain(rc, &events[i], &t, &how, why, EVENT_WHY_MAX);
			return rc;
		}
	}
	*user_only = left_out;
	return 0;
}

static int try_usable(const struct event *e, const struct open_target *t, uint64_t period)
{
	struct event other = *e;
	int rc = try_open(e, t, period);

	if (rc != -EINVAL || !e->exclude_guest)
		return rc;
	other.exclude_guest = false;
	return try_open(&other, t, period);
}

enum usable event_usable(const struct event *e, int *ret_err)
{
	const struct open_target self = {.pid = 0, .cpu = -1, .cgroup = -1};
	const struct open_target machine = {.pid = -1, .cpu = 0, .cgroup = -1};
	struct event user = *e;
	int rc = try_usable(e, &self, PERIOD_NEVER);

	*ret_err = -rc;
	if (!rc)
		return USABLE_ALL;
	user.exclude_kernel = true;
	if ((rc == -EACCES || rc == -EPERM) && !kernel_only(e) && !e->exclude_user) {
		rc = try_usable(&user, &self, PERIOD_NEVER);
		if (!rc)
			return USABLE_USER;
		*ret_err = -rc;
	}
	if (rc == -EINVAL || rc == -EOPNOTSUPP) {
		if (!try_usable(e, &machine, PERIOD_NEVER))
			return USABLE_SYSTEM;
		if (!try_usable(e, &self, 0) || !try_usable(&user, &self, 0) ||
		    !try_usable(e, &machine, 0))
			return USABLE_COUNT;
	}
	return USABLE_NO;
}
