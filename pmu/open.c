/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/open.h"

#include "pmu/abi.h"
#include "pmu/attr.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#if defined(__x86_64__)
/* ax bx cx dx si di bp sp ip, r8 to r15 (asm/perf_regs.h). */
#define REGS_MASK 0xff01ffull
#elif defined(__aarch64__)
/* x0 to x29, lr, sp, pc. */
#define REGS_MASK ((1ull << 33) - 1)
#else
#error "which user registers an unwinder needs is not written down for this architecture"
#endif

enum {
	/* The trailer that sample_id_all puts behind every other record. */
	SAMPLE_ID = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU,
	READ_FORMAT = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING |
		      PERF_FORMAT_ID | PERF_FORMAT_LOST,
	PRECISE_MAX = 3,
};

static void strip_lost(struct perf_event_attr *a)
{
	a->read_format &= ~(__u64)PERF_FORMAT_LOST;
}

static void strip_max_stack(struct perf_event_attr *a)
{
	a->sample_max_stack = 0;
}

static void strip_comm_exec(struct perf_event_attr *a)
{
	a->comm_exec = 0;
}

/* What older kernels refuse and we can do without, newest first: a kernel that lacks one lacks all
 * before it. use_clockid (4.1) and mmap2 (3.12) are not among them, a recording needs both. */
static void (*const strips[])(struct perf_event_attr *) = {
	strip_lost,      /* Linux 6.0 */
	strip_max_stack, /* 4.8 */
	strip_comm_exec, /* 3.16 */
};
enum { STRIPS = sizeof(strips) / sizeof(strips[0]) };

/* How many of them this kernel was seen to need. */
static unsigned stripped;

uint64_t pmu_sample_type(const struct sampling *how)
{
	uint64_t s = SAMPLE_ID | PERF_SAMPLE_IP;

	/* With a fixed period it would make every software or tracepoint event overflow; the
	 * weight is the period then. */
	if (how->frequency && !how->period)
		s |= PERF_SAMPLE_PERIOD;
	if (how->callchain)
		s |= PERF_SAMPLE_CALLCHAIN;
	if (how->user_regs || how->stack_bytes)
		s |= PERF_SAMPLE_REGS_USER;
	if (how->stack_bytes)
		s |= PERF_SAMPLE_STACK_USER;
	return s;
}

uint64_t pmu_regs_mask(void)
{
	return REGS_MASK;
}

static void attr_common(struct perf_event_attr *a, const struct sampling *how)
{
	*a = (struct perf_event_attr){
		.size = sizeof(*a),
		.disabled = 1,
		.inherit = how->inherit,
		.enable_on_exec = how->enable_on_exec,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.read_format = READ_FORMAT,
		.watermark = 1,
		.wakeup_watermark = how->wakeup_bytes,
	};
}

static void attr_which(struct perf_event_attr *a, const struct event *e)
{
	a->type = e->type;
	a->config = e->config;
	a->config1 = e->config1; /* a breakpoint's address */
	a->config2 = e->config2; /* and length */
	if (e->type == PERF_TYPE_BREAKPOINT) {
		a->bp_type = (__u32)e->config;
		a->config = 0;
	}
	a->exclude_user = e->exclude_user;
	a->exclude_kernel = e->exclude_kernel;
	a->exclude_hv = e->exclude_hv;
	a->exclude_host = e->exclude_host;
	a->exclude_guest = e->exclude_guest;
	/* More than the kernel knows means "as precise as there is", which events_probe() finds. */
	a->precise_ip = e->precise > PRECISE_MAX ? 0 : e->precise;
}

void pmu_attr(struct perf_event_attr *a, const struct event *e, const struct sampling *how)
{
	attr_common(a, how);
	attr_which(a, e);
	a->exclude_idle = how->exclude_idle;
	a->sample_type = pmu_sample_type(how);
	if (how->period) {
		a->sample_period = how->period;
	} else if (how->frequency) {
		a->freq = 1;
		a->sample_freq = how->frequency;
	}
	if (how->callchain) {
		a->exclude_callchain_user = !how->callchain_user;
		a->sample_max_stack = how->max_stack;
	}
	if (a->sample_type & PERF_SAMPLE_REGS_USER)
		a->sample_regs_user = REGS_MASK;
	a->sample_stack_user = how->stack_bytes;
}

