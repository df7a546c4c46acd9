/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/base/fd.h"
#include "agent/base/vec.h"
#include "pmu/abi.h"
#include "pmu/hints.h"
#include "pmu/merge.h"
#include "pmu/open.h"

enum {
	DATA_RING_LEAST = 512 * 1024,       /* what perf_event_mlock_kb gives a user by default */
	DATA_RING_MOST = 16 * 1024 * 1024,
	DATA_RINGS_TOTAL = 512 * 1024 * 1024, /* over all CPUs */
	SIDEBAND_RING = 256 * 1024,
	SIDEBAND_RING_SMALL = 32 * 1024,
	SAMPLES_IN_RING = 12,     /* below that the stack copy shrinks */
	STACK_LEAST = 8 * 1024,
	STACK_OF_EACH = 16 * 1024, /* events that come by the thousand: the ring must hold a burst */
	RATE_OF_EACH = 8000,       /* a second and CPU, for the size of the ring */
	RECORD_OVERHEAD = 1536,   /* of a sample, its stack copy aside */
};

/* What the hints of this file ask for. */
static const long MLOCK_KB_FULL = DATA_RING_MOST / 1024 + 1024; /* with the sideband's */
static const unsigned long NOFILE_ENOUGH = 1048576;

struct opened { /* one descriptor of perf_event_open(2) */
	int fd;
	uint32_t event; /* index; n_events: the sideband */
	uint64_t id;
	int tid;        /* what it was opened for; below 0: not a thread */
};

struct session {
	struct session_config c;
	size_t n_cpus;
	int *cpus;
	struct ring *rings; /* 2 a CPU: data, sideband */
	int *ring_fds;
	struct merge *merge;
	VEC(struct opened) opened;
	VEC(struct record_format) formats;
	struct pollfd *poll_fds; /* one a data ring; room for the caller's behind */
	size_t n_poll, poll_room;
	uint32_t stack_bytes;
	size_t ring_bytes, sideband_bytes;
	uint64_t records, bad_records, lost_seen[2], throttled; /* lost_seen: data, sideband */
	session_fn fn;
	session_raw_fn tap;
	void *arg, *tap_arg;
	char note[256];
};

static uint32_t bits(uint64_t v)
{
	return (uint32_t)__builtin_popcountll(v);
}

/* An event of which every occurrence is a sample, unless a rate or a period was asked for. */
static bool each_one(const struct session *s, const struct event *e)
{
	return !s->c.period && (!s->c.frequency || (e->counts_each && !s->c.frequency_given));
}

static struct sampling how_of(const struct session *s, const struct event *e)
{
	const struct session_config *c = &s->c;
	struct sampling h = {
		.period = c->period,
		.frequency = c->frequency,
		.stack_bytes = s->stack_bytes,
		.user_regs = s->stack_bytes != 0,
		.callchain = c->callchain,
		.callchain_user = c->callchain_user,
		.inherit = c->inherit && c->scope == SESSION_TASKS,
		.enable_on_exec = c->enable_on_exec && c->scope == SESSION_TASKS,
		/* An idle CPU's clock ticks on: nobody asked how idle it is. */
		.exclude_idle = c->scope != SESSION_TASKS,
		.wakeup_bytes = (uint32_t)(s->ring_bytes / 2),
		.mmap_data = c->mmap_data,
	};

	if (e && each_one(s, e)) {
		h.period = 1;
		h.frequency = 0;
		if (!s->c.stack_fixed && h.stack_bytes > STACK_OF_EACH)
			h.stack_bytes = STACK_OF_EACH;
	}
	return h;
}

static int remember(struct session *s, int fd, uint32_t event, int tid,
		    const struct sampling *how)
{
	struct opened *o = vec_add(&s->opened);
	struct record_format *f;
	uint64_t id = 0;
	int r;

	if (!o) {
		close(fd);
		return -ENOMEM;
	}
	*o = (struct opened){.fd = fd, .event = event, .tid = tid};
	r = pmu_id(fd, &id);
	o->id = id;
	if (r || !how)
		return r;
	f = vec_add(&s->formats);
	if (!f)
		return -ENOMEM;
	*f = (struct record_format){.id = id, .event = event,
				    .sample_type = pmu_sample_type(how),
				    .n_regs = bits(pmu_regs_mask())};
	return 0;
}

