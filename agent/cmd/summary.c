/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/cmd/figures.h"
#include "pmu/facts.h"
#include "pmu/hints.h"

enum { TOO_FEW_SAMPLES = 1 };
#define TOOK_TURNS 0.99 /* of the time; what is missing above that is opening and closing */

/* ---- before ---- */

static const char *stack_words(const struct recording *r)
{
	switch (r->options.stacks) {
	case STACKS_DWARF: return "user stacks by DWARF";
	case STACKS_FP: return "user stacks by frame pointers";
	default: return "no stacks";
	}
}

static void say_fallback(const struct recording *r)
{
	const char *kernel = r->user_only ? " Kernel part left out (see perf_event_paranoid)." : "";

	if (figures_fallback(r))
		log_note("no hardware counters here (perf_event_open: ENOENT). Sampling cpu-clock"
			 " instead of cycles: no IPC, no misses.%s\n"
			 "      `pmuscope doctor` says what brings them; `-e cpu-clock%s` silences this.",
			 kernel, r->user_only ? ":u" : "");
	else if (r->user_only)
		log_note("the kernel part is left out: perf_event_paranoid does not allow it to this"
			 " user.\n      `pmuscope doctor` says what brings it.");
}

void summary_start(struct recording *r)
{
	char target[512], events[512], rate[64];

	figures_target(r, target, sizeof(target));
	figures_events(r, events, sizeof(events));
	figures_rate(r, rate, sizeof(rate));
	say_fallback(r);
	if (session_note(r->session)[0])
		log_note("%s", session_note(r->session));
	log_say("%s: %s at %s, %s%s. Ctrl-C stops and writes.", target, events, rate,
		stack_words(r),
		r->user_only || r->options.stacks == STACKS_NONE ? "" : ", kernel stacks");
}

/* ---- while ---- */

void summary_progress(struct recording *r)
{
	static uint64_t last;
	uint64_t now = clock_mono();
	struct figures f;
	char n[32], of[32] = "", text[256];

	if (now - last < NS_PER_S || !isatty(STDERR_FILENO))
		return;
	last = now;
	session_stats(r->session, &r->stats);
	figures_of(r, &f);
	if (r->options.seconds > 0)
		snprintf(of, sizeof(of), " of %.0f", r->options.seconds);
	snprintf(text, sizeof(text),
		 "  %.0f s%s   %s samples   lost %" PRIu64 "   cut stacks %.2f %%   own cost %.2f %%",
		 f.seconds, of, figures_grouped(f.samples, n), f.lost,
		 f.user_stacks ? 100.0 * (double)f.truncated / (double)f.user_stacks : 0,
		 100 * f.own_share);
	log_status(text);
}

/* ---- after: the closing summary ---- */

void summary_begin(struct recording *r)
{
	double s = (double)(r->end - r->start) / 1e9;

	log_status(NULL);
	if (r->stop == STOP_TARGETS)
		log_say("target ended after %.1f s", s);
	if (r->stop == STOP_COMMAND && WIFSIGNALED(r->command_wait))
		log_note("the command was ended by signal %d (%s) after %.1f s",
			 WTERMSIG(r->command_wait), strsignal(WTERMSIG(r->command_wait)), s);
}

/* Whose the file is, where that is not the user at the keyboard: root, for `sudo`. */
static void owner_words(const struct recording *r, const char *path, char *buf, size_t size)
{
	const struct passwd *pw;
	struct stat st;

	buf[0] = '\0';
	if (r->caller_uid == 0 || stat(path, &st))
		return;
	pw = getpwuid(st.st_uid);
	if (pw)
		snprintf(buf, size, ", owner %s", pw->pw_name);
}

/* What could not be written, or not all of it. */
void summary_unwritten(const char *path, int status, const struct exporter_output *out)
{
	bool no_room = status == -ENOSPC || status == -EDQUOT || status == -EFBIG;
	const char *hint = no_room ? "\nAnother path: -o FILE, or -o - for standard output." : "";
	char size[32];

	if (status == out->status && out->kept)
		log_error("no room for all of %s: %s. It holds the heaviest stacks, %.1f %% of the weight"
			  " (%s), and says so; it is whole otherwise.%s", path, strerror(-status),
			  100.0 * out->kept / EXP_WHOLE, figures_bytes(out->written, size), hint);
	else
		log_error("cannot write %s: %s%s", path, strerror(-status), hint);
}

void summary_output(struct recording *r, unsigned i, int status, const struct exporter_output *out)
{
	const struct output *o = &r->options.outputs[i];
	char size[32], n[32], cpu[48] = "", owner[64];
	struct figures f;

	if (status) {
		summary_unwritten(o->path, status, out);
		return;
	}
	figures_of(r, &f);
	if (f.cpu_seconds >= 0)
		snprintf(cpu, sizeof(cpu), ", %.2f CPU-s", f.cpu_seconds);
	owner_words(r, o->path, owner, sizeof(owner));
	log_say("wrote %s  %s%s    %s samples, %.2f s%s",
		strcmp(o->path, "-") ? o->path : "standard output", figures_bytes(out->written, size),
		owner, figures_grouped(f.samples, n), f.seconds, cpu);
}

static void say_quality(struct recording *r, const struct figures *f)
{
	char ends[256], n[32], cut[64] = "";

	figures_ends(collector_counters(r->collector), ends, sizeof(ends));
	if (f->truncated)
		snprintf(cut, sizeof(cut), "; cut at %u KiB: --stack-size 65528",
			 (session_stack_bytes(r->session) + 1023) / 1024);
	if (session_stack_bytes(r->session) >= 65528)
		cut[0] = '\0';
	log_say("  quality %c   lost %s, stacks complete %.2f %%%s%s%s%s, named %.1f %% of samples,"
		" counters on %.0f %% of the time",
		f->grade, figures_grouped(f->lost, n), 100 * f->complete_share,
		ends[0] ? " (" : "", ends, cut, ends[0] ? ")" : "", 100 * f->named_share,
		100 * f->running_share);
}

