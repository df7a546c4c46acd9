/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/base/clock.h"

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* User and system time of a process that still runs (proc(5) stat, fields 14 and 15). */
static double cpu_of(int pid)
{
	char path[64], line[1024];
	unsigned long user = 0, sys = 0;
	const char *after;
	FILE *f;

	if (pid <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f) && (after = strrchr(line, ')')))
		sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		       &sys);
	fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* The command is a child too, so only ourselves and the helpers that still run are counted. */
static double own_cpu(const struct recording *r)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return seconds_of(u.ru_utime) + seconds_of(u.ru_stime) +
	       cpu_of(symbolizer_pid(r->symbolizer));
}

static double share(uint64_t part, uint64_t whole, double of_nothing)
{
	return whole ? (double)part / (double)whole : of_nothing;
}

char figures_grade(const struct figures *f)
{
	if (f->lost_share <= 0.001 && f->complete_share >= 0.99 && f->named_share >= 0.9 &&
	    f->running_share >= 0.99)
		return 'A';
	if (f->lost_share <= 0.01 && f->complete_share >= 0.95 && f->named_share >= 0.7 &&
	    f->running_share >= 0.5)
		return 'B';
	return 'C';
}

static double clock_seconds(const struct recording *r)
{
	const struct window_count *const *counts;
	size_t n = window_counts(collector_window(r->collector), &counts);
	double ns = 0;
	bool any = false;

	for (size_t e = 0; e < r->options.n_events && !any; e++) {
		if (!r->options.events[e].is_clock)
			continue;
		any = true;
		for (size_t i = 0; i < n; i++)
			if (counts[i]->key.event == e)
				ns += (double)counts[i]->weight;
	}
	return any ? ns / 1e9 : -1;
}

void figures_of_stacks(const struct collector_counters *c, const struct resolve_figures *names,
		       struct figures *ret)
{
	ret->samples = c->samples;
	ret->user_stacks = c->samples - c->by_end[WALK_NONE];
	for (int i = 0; i < WALK_ENDS_N; i++)
		if (i != WALK_NONE && walk_end_complete(i))
			ret->complete += c->by_end[i];
	ret->truncated = c->by_end[WALK_TRUNCATED];
	ret->lost_share = share(ret->lost, ret->samples + ret->lost, 0);
	ret->complete_share = share(ret->complete, ret->user_stacks, 1);
	ret->named_share = share(names->samples_named, names->samples, 1);
}

void figures_of(struct recording *r, struct figures *ret)
{
	struct figures f = {.lost = r->stats.samples_lost};

	figures_of_stacks(collector_counters(r->collector), &r->figures, &f);
	f.running_share = r->stats.running;
	f.seconds = (double)((r->end ? r->end : clock_mono()) - r->start) / 1e9;
	f.cpu_seconds = clock_seconds(r);
	f.own_share = f.seconds > 0 ? own_cpu(r) / f.seconds / session_cpus(r->session) : 0;
	f.grade = figures_grade(&f);
	*ret = f;
}

void figures_ends(const struct collector_counters *c, char *buf, size_t size)
{
	uint64_t all = c->samples - c->by_end[WALK_NONE];
	size_t at = 0;

	buf[0] = '\0';
	for (int i = 0; i < WALK_ENDS_N && at < size; i++)
		if (!walk_end_complete(i) && c->by_end[i])
			at += (size_t)snprintf(buf + at, size - at, "%s%.2f %% %s", at ? ", " : "",
					       100 * share(c->by_end[i], all, 0), walk_end_word(i));
}

const char *figures_grouped(uint64_t v, char buf[32])
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v), o = 0;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			buf[o++] = ',';
		buf[o++] = digits[i];
	}
	buf[o] = '\0';
	return buf;
}

const char *figures_bytes(uint64_t v, char buf[32])
{
	if (v < 10000)
		snprintf(buf, 32, "%" PRIu64 " bytes", v);
	else if (v < 10000000)
		snprintf(buf, 32, "%" PRIu64 " kB", v / 1000);
	else
		snprintf(buf, 32, "%.1f MB", (double)v / 1e6);
	return buf;
}

void figures_events(const struct recording *r, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < r->options.n_events && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? ", " : "",
				       r->options.events[i].fell_back
					       ? "cpu-clock (for cycles)"
					       : r->options.events[i].name);
}

void figures_rate(const struct recording *r, char *buf, size_t size)
{
	const struct options *o = &r->options;

	if (o->period)
		snprintf(buf, size, "every %" PRIu64, o->period);
	else if (o->n_events == 1 && o->events[0].counts_each && !o->frequency_given)
		snprintf(buf, size, "each one");
	else
		snprintf(buf, size, "%" PRIu64 " Hz", o->frequency);
}

void figures_target(const struct recording *r, char *buf, size_t size)
{
	const struct options *o = &r->options;

	switch (o->target) {
	case TARGET_ALL:
		snprintf(buf, size, "%u CPU%s", session_cpus(r->session),
			 session_cpus(r->session) == 1 ? "" : "s");
		break;
	case TARGET_CGROUP:
		snprintf(buf, size, "cgroup %s", o->cgroup);
		break;
	case TARGET_NONE:
		snprintf(buf, size, "%s", o->command[0]);
		break;
	default:
		if (r->targets.pids.len == 1)
			snprintf(buf, size, "%s (%d, %zu thread%s)", r->targets.name,
				 r->targets.pids.at[0], r->targets.tids.len,
				 r->targets.tids.len == 1 ? "" : "s");
		else
			snprintf(buf, size, "%zu processes, %zu threads", r->targets.pids.len,
				 r->targets.tids.len);
		break;
	}
}

void figures_symbolizer(const struct recording *r, char *buf, size_t size)
{
	const struct symbolizer_counters *s = symbolizer_counters(r->symbolizer);
	char aside[48] = "";

	buf[0] = '\0';
	if (s->quarantined)
		snprintf(aside, sizeof(aside), ", %" PRIu64 " file%s set aside", s->quarantined,
			 s->quarantined == 1 ? "" : "s");
	if (s->restarts || s->refused)
		snprintf(buf, size, "started again %" PRIu64 " time%s%s%s", s->restarts,
			 s->restarts == 1 ? "" : "s", aside, s->refused ? ", then given up" : "");
}

const struct event *figures_fallback(const struct recording *r)
{
	for (size_t i = 0; i < r->options.n_events; i++)
		if (r->options.events[i].fell_back)
			return &r->options.events[i];
	return NULL;
}

/* The kernel chooses the period anew at each sample; what a sample weighs is the one that was chosen
 * before it, for an event that may come in bursts. Clocks tick evenly, and counters are adapted at
 * each tick of the system. */
bool figures_estimated(const struct recording *r, size_t event)
{
	return r->options.frequency_given && r->options.events[event].counts_each;
}

bool figures_kernel_unnamed(const struct profile *p)
{
	bool any = false;

	for (size_t i = 0; i < p->locations.len; i++) {
		uint32_t flags = p->locations.at[i].flags;
		if (!(flags & PROFILE_LOC_KERNEL))
			continue;
		if (!(flags & PROFILE_LOC_UNNAMED) && p->locations.at[i].n_lines)
			return false;
		any = true;
	}
	return any;
}