/* The first event of a CPU owns its ring, later ones write into it. */
static int join_ring(struct session *s, size_t ring, int fd, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (s->rings[ring].map)
		return pmu_redirect(fd, s->ring_fds[ring]);
	s->ring_fds[ring] = fd;
	return ring_map(&s->rings[ring], fd, bytes / page);
}

static int open_data(struct session *s, const struct open_target *t, size_t cpu, uint32_t i,
		     char *why, size_t size)
{
	struct sampling how = how_of(s, &s->c.events[i]);
	int fd = pmu_open(&s->c.events[i], t, &how), r;

	if (fd < 0) {
		pmu_explain(fd, &s->c.events[i], t, &how, why, size);
		return fd;
	}
	r = remember(s, fd, i, t->pid, &how);
	return r ? r : join_ring(s, 2 * cpu, fd, s->ring_bytes);
}

static int open_sideband(struct session *s, const struct open_target *t, size_t cpu)
{
	struct sampling how = how_of(s, NULL);
	int fd, r;

	how.wakeup_bytes = (uint32_t)(s->sideband_bytes / 2);
	how.exclude_idle = false;
	fd = pmu_open_sideband(t, &how);
	if (fd < 0)
		return fd;
	r = remember(s, fd, (uint32_t)s->c.n_events, t->pid, NULL);
	return r ? r : join_ring(s, 2 * cpu + 1, fd, s->sideband_bytes);
}

/* Everything for one target thread (or all, or a cgroup) on one CPU. The sideband comes first:
 * a process must be known before its samples. */
static int open_on(struct session *s, int tid, size_t cpu, char *why, size_t size)
{
	struct open_target t = {.pid = tid, .cpu = s->cpus[cpu], .cgroup = s->c.cgroup};
	struct open_target side = t;
	int r;

	if (s->c.scope == SESSION_CGROUP)
		side.pid = -1; /* exec and fork happen on the way into the group as well */
	r = open_sideband(s, &side, cpu);
	if (r && r != -ESRCH) {
		/* What stands against it stands against the first event as well. */
		struct sampling how = how_of(s, &s->c.events[0]);
		pmu_explain(r, &s->c.events[0], &t, &how, why, size);
	}
	for (uint32_t i = 0; !r && i < s->c.n_events; i++)
		r = open_data(s, &t, cpu, i, why, size);
	return r;
}

static int open_tids(struct session *s, char *why, size_t size)
{
	size_t alive = 0;

	for (size_t i = 0; i < s->c.n_tids; i++) {
		int r = 0;
		for (size_t cpu = 0; !r && cpu < s->n_cpus; cpu++)
			r = open_on(s, s->c.tids[i], cpu, why, size);
		if (r && r != -ESRCH)
			return r;
		alive += r == 0;
	}
	if (!alive)
		snprintf(why, size, "the target has ended already");
	return alive ? 0 : -ESRCH;
}

static int open_cpus(struct session *s, char *why, size_t size)
{
	int tid = s->c.scope == SESSION_CGROUP ? -2 : -1, r = 0;

	for (size_t cpu = 0; !r && cpu < s->n_cpus; cpu++)
		r = open_on(s, tid, cpu, why, size);
	return r;
}

static void close_all(struct session *s)
{
	for (size_t i = 0; s->rings && i < 2 * s->n_cpus; i++)
		ring_unmap(&s->rings[i]);
	for (size_t i = 0; i < s->opened.len; i++)
		fd_close(&s->opened.at[i].fd);
	s->opened.len = 0;
	s->formats.len = 0;
}

/* /sys/devices/system/cpu/online: "0-3,8". */
static int read_online(cpu_set_t *set)
{
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	unsigned a, b;
	char sep;

	CPU_ZERO(set);
	if (!f)
		return -errno;
	while (fscanf(f, "%u", &a) == 1) {
		b = a;
		sep = (char)fgetc(f);
		if (sep == '-' && fscanf(f, "%u", &b) == 1)
			sep = (char)fgetc(f);
		for (; a <= b && a < CPU_SETSIZE; a++)
			CPU_SET(a, set);
		if (sep != ',')
			break;
	}
	fclose(f);
	return CPU_COUNT(set) ? 0 : -ENODATA;
}

