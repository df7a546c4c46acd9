/* SPDX-License-Identifier: Apache-2.0
 *
 * One perf event, opened. The only maker of struct perf_event_attr.
 */
#ifndef PMU_OPEN_H
#define PMU_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmu/event.h"

struct open_target {
	int pid;    /* thread id; -1 all; -2: cgroup */
	int cpu;    /* -1 any */
	int cgroup; /* directory descriptor, for pid -2 */
};

struct sampling {
	uint64_t period;        /* -c; 0: by frequency */
	uint64_t frequency;     /* -F in Hz */
	uint32_t stack_bytes;   /* user stack copy, multiple of 8, at most 65528; 0 none */
	bool user_regs;
	bool callchain;
	bool callchain_user;    /* let the kernel walk user frame pointers too */
	bool inherit;           /* new threads and children as well */
	bool enable_on_exec;
	bool exclude_idle;
	bool mmap_data;         /* of the sideband: mappings that are not executable, too */
	uint32_t wakeup_bytes;  /* watermark */
	uint16_t max_stack;     /* callchain entries; 0: the sysctl's value */
};

/* What a sample of `how` is made of, fixed order, see pmu/record.h. */
/* Opens `event` for sampling, disabled, with sample ids on every record, use_clockid =
 * CLOCK_MONOTONIC, PERF_FORMAT_ID and PERF_FORMAT_LOST where the kernel has it. Attributes that an
 * older kernel refuses are left out one by one in a fixed order (and remembered). fd or -errno. */
int pmu_open(const struct event *event, const struct open_target *t, const struct sampling *how);

/* The dummy event that carries mmap2, comm, fork and exit records. */
int pmu_open_sideband(const struct open_target *t, const struct sampling *how);

int pmu_id(int fd, uint64_t *ret);             /* PERF_EVENT_IOC_ID */
int pmu_redirect(int fd, int ring_fd);         /* PERF_EVENT_IOC_SET_OUTPUT */
int pmu_enable(int fd);
int pmu_disable(int fd);
/* read(2): records that found no room in the ring, this event's; -ENOTSUP before Linux 6.0. */
int pmu_lost(int fd, uint64_t *ret);
int pmu_times(int fd, uint64_t *ret_count, uint64_t *ret_enabled, uint64_t *ret_running);

/* The sample_type bits and register mask that pmu_open() asks for with `how`: what the record
 * decoder is told. */
uint64_t pmu_sample_type(const struct sampling *how);
uint64_t pmu_regs_mask(void);

/* struct perf_event_attr of an event, or of the sideband (NULL), as it is asked for: at most `size`
 * bytes of it. For files that tell how they were recorded. */
void pmu_describe(const struct event *event, const struct sampling *how, void *ret, size_t size);

/* Why an open failed, for people: reads what it names (sysctls, capabilities, limits). Appends
 * text and fix to `why`. `pid_owner` < 0 when no other process is the target. */
void pmu_explain(int err, const struct event *event, const struct open_target *t,
		 const struct sampling *how, char *why, size_t size);

#endif
