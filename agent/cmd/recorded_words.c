/* SPDX-License-Identifier: Apache-2.0
 *
 * What `convert` and `report` say about a recording: nothing that was lost, cut, passed over or left
 * without a name goes unsaid.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/cmd/figures.h"
#include "agent/cmd/recorded.h"
#include "agent/cmd/summary.h"

enum { PATHS_SHOWN = 3 };

static void figures(const struct recorded *r, struct figures *f)
{
	const struct perfdata_stats *s = perfdata_stats(r->data);

	*f = (struct figures){.lost = s->lost + s->lost_samples, .running_share = 1,
			      .seconds = (double)r->duration / 1e9};
	figures_of_stacks(collector_counters(r->collector), &r->figures, f);
	f->grade = figures_grade(f);
}

static void event_words(const struct recorded *r, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < r->n_events && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? ", " : "",
				       r->events[i].name);
}

/* ---- the profile's comments ---- */

static void comment_source(const struct recorded *r, struct profile *p)
{
	const struct perfdata_info *i = &perfdata_head(r->data)->info;

	profile_comment(p, "source: recording of perf%s%s", i->version[0] ? " " : "", i->version);
	if (i->command[0])
		profile_comment(p, "command: %s", i->command);
	if (i->host[0])
		profile_comment(p, "host: %s", i->host);
	if (i->release[0])
		profile_comment(p, "kernel: Linux %s %s", i->release, i->arch);
	if (i->cpus)
		profile_comment(p, "cpus: %u", i->cpus);
}

static void comment_ends(const struct recorded *r, struct profile *p)
{
	const struct collector_counters *c = collector_counters(r->collector);

	for (int i = 0; i < WALK_ENDS_N; i++)
		if (c->by_end[i] && i != WALK_TRUNCATED)
			profile_comment(p, "stacks %s: %" PRIu64, walk_end_word(i), c->by_end[i]);
}

void recorded_comments(const struct recorded *r, struct profile *p)
{
	char events[1024], ends[256];
	struct figures f;

	figures(r, &f);
	event_words(r, events, sizeof(events));
	figures_ends(collector_counters(r->collector), ends, sizeof(ends));
	profile_comment(p, "tool: pmuscope %s", PMUSCOPE_VERSION);
	comment_source(r, p);
	profile_comment(p, "event: %s", events);
	profile_comment(p, "quality: %c", f.grade);
	profile_comment(p, "samples: %" PRIu64, f.samples);
	profile_comment(p, "lost: %" PRIu64, f.lost);
	profile_comment(p, "truncated: %" PRIu64, f.truncated);
	profile_comment(p, "complete: %.2f %%", 100 * f.complete_share);
	if (ends[0])
		profile_comment(p, "incomplete: %s", ends);
	profile_comment(p, "unsymbolized: %.2f %%", 100 * (1 - f.named_share));
	profile_comment(p, "throttled: %" PRIu64, perfdata_stats(r->data)->throttled);
	comment_ends(r, p);
}

/* ---- the closing lines ---- */

void recorded_output(const struct recorded *r, unsigned i, int status,
		     const struct exporter_output *out)
{
	const struct output *o = &r->outputs[i];
	char size[32], n[32];

	if (status)
		summary_unwritten(o->path, status, out);
	else
		log_say("wrote %s  %s    %s samples, %.2f s",
			strcmp(o->path, "-") ? o->path : "standard output",
			figures_bytes(out->written, size),
			figures_grouped(collector_counters(r->collector)->samples, n),
			(double)r->duration / 1e9);
}

static void say_quality(const struct figures *f, const struct collector_counters *c)
{
	char ends[256], n[32];

	figures_ends(c, ends, sizeof(ends));
	log_say("  quality %c   lost %s, stacks complete %.2f %%%s%s%s, named %.1f %% of samples",
		f->grade, figures_grouped(f->lost, n), 100 * f->complete_share,
		ends[0] ? " (" : "", ends, ends[0] ? ")" : "", 100 * f->named_share);
}