int session_check_cpus(const cpu_set_t *cpus, char *why, size_t size)
{
	cpu_set_t online;
	int r = read_online(&online), last = CPU_SETSIZE - 1;

	if (r) {
		snprintf(why, size, "cannot read /sys/devices/system/cpu/online: %s", strerror(-r));
		return r;
	}
	while (!CPU_ISSET(last, &online))
		last--;
	for (int i = 0; cpus && i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, cpus) || CPU_ISSET(i, &online))
			continue;
		snprintf(why, size, "CPU %d is not there or not online: there are %d, 0-%d", i,
			 CPU_COUNT(&online), last);
		return -ENODEV;
	}
	return 0;
}

static int choose_cpus(struct session *s, char *why, size_t size)
{
	cpu_set_t online;
	int r = session_check_cpus(s->c.cpus, why, size);

	if (r || (r = read_online(&online)))
		return r;
	s->cpus = calloc((size_t)CPU_COUNT(&online), sizeof(int));
	if (!s->cpus)
		return -ENOMEM;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &online) && (!s->c.cpus || CPU_ISSET(i, s->c.cpus)))
			s->cpus[s->n_cpus++] = i;
	return 0;
}

static size_t round_up_pow2(size_t v)
{
	size_t p = 4096;

	while (p < v)
		p *= 2;
	return p;
}

/* Bytes that the events write in a second, as far as that can be told beforehand. */
static size_t bytes_a_second(const struct session *s)
{
	size_t sum = 0;

	for (size_t i = 0; i < s->c.n_events; i++) {
		struct sampling how = how_of(s, &s->c.events[i]);
		uint64_t rate = each_one(s, &s->c.events[i]) ? RATE_OF_EACH
				: s->c.frequency		     ? s->c.frequency
							     : 1000;
		sum += rate * (how.stack_bytes + RECORD_OVERHEAD);
	}
	return sum;
}

/* Room for half a second of samples, within the bounds above. */
static void choose_sizes(struct session *s)
{
	size_t most = DATA_RINGS_TOTAL / s->n_cpus, want;

	s->stack_bytes = s->c.stack_bytes;
	want = round_up_pow2(bytes_a_second(s) / 2);

	most = most < DATA_RING_LEAST ? DATA_RING_LEAST : most;
	want = want > DATA_RING_MOST ? DATA_RING_MOST : want;
	while (want > most)
		want /= 2;
	s->ring_bytes = want < DATA_RING_LEAST ? DATA_RING_LEAST : want;
	s->sideband_bytes = SIDEBAND_RING;
}

static void fit_stack(struct session *s)
{
	size_t most = s->ring_bytes / SAMPLES_IN_RING;

	if (s->c.stack_fixed || !s->stack_bytes || s->stack_bytes + RECORD_OVERHEAD <= most)
		return;
	most = most > RECORD_OVERHEAD + STACK_LEAST ? most - RECORD_OVERHEAD : STACK_LEAST;
	s->stack_bytes = (uint32_t)(most & ~(size_t)1023);
}

/* The next smaller rings, since the memory lock limit refused these. */
static bool shrink(struct session *s)
{
	size_t least = 64 * 1024;

	if (s->ring_bytes <= least)
		return false;
	s->sideband_bytes = SIDEBAND_RING_SMALL;
	s->ring_bytes = s->ring_bytes > DATA_RING_LEAST / 2 ? DATA_RING_LEAST / 2
							   : s->ring_bytes / 2;
	s->stack_bytes = s->c.stack_bytes;
	fit_stack(s);
	snprintf(s->note, sizeof(s->note),
		 "rings of %zu kB a CPU and stack copies of %u kB, as perf_event_mlock_kb allows"
		 " (for more: " HINT_MLOCK ")",
		 s->ring_bytes / 1024, s->stack_bytes / 1024, MLOCK_KB_FULL);
	return true;
}

static int open_all(struct session *s, char *why, size_t size)
{
	for (;;) {
		int r = s->c.scope == SESSION_TASKS ? open_tids(s, why, size)
						    : open_cpus(s, why, size);
		bool mapped = s->opened.len && !s->rings[0].map;

		if (r == -EMFILE)
			snprintf(why, size, "%zu events are open and the limit of open files is reached"
				 " (RLIMIT_NOFILE): fewer CPUs (-C), fewer threads, or " HINT_NOFILE,
				 s->opened.len, NOFILE_ENOUGH);
		if (r != -EPERM || !(mapped || s->opened.len > 1) || !shrink(s))
			return r;
		close_all(s);
		why[0] = '\0';
	}
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct record_format *)a)->id;
	uint64_t y = ((const struct record_format *)b)->id;

	return x < y ? -1 : x > y;
}

