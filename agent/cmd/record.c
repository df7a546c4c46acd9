/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/record.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/confine.h"
#include "agent/base/fd.h"
#include "agent/base/log.h"
#include "agent/cmd/figures.h"
#include "agent/cmd/raw_file.h"
#include "agent/cmd/recording.h"
#include "agent/cmd/summary.h"
#include "pmu/perfdata/writer.h"
#include "pmu/hints.h"

enum {
	DRAIN_EVERY_MS = 250,
	DRAIN_FIRST_MS = 20, /* until the first stack is complete: processes may be short-lived */
	/* A record's time is taken before it is written: another CPU may be that late with it. */
	HORIZON_NS = 3 * NS_PER_MS,
	READ_PROC_NS = 100 * NS_PER_MS, /* what the start may spend on /proc */
	EXPORT_SECONDS = 300,
};

/* ---- set up: rights first used, then given up ---- */

static bool system_wide(const struct options *o)
{
	return o->target == TARGET_ALL || o->target == TARGET_CGROUP;
}

static int find_events(struct recording *r)
{
	struct options *o = &r->options;
	int cpu = 0, e = session_check_cpus(o->cpus_given ? &o->cpus : NULL, r->why,
					    sizeof(r->why));

	if (e)
		return e;
	while (o->cpus_given && cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &o->cpus))
		cpu++;
	if (cpu >= sysconf(_SC_NPROCESSORS_CONF))
		cpu = 0; /* not there: the session names it, with those that are */
	return events_probe(o->events, o->n_events, system_wide(o), cpu, &r->user_only, r->why);
}

static int find_targets(struct recording *r)
{
	struct options *o = &r->options;

	if (o->target == TARGET_CGROUP) {
		r->cgroup = cgroup_open(o->cgroup, r->why, sizeof(r->why));
		return r->cgroup < 0 ? r->cgroup : 0;
	}
	if (o->target != TARGET_PIDS && o->target != TARGET_TIDS)
		return 0;
	return targets_find(o->ids.at, o->ids.len, o->target == TARGET_TIDS, &r->targets, r->why,
			    sizeof(r->why));
}

static int open_session(struct recording *r)
{
	const struct options *o = &r->options;
	struct session_config c = {
		.events = o->events,
		.n_events = o->n_events,
		.scope = o->target == TARGET_ALL      ? SESSION_SYSTEM
			 : o->target == TARGET_CGROUP ? SESSION_CGROUP
						      : SESSION_TASKS,
		.tids = r->targets.tids.at,
		.n_tids = r->targets.tids.len,
		.cgroup = r->cgroup,
		.cpus = o->cpus_given ? &o->cpus : NULL,
		.frequency = o->frequency,
		.frequency_given = o->frequency_given,
		.period = o->period,
		.stack_bytes = o->stacks == STACKS_DWARF ? o->stack_bytes : 0,
		.stack_fixed = o->stack_given,
		.callchain = o->stacks != STACKS_NONE,
		.callchain_user = o->stacks != STACKS_NONE,
		.inherit = o->target != TARGET_TIDS,
		.mmap_data = raw_file_output(r) != NULL,
	};

	if (o->target == TARGET_NONE) {
		c.tids = &r->command.pid;
		c.n_tids = 1;
		c.enable_on_exec = true;
	}
	return session_open(&c, &r->session, r->why, sizeof(r->why));
}

/* What needs the rights that we came with, before they are given up. The command is forked first:
 * it is to run as the caller would have run it. */
static int open_privileged(struct recording *r)
{
	struct options *o = &r->options;
	uid_t uid;
	gid_t gid;
	int e;

	if (o->command && (e = command_fork(o->command, &r->command)))
		return snprintf(r->why, sizeof(r->why), "cannot fork: %s", strerror(-e)), e;
	e = caller_start(o->outputs, o->n_outputs, r->command.pid, &r->caller);
	if (e)
		return e;
	r->caller_uid = unprivileged_user(&uid, &gid);
	e = opener_start(uid, gid, &r->opener);
	if (!e)
		e = exporter_prepare(&r->exporter);
	if (!e)
		e = symbolizer_prepare(&r->symbolizer);
	if (!e)
		e = open_session(r);
	if (!e)
		e = confine_become(uid, gid, NULL, 0);
	if (!e)
		e = symbolizer_start(r->symbolizer);
	return e;
}

static int watch_signals(struct recording *r)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* RLIMIT_FSIZE is an error like others */
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	r->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signals < 0 ? -errno : 0;
}

static size_t drain_rings(void *session, uint64_t until, collector_fn fn, void *arg)
{
	return session_drain(session, until, fn, arg);
}

/* What runs without any right. */
static int make_collector(struct recording *r)
{
	const struct options *o = &r->options;
	int e = modules_new(r->opener, r->symbolizer, &r->modules);

	if (!e)
		e = processes_new(r->opener, r->modules, &r->processes);
	if (!e)
		e = tables_new(r->symbolizer, &r->tables);
	if (!e)
		e = watch_signals(r);
	if (e)
		return e;
	e = raw_file_start(r);
	if (e)
		return e;
	return collector_new(&(struct collector_config){
				     .drain = drain_rings,
				     .source = r->session,
				     .processes = r->processes,
				     .modules = r->modules,
				     .tables = r->tables,
				     .period = o->period,
				     .stacks = o->stacks,
				     .kernel_stacks = !r->user_only,
				     .start = clock_mono(),
			     },
			     &r->collector);
}

