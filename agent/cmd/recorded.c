/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/confine.h"
#include "agent/base/fd.h"
#include "agent/base/log.h"
#include "agent/cmd/recording.h"

enum { EXPORT_SECONDS = 300 };

/* ---- is it one ---- */

static bool has_magic(const char bytes[8])
{
	return !memcmp(bytes, "PERFILE2", 8) || !memcmp(bytes, "2ELIFREP", 8) ||
	       !memcmp(bytes, "PERFFILE", 8) || !memcmp(bytes, "ELIFFREP", 8);
}

/* tee(2) copies what a pipe holds and leaves it there. */
static bool peek_pipe(int fd, char bytes[8])
{
	int copy[2];
	bool ok;

	if (pipe2(copy, O_CLOEXEC))
		return false;
	ok = tee(fd, copy[1], 8, 0) == 8 && read(copy[0], bytes, 8) == 8;
	close(copy[0]);
	close(copy[1]);
	return ok;
}

bool recorded_is(const char *file)
{
	char bytes[8];
	struct stat st;
	bool ok;
	int fd;

	if (!strcmp(file, "-")) {
		if (fstat(STDIN_FILENO, &st))
			return false;
		ok = S_ISREG(st.st_mode) ? pread(STDIN_FILENO, bytes, 8, 0) == 8
					 : S_ISFIFO(st.st_mode) && peek_pipe(STDIN_FILENO, bytes);
		return ok && has_magic(bytes);
	}
	if (stat(file, &st) || !S_ISREG(st.st_mode))
		return false;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ok = fd >= 0 && pread(fd, bytes, 8, 0) == 8 && has_magic(bytes);
	fd_close(&fd);
	return ok;
}

/* ---- set up: rights first used, then given up ---- */

static int open_input(struct recorded *r)
{
	if (!strcmp(r->file, "-")) {
		if (isatty(STDIN_FILENO))
			return snprintf(r->why, sizeof(r->why),
					"standard input is a terminal; give a file"), -EINVAL;
		r->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		r->fd = open(r->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (r->fd >= 0)
		return 0;
	snprintf(r->why, sizeof(r->why), "cannot open %s: %s", r->file, strerror(errno));
	return -errno;
}

static int start_opener(struct recorded *r, uid_t uid, gid_t gid)
{
	const char *folder = r->root ? r->root : "/";
	int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), e;

	if (root < 0) {
		snprintf(r->why, sizeof(r->why), "cannot look into the folder %s: %s", folder,
			 strerror(errno));
		return -errno;
	}
	e = opener_start_recorded(uid, gid, root, &r->opener);
	fd_close(&root);
	return e;
}

static int open_privileged(struct recorded *r)
{
	uid_t uid;
	gid_t gid;
	int e = r->memory < 0 ? outputs_open(r->outputs, r->n_outputs, r->why, sizeof(r->why)) : 0;

	if (!e && r->memory < 0) {
		e = caller_start(r->outputs, r->n_outputs, 0, &r->caller);
		if (e)
			outputs_drop(r->outputs, r->n_outputs);
	}
	unprivileged_user(&uid, &gid);
	if (!e)
		e = start_opener(r, uid, gid);
	if (!e)
		e = exporter_prepare(&r->exporter);
	if (!e)
		e = symbolizer_prepare(&r->symbolizer);
	if (!e)
		e = confine_become(uid, gid, NULL, 0);
	if (!e)
		e = symbolizer_start(r->symbolizer);
	return e;
}

static size_t build_id(void *arg, const char *path, const uint8_t **ret)
{
	const struct recorded *r = arg;

	return head_build_id_of(perfdata_head(r->data), path, ret);
}

static bool same_kernel(void *arg)
{
	return recorded_same_kernel(arg);
}

static size_t drain_file(void *arg, uint64_t until, collector_fn fn, void *fn_arg)
{
	struct recorded *r = arg;

	(void)until;
	r->read_status = perfdata_read(r->data, fn, fn_arg);
	return 0;
}

static int make_collector(struct recorded *r)
{
	struct modules_recorded what = {.build_id = build_id, .same_kernel = same_kernel, .arg = r};
	int e = modules_new_recorded(r->opener, r->symbolizer, &what, &r->modules);

	if (!e)
		e = processes_new(NULL, r->modules, &r->processes);
	if (!e)
		e = tables_new(r->symbolizer, &r->tables);
	if (e)
		return e;
	return collector_new(&(struct collector_config){
				     .drain = drain_file,
				     .source = r,
				     .processes = r->processes,
				     .modules = r->modules,
				     .tables = r->tables,
				     .stacks = STACKS_RECORDED,
				     .kernel_stacks = true,
				     .recorded = true,
			     },
			     &r->collector);
}

static int open_recording(struct recorded *r)
{
	char why[1024];
	int e = perfdata_open(r->fd, &r->data, why, sizeof(why));

	if (e == -EMEDIUMTYPE)
		snprintf(r->why, sizeof(r->why), "%s is no recording of perf (perf.data)", r->file);
	else if (e)
		snprintf(r->why, sizeof(r->why), "cannot read %s: %s", r->file, why);
	else if (perfdata_head(r->data)->info.directory)
		return snprintf(r->why, sizeof(r->why),
				"%s is one part of a folder (perf record --threads): its samples are in"
				" other files. Record without --threads", r->file), -ENOTSUP;
	return e;
}

static int set_up(struct recorded *r)
{
	int e = open_input(r);

	signal(SIGPIPE, SIG_IGN);
	if (!e)
		e = open_privileged(r);
	if (!e)
		e = open_recording(r);
	return e ? e : make_collector(r);
}

/* ---- resolve, export, rename ---- */

/* When it was: by the two clocks that newer recordings hold; else it ended when its file did. */
static void find_time(struct recorded *r)
{
	const struct perfdata_stats *s = perfdata_stats(r->data);
	const struct perfdata_info *i = &perfdata_head(r->data)->info;
	struct stat st;

	r->duration = s->last - s->first;
	if (i->clock_wall)
		r->time = i->clock_wall + (s->first - i->clock_record);
	else if (fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode))
		r->time = (uint64_t)st.st_mtim.tv_sec * NS_PER_S - r->duration;
	else
		r->time = clock_wall() - r->duration;
}

