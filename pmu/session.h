/* SPDX-License-Identifier: Apache-2.0
 *
 * All events of a recording: opened on every CPU (and for every thread of the targets), one data
 * ring and one small sideband ring a CPU, drained as one stream of decoded records.
 *
 * Further events join a CPU's ring (PERF_EVENT_IOC_SET_OUTPUT) and are told apart by id. Sideband
 * (mmap2, comm, fork, exit) has a ring of its own, so that 64 KiB samples cannot push it out.
 */
#ifndef PMU_SESSION_H
#define PMU_SESSION_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmu/event.h"
#include "pmu/record.h"

enum session_scope { SESSION_SYSTEM, SESSION_TASKS, SESSION_CGROUP };

struct session_config {
	const struct event *events;
	size_t n_events;
	enum session_scope scope;
	const int *tids; /* SESSION_TASKS: threads */
	size_t n_tids;
	int cgroup;      /* SESSION_CGROUP: its directory */
	const cpu_set_t *cpus; /* NULL: all that are online */
	uint64_t frequency, period; /* one of them; 0, 0: every occurrence */
	bool frequency_given; /* the person named it: for software events and tracepoints too,
			       * of which otherwise every occurrence is a sample */
	uint32_t stack_bytes; /* wanted; 0: no user stacks by DWARF */
	bool callchain, callchain_user;
	bool inherit;        /* SESSION_TASKS: children and new threads too */
	bool enable_on_exec; /* SESSION_TASKS */
	bool mmap_data;      /* mappings of data, too: other unwinders look for their tables there */
	bool stack_fixed;    /* the person named the size: do not make it smaller to fit the ring */
};

struct session;

/* Are all of these CPUs online (NULL: yes)? 0, or -errno with `why`: which one is not, which are. */
int session_check_cpus(const cpu_set_t *cpus, char *why, size_t size);

struct session_stats {
	uint64_t records, samples_lost, sideband_lost; /* as read(2) tells (Linux 6.0), else by records */
	uint64_t bad_records, corrupt_rings, throttled;
	double running; /* least share of the time that an event was on its counter, 1.0 = always */
};

/* Opens everything, disabled. On an error `why` (size bytes) tells people the cause and the fix.
 * Targets that have died meanwhile are passed over unless none is left (-ESRCH). */
int session_open(const struct session_config *c, struct session **ret, char *why, size_t size);
void session_close(struct session **s);
int session_enable(struct session *s);
int session_disable(struct session *s);

/* The stack copy that fits the rings: at most config.stack_bytes. */
uint32_t session_stack_bytes(const struct session *s);
unsigned session_cpus(const struct session *s);
const char *session_note(const struct session *s); /* what was made smaller, or "" */

typedef void (*session_fn)(void *arg, const struct record *r);

/* Delivers, in order of time, what is older than `until` (clock_mono() ns; UINT64_MAX: all).
 * A RECORD_LOST is delivered only for sideband: mappings may be missing from there on. */
size_t session_drain(struct session *s, uint64_t until, session_fn fn, void *arg);

/* Each record as the kernel wrote it goes to `fn`, before what it says (`r`, which points into it;
 * NULL: it made no sense) goes on. */
typedef void (*session_raw_fn)(void *arg, const void *bytes, size_t len, const struct record *r);
void session_tap(struct session *s, session_raw_fn fn, void *arg);

/* How event i (n_events: the sideband) was opened: `size` bytes of its struct perf_event_attr, and the
 * ids of its descriptors, of which at most `max` are stored; returns their number. */
size_t session_describe(const struct session *s, size_t i, void *attr, size_t size, uint64_t *ids,
			size_t max);

/* Waits until a ring is half full, a descriptor of `fds` is ready, or `timeout_ms` has passed. */
struct pollfd;
int session_wait(struct session *s, struct pollfd *fds, size_t n_fds, int timeout_ms);

void session_stats(struct session *s, struct session_stats *ret);
uint64_t session_counted(const struct session *s, uint32_t event); /* occurrences, sampled or not */

#endif