static void raise_nofile(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int prepare(struct session *s, char *why, size_t size)
{
	int r;

	raise_nofile();
	r = choose_cpus(s, why, size);
	if (r)
		return r;
	choose_sizes(s);
	fit_stack(s);
	s->rings = calloc(2 * s->n_cpus, sizeof(*s->rings));
	s->ring_fds = calloc(2 * s->n_cpus, sizeof(*s->ring_fds));
	if (!s->rings || !s->ring_fds)
		return -ENOMEM;
	return 0;
}

int session_open(const struct session_config *c, struct session **ret, char *why, size_t size)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->c = *c;
	why[0] = '\0';
	r = prepare(s, why, size);
	if (!r)
		r = open_all(s, why, size);
	if (!r && s->formats.len)
		qsort(s->formats.at, s->formats.len, sizeof(*s->formats.at), by_id);
	if (!r)
		r = merge_new(s->rings, 2 * s->n_cpus, &s->merge);
	if (r) {
		if (!why[0])
			snprintf(why, size, "cannot open the events: %s", strerror(-r));
		session_close(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void session_close(struct session **sp)
{
	struct session *s = *sp;

	if (!s)
		return;
	close_all(s);
	vec_free(&s->opened);
	vec_free(&s->formats);
	merge_free(&s->merge);
	free(s->rings);
	free(s->ring_fds);
	free(s->poll_fds);
	free(s->cpus);
	free(s);
	*sp = NULL;
}

static int each_fd(struct session *s, int (*fn)(int fd))
{
	int r = 0;

	for (size_t i = 0; i < s->opened.len; i++) {
		int e = fn(s->opened.at[i].fd);
		r = e ? e : r;
	}
	return r;
}

int session_enable(struct session *s)
{
	return each_fd(s, pmu_enable);
}

int session_disable(struct session *s)
{
	return each_fd(s, pmu_disable);
}

uint32_t session_stack_bytes(const struct session *s)
{
	return s->stack_bytes;
}

unsigned session_cpus(const struct session *s)
{
	return (unsigned)s->n_cpus;
}

const char *session_note(const struct session *s)
{
	return s->note;
}

static void on_record(void *arg, size_t ring, const void *bytes, size_t len)
{
	struct session *s = arg;
	bool sideband = ring & 1, bad;
	struct record r;

	s->records++;
	bad = record_decode(bytes, len, s->formats.at, s->formats.len, &r);
	if (s->tap)
		s->tap(s->tap_arg, bytes, len, bad ? NULL : &r);
	if (bad) {
		s->bad_records++;
		return;
	}
	if (r.kind == RECORD_LOST)
		s->lost_seen[sideband] += r.lost.lost;
	s->throttled += r.kind == RECORD_THROTTLE;
	if (r.kind != RECORD_LOST || sideband)
		s->fn(s->arg, &r);
}

void session_tap(struct session *s, session_raw_fn fn, void *arg)
{
	s->tap = fn;
	s->tap_arg = arg;
}

size_t session_describe(const struct session *s, size_t i, void *attr, size_t size, uint64_t *ids,
			size_t max)
{
	const struct event *e = i < s->c.n_events ? &s->c.events[i] : NULL;
	struct sampling how = how_of(s, e);
	size_t n = 0;

	pmu_describe(e, &how, attr, size);
	for (size_t k = 0; k < s->opened.len; k++) {
		if (s->opened.at[k].event != i)
			continue;
		if (n < max)
			ids[n] = s->opened.at[k].id;
		n++;
	}
	return n;
}

size_t session_drain(struct session *s, uint64_t until, session_fn fn, void *arg)
{
	s->fn = fn;
	s->arg = arg;
	return merge_drain(s->merge, until, on_record, s);
}

static int fill_poll(struct session *s, size_t more)
{
	if (!s->poll_fds) {
		s->poll_room = 2 * s->n_cpus + more;
		s->poll_fds = calloc(s->poll_room, sizeof(*s->poll_fds));
		if (!s->poll_fds)
			return -ENOMEM;
		for (size_t i = 0; i < 2 * s->n_cpus; i++)
			if (s->rings[i].map)
				s->poll_fds[s->n_poll++] =
					(struct pollfd){.fd = s->ring_fds[i], .events = POLLIN};
	}
	return s->n_poll + more <= s->poll_room ? 0 : -E2BIG;
}

/* A ring whose thread is gone reports POLLHUP for ever: it is no longer waited for, drained still. */
static void forget_hung_up(struct session *s)
{
	for (size_t i = 0; i < s->n_poll; i++)
		if (s->poll_fds[i].revents & (POLLHUP | POLLERR | POLLNVAL))
			s->poll_fds[i].fd = -1;
}

int session_wait(struct session *s, struct pollfd *fds, size_t n_fds, int timeout_ms)
{
	int r = fill_poll(s, n_fds);

	if (r)
		return r;
	memcpy(s->poll_fds + s->n_poll, fds, n_fds * sizeof(*fds));
	r = poll(s->poll_fds, s->n_poll + n_fds, timeout_ms);
	memcpy(fds, s->poll_fds + s->n_poll, n_fds * sizeof(*fds));
	forget_hung_up(s);
	return r < 0 && errno != EINTR ? -errno : 0;
}

static void add_lost(struct session *s, const struct opened *o, uint64_t lost[2], bool *counted)
{
	uint64_t n;

	if (pmu_lost(o->fd, &n) == 0) {
		lost[o->event == s->c.n_events] += n;
		*counted = true;
	}
}

struct times { /* of one event and one target thread */
	uint64_t enabled, running;
};

/* A thread's event on one CPU counts as enabled while the thread runs on another, so the running
 * times are added up over the CPUs. They are switched off one after the other: the first one's time
 * is the one to compare with, or a machine that was slow to do that would seem to lack counters. */
static struct times times_of(const struct session *s, size_t *i, uint32_t event)
{
	struct times t = {0};
	int tid = s->opened.at[*i].tid;

	for (; *i < s->opened.len && s->opened.at[*i].tid == tid; ++*i) {
		uint64_t n, enabled, running;

		if (s->opened.at[*i].event != event ||
		    pmu_times(s->opened.at[*i].fd, &n, &enabled, &running) || !enabled)
			continue;
		t.running += running;
		if (!t.enabled || enabled < t.enabled)
			t.enabled = enabled;
	}
	return t;
}

/* The share of the time that an event was on its counter; system wide, where it was least. */
static double running_share(struct session *s, uint32_t event)
{
	uint64_t enabled = 0, running = 0, n, e, r;
	double least = 1;

	for (size_t i = 0; s->c.scope == SESSION_TASKS && i < s->opened.len;) {
		struct times t = times_of(s, &i, event);

		enabled += t.enabled;
		running += t.running < t.enabled ? t.running : t.enabled;
	}
	if (s->c.scope == SESSION_TASKS)
		return enabled ? (double)running / (double)enabled : 1;
	for (size_t i = 0; i < s->opened.len; i++) {
		if (s->opened.at[i].event != event ||
		    pmu_times(s->opened.at[i].fd, &n, &e, &r) || !e)
			continue;
		if ((double)r / (double)e < least)
			least = (double)r / (double)e;
	}
	return least;
}

void session_stats(struct session *s, struct session_stats *ret)
{
	uint64_t lost[2] = {0};
	bool counted = false;

	*ret = (struct session_stats){.records = s->records, .bad_records = s->bad_records,
				      .throttled = s->throttled, .running = 1.0};
	for (size_t i = 0; i < s->opened.len; i++)
		add_lost(s, &s->opened.at[i], lost, &counted);
	for (uint32_t e = 0; e < s->c.n_events; e++) {
		double share = running_share(s, e);
		ret->running = share < ret->running ? share : ret->running;
	}
	for (size_t i = 0; i < 2 * s->n_cpus; i++)
		ret->corrupt_rings += s->rings[i].corrupt;
	/* Never the sum of both: the records tell a part of what read(2) tells in full. */
	ret->samples_lost = counted ? lost[0] : s->lost_seen[0];
	ret->sideband_lost = counted ? lost[1] : s->lost_seen[1];
}

uint64_t session_counted(const struct session *s, uint32_t event)
{
	uint64_t all = 0, n, enabled, running;

	for (size_t i = 0; i < s->opened.len; i++)
		if (s->opened.at[i].event == event &&
		    pmu_times(s->opened.at[i].fd, &n, &enabled, &running) == 0)
			all += n;
	return all;
}