static int open_once(struct perf_event_attr *a, const struct open_target *t)
{
	unsigned long flags = PERF_FLAG_FD_CLOEXEC;
	int pid = t->pid, fd;

	if (pid == OPEN_CGROUP) {
		flags |= PERF_FLAG_PID_CGROUP;
		pid = t->cgroup;
	}
	fd = abi_perf_event_open(a, pid, t->cpu, -1, flags);
	return fd < 0 ? -errno : fd;
}

int pmu_open_attr(const struct perf_event_attr *attr, const struct open_target *t)
{
	struct perf_event_attr a = *attr;
	unsigned n;
	int fd;

	for (n = 0; n < stripped; n++)
		strips[n](&a);
	for (;; n++) {
		fd = open_once(&a, t);
		/* Deeper than the sysctl allows: the sysctl's own depth then. */
		if (fd == -EOVERFLOW && a.sample_max_stack) {
			a.sample_max_stack = 0;
			fd = open_once(&a, t);
		}
		if (fd >= 0) {
			stripped = n;
			return fd;
		}
		if ((fd != -EINVAL && fd != -E2BIG) || n == STRIPS)
			return fd;
		strips[n](&a);
	}
}

int pmu_open(const struct event *event, const struct open_target *t, const struct sampling *how)
{
	struct perf_event_attr a;
	int fd;

	pmu_attr(&a, event, how);
	fd = pmu_open_attr(&a, t);
	/* Some PMUs refuse what they cannot do (Arm's), others ignore it. */
	if (fd == -EOPNOTSUPP && a.exclude_idle) {
		a.exclude_idle = 0;
		fd = pmu_open_attr(&a, t);
	}
	return fd;
}

static void sideband_attr(struct perf_event_attr *a, const struct sampling *how)
{
	attr_common(a, how);
	a->type = PERF_TYPE_SOFTWARE;
	a->config = PERF_COUNT_SW_DUMMY;
	a->sample_type = SAMPLE_ID;
	/* The records come all the same, and perf_event_paranoid 2 allows it. */
	a->exclude_kernel = 1;
	a->mmap = 1;
	a->mmap2 = 1;
	a->mmap_data = how->mmap_data;
	a->comm = 1;
	a->comm_exec = 1;
	a->task = 1;
}

int pmu_open_sideband(const struct open_target *t, const struct sampling *how)
{
	struct perf_event_attr a;

	sideband_attr(&a, how);
	return pmu_open_attr(&a, t);
}

void pmu_describe(const struct event *event, const struct sampling *how, void *ret, size_t size)
{
	struct perf_event_attr a;

	if (event)
		pmu_attr(&a, event, how);
	else
		sideband_attr(&a, how);
	memset(ret, 0, size);
	memcpy(ret, &a, size < sizeof(a) ? size : sizeof(a));
}

int pmu_id(int fd, uint64_t *ret)
{
	__u64 id;

	if (ioctl(fd, PERF_EVENT_IOC_ID, &id) < 0)
		return -errno;
	*ret = id;
	return 0;
}

int pmu_redirect(int fd, int ring_fd)
{
	return ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring_fd) < 0 ? -errno : 0;
}

int pmu_enable(int fd)
{
	return ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0 ? -errno : 0;
}

int pmu_disable(int fd)
{
	return ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) < 0 ? -errno : 0;
}

/* read(2) of READ_FORMAT; `lost` is the last member, so that a kernel without it only leaves
 * the end unwritten. */
struct reading {
	uint64_t value, enabled, running, id, lost;
};

static int reading_get(int fd, struct reading *r)
{
	ssize_t n = read(fd, r, sizeof(*r));

	if (n < 0)
		return -errno;
	return (int)n;
}

int pmu_lost(int fd, uint64_t *ret)
{
	struct reading r;
	int n = reading_get(fd, &r);

	if (n < 0)
		return n;
	if (n < (int)sizeof(r))
		return -ENOTSUP;
	*ret = r.lost;
	return 0;
}

int pmu_times(int fd, uint64_t *ret_count, uint64_t *ret_enabled, uint64_t *ret_running)
{
	struct reading r;
	int n = reading_get(fd, &r);

	if (n < 0)
		return n;
	/* End of file: the event is in an error state (a pinned one that lost its counter). */
	if (n < (int)offsetof(struct reading, id))
		return -EIO;
	*ret_count = r.value;
	*ret_enabled = r.enabled;
	*ret_running = r.running;
	return 0;
}
