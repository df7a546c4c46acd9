/* SPDX-License-Identifier: Apache-2.0
 *
 * What a profile says of itself: one comment a figure, "name: value".
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "agent/cmd/figures.h"
#include "agent/cmd/summary.h"

static void comment_ends(struct recording *r, struct profile *p)
{
	const struct collector_counters *c = collector_counters(r->collector);

	for (int i = 0; i < WALK_ENDS_N; i++)
		if (c->by_end[i] && i != WALK_TRUNCATED) /* has a line of its own */
			profile_comment(p, "stacks %s: %" PRIu64, walk_end_word(i), c->by_end[i]);
}

static void comment_estimates(const struct recording *r, struct profile *p)
{
	for (size_t i = 0; i < r->options.n_events; i++)
		if (figures_estimated(r, i))
			profile_comment(p, "estimate: %s, by -F; counted %" PRIu64,
					r->options.events[i].name,
					session_counted(r->session, (uint32_t)i));
}

static void comment_host(struct profile *p)
{
	struct utsname u;

	if (uname(&u))
		return;
	profile_comment(p, "host: %s", u.nodename);
	profile_comment(p, "kernel: %s %s %s", u.sysname, u.release, u.machine);
}

void summary_comments(struct recording *r, struct profile *p)
{
	const struct collector_counters *c = collector_counters(r->collector);
	const struct event *fell = figures_fallback(r);
	char events[512], rate[64], ends[256], target[512];
	char symbolizer[128];
	struct figures f;

	figures_of(r, &f);
	figures_events(r, events, sizeof(events));
	figures_rate(r, rate, sizeof(rate));
	figures_symbolizer(r, symbolizer, sizeof(symbolizer));
	figures_ends(collector_counters(r->collector), ends, sizeof(ends));
	figures_target(r, target, sizeof(target));
	profile_comment(p, "tool: pmuscope %s", PMUSCOPE_VERSION);
	profile_comment(p, "target: %s", target);
	profile_comment(p, "event: %s", events);
	profile_comment(p, "rate: %s", rate);
	comment_estimates(r, p);
	if (fell)
		profile_comment(p, "fallback: cpu-clock instead of cycles (no PMU: ENOENT)");
	if (r->kernel_unnamed)
		profile_comment(p, "kernel names: none (/proc/kallsyms has no addresses)");
	if (r->user_only)
		profile_comment(p, "user only: yes (perf_event_paranoid)");
	profile_comment(p, "quality: %c", f.grade);
	profile_comment(p, "cpus: %u", session_cpus(r->session));
	profile_comment(p, "samples: %" PRIu64, f.samples);
	profile_comment(p, "lost: %" PRIu64, f.lost);
	profile_comment(p, "lost mappings: %" PRIu64, r->stats.sideband_lost);
	profile_comment(p, "truncated: %" PRIu64, f.truncated);
	profile_comment(p, "complete: %.2f %%", 100 * f.complete_share);
	if (ends[0])
		profile_comment(p, "incomplete: %s", ends);
	profile_comment(p, "unsymbolized: %.2f %%", 100 * (1 - f.named_share));
	profile_comment(p, "running: %.1f %%", 100 * f.running_share);
	profile_comment(p, "suspect: %" PRIu64, c->suspect);
	profile_comment(p, "throttled: %" PRIu64, r->stats.throttled);
	if (symbolizer[0])
		profile_comment(p, "symbolizer: %s", symbolizer);
	if (opener_starved(r->opener))
		profile_comment(p, "not opened: %" PRIu64 " files (RLIMIT_NOFILE)",
				opener_starved(r->opener));
	if (opener_late(r->opener))
		profile_comment(p, "not opened in time: %" PRIu64 " files", opener_late(r->opener));
	profile_comment(p, "stack copy: %u bytes", session_stack_bytes(r->session));
	profile_comment(p, "own cost: %.2f %%", 100 * f.own_share);
	if (c->first_complete)
		profile_comment(p, "first stack: %.1f ms after the first sample",
				(double)(c->first_complete - c->first_sample) / 1e6);
	comment_ends(r, p);
	comment_host(p);
}