static int set_up(struct recording *r)
{
	struct options *o = &r->options;
	int e = find_events(r);

	if (!e)
		e = find_targets(r);
	if (!e)
		e = outputs_open(o->outputs, o->n_outputs, r->why, sizeof(r->why));
	if (e)
		return e;
	e = open_privileged(r);
	if (e && !r->caller)
		outputs_drop(o->outputs, o->n_outputs);
	return e ? e : make_collector(r);
}

/* Whatever it was that could not be opened. */
static void explain_files(struct recording *r)
{
	struct rlimit l = {0};

	if (strstr(r->why, "RLIMIT_NOFILE"))
		return;
	getrlimit(RLIMIT_NOFILE, &l);
	snprintf(r->why, sizeof(r->why), "the limit of open files (RLIMIT_NOFILE) is %llu, too few to"
		 " record.\nType: " HINT_NOFILE "   (as root), then record again.",
		 (unsigned long long)l.rlim_cur, 1024ul);
}

/* ---- the recording ---- */

static int start(struct recording *r)
{
	const struct options *o = &r->options;
	int e = 0;

	r->start_wall = clock_wall();
	r->start = clock_mono();
	if (o->target != TARGET_NONE)
		e = session_enable(r->session);
	for (size_t i = 0; i < r->targets.pids.len; i++)
		processes_read(r->processes, r->targets.pids.at[i]);
	if (system_wide(o))
		processes_read_all(r->processes, READ_PROC_NS);
	if (!e && o->command)
		e = command_go(&r->command);
	return e;
}

static void stop(struct recording *r, enum stop_reason why)
{
	if (r->stop == STOP_NONE) {
		r->stop = why;
		r->end = clock_mono();
	}
}

static void reap(struct recording *r)
{
	int status;

	while (r->command.pid > 0 && !r->command_ended &&
	       waitpid(r->command.pid, &status, WNOHANG) == r->command.pid) {
		r->command_ended = true;
		r->command_wait = status;
		stop(r, STOP_COMMAND);
	}
}

/* A signal from the terminal has reached the command too; one that was sent to us alone is passed
 * on. */
static void on_signal(struct recording *r, const struct signalfd_siginfo *si)
{
	if (si->ssi_signo == SIGCHLD) {
		reap(r);
		return;
	}
	if (r->stop != STOP_SIGNAL && r->command.pid > 0 && !r->command_ended && si->ssi_code <= 0)
		caller_signal(r->caller, (int)si->ssi_signo);
	r->stop_signal = (int)si->ssi_signo;
	stop(r, STOP_SIGNAL);
}

static void read_signals(struct recording *r)
{
	struct signalfd_siginfo si;

	while (read(r->signals, &si, sizeof(si)) == sizeof(si))
		on_signal(r, &si);
}

/* While the files are written, one more Ctrl-C ends us at once. Not the same one again: timeout(1)
 * sends each signal twice, to its child and to the group. */