static void say_paths(const char *const *paths, size_t n, const char *what, const char *fix)
{
	char list[2048];
	size_t at = 0;

	for (size_t i = 0; i < n && i < PATHS_SHOWN && at < sizeof(list); i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", paths[i]);
	if (n > PATHS_SHOWN && at < sizeof(list))
		snprintf(list + at, sizeof(list) - at, " and %zu more", n - PATHS_SHOWN);
	if (n)
		log_note("%zu file%s of the recording %s%s: %s. Frames there stay module+0xoffset%s",
			 n, n == 1 ? "" : "s", n == 1 ? "is " : "are ", what, list, fix);
}

static void say_modules(const struct recorded *r)
{
	const char *fix = r->root ? "" : " (--symfs DIR: the folder that holds the recorded"
					 " machine's files)";
	const char *const *paths;
	size_t n = modules_missing(r->modules, &paths);

	say_paths(paths, n, r->root ? "not there" : "not here", fix);
	n = modules_refused(r->modules, &paths);
	say_paths(paths, n, "another build than was recorded (build ID)", fix);
}

static void say_kernel(const struct recorded *r)
{
	const struct perfdata_info *i = &perfdata_head(r->data)->info;

	if (r->kernel_seen && !r->kernel_is_ours)
		log_note("kernel addresses have no names: the recording is of %s%s, not of this boot"
			 " of this machine (or /proc/kallsyms hides its addresses here)",
			 i->release[0] ? "Linux " : "another kernel", i->release);
}

static void say_machine(const struct recorded *r)
{
	const struct perfdata_info *i = &perfdata_head(r->data)->info;
	const struct perfdata_stats *s = perfdata_stats(r->data);

	if (!s->no_registers)
		return;
	if (perfdata_machine(r->data) == MACHINE_OTHER)
		log_note("recorded on another kind of machine (%s): user stacks cannot be unwound"
			 " here, %" PRIu64 " samples keep their address and the kernel's call chain",
			 i->arch[0] ? i->arch : "other byte order", s->no_registers);
	else
		log_note("%" PRIu64 " samples have registers that cannot be unwound from here (32-bit"
			 " programs, another kind of machine, or too few of them: --user-regs)",
			 s->no_registers);
}

static void say_reading(const struct recorded *r)
{
	const struct perfdata_stats *s = perfdata_stats(r->data);

	if (r->read_status)
		log_note("reading stopped at byte %" PRIu64 ": %s. What came before is kept", s->end_at,
			 strerror(-r->read_status));
	else if (s->ended)
		log_note("reading stopped at byte %" PRIu64 ": %s. What came before is kept", s->end_at,
			 s->ended);
	if (perfdata_head(r->data)->unfinished)
		log_note("the recorder was ended before it had finished the file (its data has no"
			 " size): what is there was read");
	if (s->bad)
		log_note("%" PRIu64 " records made no sense and were passed over", s->bad);
	if (s->strangers)
		log_note("%" PRIu64 " records are of events that the file does not describe, or of more"
			 " than %d: passed over", s->strangers, EVENTS_MAX);
	if (s->late)
		log_note("%" PRIu64 " records came late: their mappings may have been others", s->late);
	if (s->lost || s->lost_samples)
		log_note("the recorder lost %" PRIu64 " records", s->lost + s->lost_samples);
}

static void say_helpers(const struct recorded *r)
{
	const struct symbolizer_counters *s = symbolizer_counters(r->symbolizer);

	if (s->restarts)
		log_note("the symbolizer was started again %" PRIu64 " time%s (%" PRIu64
			 " files set aside: their frames stay module+0x…)",
			 s->restarts, s->restarts == 1 ? "" : "s", s->quarantined);
	if (collector_counters(r->collector)->out_of_memory)
		log_note("%" PRIu64 " samples were dropped for want of memory",
			 collector_counters(r->collector)->out_of_memory);
}

void recorded_end(const struct recorded *r, const char *report)
{
	struct figures f;

	figures(r, &f);
	if (f.samples)
		say_quality(&f, collector_counters(r->collector));
	else
		log_note("no samples in %s", r->file);
	say_reading(r);
	say_machine(r);
	say_modules(r);
	say_kernel(r);
	say_helpers(r);
	if (f.samples && report[0] && r->memory < 0)
		log_say("%s", report);
}