/* A recording without any event has no samples either; a profile has a type all the same. */
static void find_events(struct recorded *r)
{
	r->n_events = perfdata_events(r->data, r->events);
	if (r->n_events)
		return;
	r->events[0] = (struct event){.name = "none", .sample_type = "none", .unit = "count"};
	r->n_events = 1;
}

static int make_profile(struct recorded *r, struct profile *p)
{
	uint64_t rate, period;
	int e = profile_init(p);

	if (e)
		return e;
	perfdata_rate(r->data, 0, &rate, &period);
	r->kernel_seen = modules_settle(r->modules);
	find_time(r);
	find_events(r);
	e = resolve(&(struct resolve_input){.window = collector_window(r->collector),
					    .modules = r->modules,
					    .symbolizer = r->symbolizer,
					    .events = r->events,
					    .n_events = r->n_events,
					    .frequency = rate,
					    .period = period,
					    .time_nanos = r->time,
					    .duration_nanos = r->duration},
		    p, &r->figures);
	if (!e)
		recorded_comments(r, p);
	return e;
}

static int write_memory(struct recorded *r, const struct profile *p, struct buf *report)
{
	struct exporter_output out = {.format = EXP_PPROF, .fd = r->memory};
	int e = exporter_write(r->exporter, p, &out, 1, report, EXPORT_SECONDS);

	return out.status ? out.status : e;
}

static int write_files(struct recorded *r, const struct profile *p, struct buf *report)
{
	struct exporter_output outs[OUTPUTS_MAX];
	int e, failed = 0;

	for (unsigned i = 0; i < r->n_outputs; i++)
		outs[i] = (struct exporter_output){.format = r->outputs[i].format,
						   .fd = r->outputs[i].fd};
	e = exporter_write(r->exporter, p, outs, r->n_outputs, report, EXPORT_SECONDS);
	for (unsigned i = 0; i < r->n_outputs; i++) {
		int s = outs[i].status ? outs[i].status : e && !outs[i].written ? e : 0, c = 0;
		if (s && !outs[i].kept)
			caller_discard(r->caller, i);
		else
			c = caller_commit(r->caller, i);
		recorded_output(r, i, c ? c : s, &outs[i]);
		failed = c ? c : s ? s : failed;
	}
	return failed;
}

static int finish(struct recorded *r)
{
	struct buf report = BUF_INIT(1 << 20);
	struct profile p = {0};
	int e = make_profile(r, &p);

	if (e)
		log_error("cannot make the profile: %s", strerror(-e));
	else
		e = r->memory >= 0 ? write_memory(r, &p, &report) : write_files(r, &p, &report);
	recorded_end(r, report.data && !report.bad ? (const char *)report.data : "");
	buf_free(&report);
	profile_free(&p);
	return e;
}

static void tear_down(struct recorded *r)
{
	collector_free(&r->collector);
	tables_free(&r->tables);
	modules_free(&r->modules);
	processes_free(&r->processes);
	perfdata_close(&r->data);
	if (r->symbolizer)
		symbolizer_stop(&r->symbolizer);
	if (r->exporter)
		exporter_stop(&r->exporter);
	if (r->opener)
		opener_stop(&r->opener);
	if (r->caller)
		caller_stop(&r->caller);
	fd_close(&r->fd);
}

int recorded_run(struct recorded *r)
{
	int e;

	r->fd = RECORDED_FD_NONE;
	log_quiet(r->quiet);
	e = set_up(r);
	if (e) {
		log_error("%s", r->why[0] ? r->why : strerror(-e));
	} else {
		collector_drain(r->collector, UINT64_MAX);
		e = finish(r);
	}
	tear_down(r);
	return e ? EXIT_FAILED : 0;
}