static void let_abort(struct recording *r)
{
	sigset_t set;

	read_signals(r);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int wait_ms(const struct recording *r)
{
	double left = r->options.seconds * 1e3 - (double)(clock_mono() - r->start) / 1e6;
	int most = collector_counters(r->collector)->first_complete ? DRAIN_EVERY_MS
								    : DRAIN_FIRST_MS;

	if (r->options.seconds <= 0 || left > most)
		return most;
	return left > 0 ? (int)left + 1 : 0;
}

static void check_end(struct recording *r)
{
	if (r->options.seconds > 0 &&
	    (double)(clock_mono() - r->start) >= r->options.seconds * NS_PER_S)
		stop(r, STOP_TIME);
	if (targets_gone(&r->targets))
		stop(r, STOP_TARGETS);
}

static int run(struct recording *r)
{
	while (r->stop == STOP_NONE) {
		struct pollfd fds[] = {{.fd = r->signals, .events = POLLIN},
				       {.fd = symbolizer_fd(r->symbolizer), .events = POLLIN}};
		int e = session_wait(r->session, fds, 2, wait_ms(r));

		if (e)
			return e;
		collector_drain(r->collector, clock_mono() - HORIZON_NS);
		raw_file_round(r);
		read_signals(r);
		check_end(r);
		summary_progress(r);
	}
	session_disable(r->session);
	collector_drain(r->collector, UINT64_MAX);
	session_stats(r->session, &r->stats);
	let_abort(r);
	return 0;
}

/* ---- its end: resolve, export, rename ---- */

static int make_profile(struct recording *r, struct profile *p)
{
	const struct options *o = &r->options;
	const struct process *main_process = NULL;
	int e = profile_init(p);

	if (e)
		return e;
	if (o->target == TARGET_NONE)
		main_process = processes_get(r->processes, r->command.pid, r->end);
	else if (r->targets.pids.len)
		main_process = processes_get(r->processes, r->targets.pids.at[0], r->end);
	e = resolve(&(struct resolve_input){.window = collector_window(r->collector),
					    .modules = r->modules,
					    .symbolizer = r->symbolizer,
					    .events = o->events,
					    .n_events = o->n_events,
					    .frequency = o->frequency,
					    .period = o->period,
					    .main_path = main_process ? main_process->first_path
								      : NULL,
					    .time_nanos = r->start_wall,
					    .duration_nanos = r->end - r->start},
		    p, &r->figures);
	if (!e) {
		/* Where nobody was there to read the names, it is not the kernel that hides them. */
		r->kernel_unnamed = !symbolizer_counters(r->symbolizer)->refused &&
				    figures_kernel_unnamed(p);
		summary_comments(r, p);
	}
	return e;
}

static int write_outputs(struct recording *r, const struct profile *p, struct buf *report)
{
	struct options *o = &r->options;
	struct exporter_output outs[OUTPUTS_MAX], *next = outs;
	int e, failed = 0;

	for (unsigned i = 0; i < o->n_outputs; i++)
		if (!output_is_recording(&o->outputs[i]))
			*next++ = (struct exporter_output){.format = o->outputs[i].format,
							   .fd = o->outputs[i].fd};
	e = exporter_write(r->exporter, p, outs, (unsigned)(next - outs), report, EXPORT_SECONDS);
	next = outs;
	for (unsigned i = 0; i < o->n_outputs; i++) {
		struct exporter_output raw = {0}, *out = &raw;
		int s, c = 0;

		if (output_is_recording(&o->outputs[i]))
			s = raw_file_end(r, &raw.written);
		else
			s = (out = next++)->status ? out->status : e && !out->written ? e : 0;
		if (s && !out->kept)
			caller_discard(r->caller, i);
		else if ((c = caller_commit(r->caller, i)) && o->outputs[i].temp[0])
			log_note("the profile is kept as %s in the same folder", o->outputs[i].temp);
		summary_output(r, i, c ? c : s, out);
		failed = c ? c : s ? s : failed;
	}
	return failed;
}

static int finish(struct recording *r)
{
	struct buf report = BUF_INIT(1 << 20);
	struct profile p;
	int e = make_profile(r, &p);

	summary_begin(r);
	if (!e)
		e = write_outputs(r, &p, &report);
	else
		log_error("cannot make the profile: %s", strerror(-e));
	summary_end(r, report.data && !report.bad ? (const char *)report.data : "");
	buf_free(&report);
	profile_free(&p);
	return e;
}

static void tear_down(struct recording *r)
{
	writer_free(&r->raw);
	collector_free(&r->collector);
	tables_free(&r->tables);
	session_close(&r->session);
	modules_free(&r->modules);
	processes_free(&r->processes);
	if (r->symbolizer)
		symbolizer_stop(&r->symbolizer);
	if (r->exporter)
		exporter_stop(&r->exporter);
	if (r->opener)
		opener_stop(&r->opener);
	if (r->caller)
		caller_stop(&r->caller);
	targets_free(&r->targets);
	fd_close(&r->cgroup);
	fd_close(&r->signals);
	options_free(&r->options);
}

/* The command's own status; it may still run when the recording was to be shorter. */
static int command_end(struct recording *r)
{
	if (r->command.pid <= 0)
		return 0;
	if (!r->command_ended) {
		sigset_t none;
		log_say("the command still runs; waiting for its end (Ctrl-C ends it)");
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		while (waitpid(r->command.pid, &r->command_wait, 0) < 0 && errno == EINTR)
			;
	}
	return command_status(r->command_wait);
}

static int fail(struct recording *r, int e)
{
	if (r->command.pid > 0 && !r->command_ended)
		command_abandon(&r->command);
	log_error("%s", r->why[0] ? r->why : strerror(-e));
	tear_down(r);
	return EXIT_FAILED;
}

static int command_failed(struct recording *r, int e)
{
	log_error("cannot run '%s': %s", r->options.command[0], strerror(-e));
	command_abandon(&r->command);
	tear_down(r);
	return command_exec_status(e);
}

int cmd_record(int argc, char **argv)
{
	static struct recording rec; /* large, and there is one */
	struct recording *r = &rec;
	int e, status;

	*r = (struct recording){.cgroup = -1, .signals = -1, .argc = argc, .argv = argv};
	if (options_parse(argc, argv, &r->options, r->why, sizeof(r->why)))
		return fail(r, -EINVAL);
	if (r->options.help) {
		options_help();
		return 0;
	}
	log_quiet(r->options.quiet);
	log_verbose(r->options.verbose);
	e = set_up(r);
	if (e == -EMFILE)
		explain_files(r);
	if (e)
		return fail(r, e);
	summary_start(r);
	e = start(r);
	if (e && r->options.command)
		return command_failed(r, e);
	if (!e)
		e = run(r);
	if (e)
		return fail(r, e);
	e = finish(r);
	status = command_end(r);
	tear_down(r);
	return e ? EXIT_FAILED : status;
}