static void say_symbolizer(struct recording *r)
{
	const struct symbolizer_counters *s = symbolizer_counters(r->symbolizer);
	char words[128];

	figures_symbolizer(r, words, sizeof(words));
	if (words[0])
		log_note("the symbolizer was %s%s%s%s", words,
			 s->quarantined ? ": frames of a file that ended it twice stay module+0x…"
					: "",
			 s->symbols_only ? "\n      Debug information that ended it, or took too long,"
					   " was left closed: its functions have names, no"
					   " lines and no inlined ones." : "",
			 s->refused ? "\n      It ended too often, or could not be started: what was"
				      " asked of it since has no names and no unwind rows." : "");
}

static void say_starved(const struct recording *r)
{
	uint64_t starved = opener_starved(r->opener), enough = 1024;
	struct rlimit l;

	if (!starved || getrlimit(RLIMIT_NOFILE, &l))
		return;
	while (enough < l.rlim_cur + starved)
		enough *= 2;
	log_note("%" PRIu64 " files could not be opened: the limit of open files (RLIMIT_NOFILE) is %"
		 PRIu64 ". Their frames have no names, stacks through them end early.\n"
		 "      Type: " HINT_NOFILE "   (as root), then record again.",
		 starved, (uint64_t)l.rlim_cur, (unsigned long)enough);
}

/* 1 hides them from whoever has no CAP_SYSLOG, 2 from everyone (Documentation/admin-guide/sysctl). */
static void say_kernel_names(const struct recording *r)
{
	struct facts f;

	if (!r->kernel_unnamed)
		return;
	facts_read(&f);
	if (f.kptr_restrict > 0)
		log_note("the kernel's frames have no names: /proc/kallsyms shows no addresses"
			 " (kernel.kptr_restrict is %ld%s).\n      Type: " HINT_KPTR
			 "   (all users, until reboot), then record again.", f.kptr_restrict,
			 f.kptr_restrict == 1 ? ", and we have no CAP_SYSLOG" : "", 0);
	else
		log_note("the kernel's frames have no names: /proc/kallsyms shows no addresses."
			 " `pmuscope doctor` says what brings them.");
}

static void say_losses(struct recording *r, const struct figures *f)
{
	const struct collector_counters *c = collector_counters(r->collector);

	if (f->lost)
		log_note("%" PRIu64 " samples (%.2f %%) found no room in the ring: a lower rate (-F,"
			 " or a larger -c), a smaller stack copy (--stack-size), or fewer events",
			 f->lost, 100 * f->lost_share);
	if (r->stats.sideband_lost)
		log_note("%" PRIu64 " records of mappings were lost; %" PRIu64 " processes were read"
			 " anew, %" PRIu64 " stacks from that time are marked in the figures",
			 r->stats.sideband_lost, processes_rereads(r->processes), c->suspect);
	if (r->stats.bad_records || r->stats.corrupt_rings)
		log_note("%" PRIu64 " records made no sense and were passed over",
			 r->stats.bad_records + r->stats.corrupt_rings);
	if (r->stats.throttled)
		log_note("the kernel throttled the events %" PRIu64 " times: a lower rate (-F)",
			 r->stats.throttled);
	if (f->running_share < TOOK_TURNS)
		log_note("the events took turns on the machine's counters: one was counted only %.0f %%"
			 " of the time (fewer events: -e)", 100 * f->running_share);
	say_symbolizer(r);
	say_starved(r);
	if (opener_late(r->opener))
		log_note("%" PRIu64 " file%s did not open within %d ms: a file system that does not answer,"
			 " or a busy machine. Their frames have no names, stacks through them end early.",
			 opener_late(r->opener), opener_late(r->opener) == 1 ? "" : "s",
			 OPENER_DEADLINE_MS);
	if (c->out_of_memory)
		log_note("%" PRIu64 " samples were dropped for want of memory", c->out_of_memory);
	if (c->first_complete)
		log_detail("first complete stack %.1f ms after the first sample",
			   (double)(c->first_complete - c->first_sample) / 1e6);
	if (c->guest)
		log_detail("%" PRIu64 " samples of virtual machines left out", c->guest);
}

static void say_estimates(struct recording *r)
{
	char n[32];

	for (size_t i = 0; i < r->options.n_events; i++)
		if (figures_estimated(r, i))
			log_note("the sum of %s is an estimate: with -F the kernel guesses for how many each"
				 " sample stands. It counted %s. Without -F each one is a sample, with"
				 " -c N every N-th.", r->options.events[i].name,
				 figures_grouped(session_counted(r->session, (uint32_t)i), n));
}

static void say_nothing_sampled(struct recording *r)
{
	char events[512];

	figures_events(r, events, sizeof(events));
	log_note("0 samples: %s did not happen in the target while it was recorded. It slept, ended"
		 " at once, or another event is the right one (-e, see `pmuscope list`); a higher"
		 " rate (-F 999) sees shorter runs.", events);
}

void summary_end(struct recording *r, const char *report)
{
	struct figures f;

	figures_of(r, &f);
	if (f.samples < TOO_FEW_SAMPLES)
		say_nothing_sampled(r);
	else
		say_quality(r, &f);
	say_losses(r, &f);
	say_kernel_names(r);
	say_estimates(r);
	if (f.samples && report[0])
		log_say("%s", report);
}
