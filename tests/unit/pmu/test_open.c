/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening, probing and explaining, with this kernel's own answers. Where this user may open no
 * event at all, the cases that need one are skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pmu/attr.h"
#include "pmu/facts.h"
#include "pmu/usable.h"

static const struct open_target self = {.pid = 0, .cpu = -1, .cgroup = -1};
static struct event events[EVENTS_MAX];
static char why[EVENT_WHY_MAX];

static struct event event(const char *text)
{
	size_t n = 0;

	assert_int_equal(events_resolve(text, events, &n, why), 0);
	assert_int_equal(n, 1);
	return events[0];
}

static void need_events(void)
{
	struct event e = event("cpu-clock:u");
	int err;

	if (event_usable(&e, &err) == USABLE_NO)
		skip();
}

static void sample_types(void **state)
{
	struct sampling how = {.frequency = 99};
	const uint64_t always = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
				PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;

	assert_int_equal(pmu_sample_type(&how), always | PERF_SAMPLE_PERIOD);
	how = (struct sampling){.period = 1000};
	assert_int_equal(pmu_sample_type(&how), always);
	how = (struct sampling){.period = 1, .callchain = true, .stack_bytes = 8192};
	assert_int_equal(pmu_sample_type(&how), always | PERF_SAMPLE_CALLCHAIN |
			 PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER);
	how = (struct sampling){.period = 1, .user_regs = true};
	assert_int_equal(pmu_sample_type(&how), always | PERF_SAMPLE_REGS_USER);
}

static void attributes(void **state)
{
	const struct sampling how = {.frequency = 99, .stack_bytes = 65528, .callchain = true,
				     .inherit = true, .enable_on_exec = true, .wakeup_bytes = 4096};
	struct event e = event("cycles:upp");
	struct perf_event_attr a;

	pmu_attr(&a, &e, &how);
	assert_int_equal(a.size, sizeof(a));
	assert_true(a.disabled && a.inherit && a.enable_on_exec && a.sample_id_all);
	assert_true(a.freq && a.sample_freq == 99);
	assert_true(a.use_clockid && a.clockid == 1);
	assert_true(a.watermark && a.wakeup_watermark == 4096);
	assert_true(a.exclude_callchain_user && a.exclude_kernel && a.exclude_guest);
	assert_int_equal(a.precise_ip, 2);
	assert_int_equal(a.sample_stack_user, 65528);
	assert_int_equal(a.sample_regs_user, pmu_regs_mask());
	assert_false(a.mmap || a.mmap2 || a.comm || a.task);
}

static void opens_counts_and_reads(void **state)
{
	const struct sampling how = {.period = 1000000};
	struct event e = event("task-clock:u");
	uint64_t id, other, lost, count, enabled, running;
	int fd, second, rc;

	need_events();
	fd = pmu_open(&e, &self, &how);
	second = pmu_open(&e, &self, &how);
	assert_true(fd >= 0 && second >= 0);
	assert_int_equal(pmu_id(fd, &id), 0);
	assert_int_equal(pmu_id(second, &other), 0);
	assert_int_not_equal(id, other);
	assert_int_equal(pmu_times(fd, &count, &enabled, &running), 0);
	assert_int_equal(enabled, 0);
	assert_int_equal(pmu_enable(fd), 0);
	for (volatile int i = 0; i < 1000000; i++)
		;
	assert_int_equal(pmu_disable(fd), 0);
	assert_int_equal(pmu_times(fd, &count, &enabled, &running), 0);
	assert_true(count > 0 && enabled > 0 && running > 0 && running <= enabled);
	rc = pmu_lost(fd, &lost);
	assert_true(rc == -ENOTSUP || (rc == 0 && lost == 0));
	close(fd);
	close(second);
	assert_int_equal(pmu_id(fd, &id), -EBADF);
	assert_int_equal(pmu_enable(fd), -EBADF);
	assert_int_equal(pmu_redirect(fd, second), -EBADF);
	assert_int_equal(pmu_lost(fd, &lost), -EBADF);
}

static void opens_with_everything(void **state)
{
	const struct sampling how = {.frequency = 99, .stack_bytes = 65528, .callchain = true,
				     .callchain_user = true, .inherit = true, .max_stack = 64};
	struct event e = event("cpu-clock:u");
	const struct open_target on_cpu = {.pid = 0, .cpu = 0, .cgroup = -1};
	int fd;

	need_events();
	fd = pmu_open(&e, &on_cpu, &how);
	assert_true(fd >= 0);
	close(fd);
	fd = pmu_open_sideband(&on_cpu, &how);
	assert_true(fd >= 0);
	close(fd);
}

/* Deeper than the sysctl: the sysctl's own depth is taken. */
static void too_deep_a_chain_opens(void **state)
{
	const struct sampling how = {.frequency = 99, .callchain = true, .max_stack = 60000};
	struct event e = event("cpu-clock:u");
	int fd;

	need_events();
	fd = pmu_open(&e, &self, &how);
	assert_true(fd >= 0);
	close(fd);
}

static void probe_keeps_what_opens(void **state)
{
	bool user_only;
	size_t n = 0;

	need_events();
	assert_int_equal(events_resolve("cpu-clock:u,page-faults:u", events, &n, why), 0);
	assert_int_equal(events_probe(events, n, false, -1, &user_only, why), 0);
	assert_false(user_only || events[0].fell_back || events[1].fell_back);
	assert_string_equal(events[1].sample_type, "page_faults");
}

static void cycles_alone_falls_back(void **state)
{
	struct event e = event("cycles");
	bool user_only;
	size_t n = 0;
	int err;

	need_events();
	if (event_usable(&e, &err) != USABLE_NO)
		skip(); /* there is a PMU */
	assert_int_equal(events_resolve("cycles:P,cpu-clock", events, &n, why), 0);
	assert_int_equal(events_probe(events, n, false, -1, &user_only, why), 0);
	assert_true(events[0].fell_back && events[0].is_clock && !events[0].hardware);
	assert_string_equal(events[0].name, "cycles:P");
	assert_string_equal(events[0].unit, "nanoseconds");
	assert_int_equal(events[0].precise, 0);
	assert_string_not_equal(events[0].sample_type, events[1].sample_type);
	n = 0;
	assert_int_equal(events_resolve("instructions", events, &n, why), 0);
	assert_int_equal(events_probe(events, n, false, -1, &user_only, why), -ENOENT);
	assert_false(events[0].fell_back);
	assert_non_null(strstr(why, "no hardware counters here"));
	assert_non_null(strstr(why, "ENOENT"));
	assert_non_null(strstr(why, "-e cpu-clock"));
}

static const char *explained(int err, const char *name, const struct open_target *t,
			     const struct sampling *how)
{
	struct event e = event(name);

	*why = '\0';
	pmu_explain(err, &e, t, how, why, sizeof(why));
	return why;
}

static void explains(void **state)
{
	const struct open_target gone = {.pid = 12345678, .cpu = -1, .cgroup = -1};
	struct sampling how = {.period = 1};

	assert_non_null(strstr(explained(-ESRCH, "cpu-clock", &gone, &how), "no process 12345678"));
	assert_non_null(strstr(explained(-EMFILE, "cpu-clock", &self, &how), "open files"));
	assert_non_null(strstr(explained(-ENFILE, "cpu-clock", &self, &how), "file-max"));
	assert_non_null(strstr(explained(-EBUSY, "cycles", &self, &how), "in use"));
	assert_non_null(strstr(explained(-ENOMEM, "cycles", &self, &how), "memory"));
	how = (struct sampling){.frequency = 1000000000};
	assert_non_null(strstr(explained(-EINVAL, "cpu-clock", &self, &how),
			       "perf_event_max_sample_rate"));
	assert_non_null(strstr(why, "sudo sysctl kernel.perf_event_max_sample_rate=1000000000"));
}

/* EINVAL says that something does not fit: which, is found by leaving it out. */
static void finds_the_attribute(void **state)
{
	struct sampling how = {.period = 1000, .stack_bytes = 65535};
	struct event e = event("cpu-clock:u");
	int rc;

	need_events();
	rc = pmu_open(&e, &self, &how);
	assert_int_equal(rc, -EINVAL);
	assert_non_null(strstr(explained(rc, "cpu-clock:u", &self, &how), "user stack"));
	if (access("/sys/bus/event_source/devices/msr/events/tsc", F_OK))
		return;
	how = (struct sampling){.period = 1000};
	e = event("msr/tsc/");
	e.exclude_guest = false;
	rc = pmu_open(&e, &self, &how);
	if (rc == -EINVAL)
		assert_non_null(strstr(explained(rc, "msr/tsc/", &self, &how), "counted, not sampled"));
}

/* What follows runs in a child as another user; its exit status tells which step failed. */
static int as_nobody(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(99);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool has_pmu;

static int probe_as_user(void)
{
	struct event mine[2];
	bool user_only = false;
	size_t n = 0;

	/* Where there is no PMU the rights are not what is in the way. */
	if (!has_pmu && (events_resolve("instructions", mine, (n = 0, &n), why) < 0 ||
			 events_probe(mine, n, false, -1, &user_only, why) != -ENOENT))
		return 8;
	n = 0;
	if (events_resolve("cpu-clock", mine, &n, why) < 0)
		return 1;
	if (events_probe(mine, n, false, -1, &user_only, why) || !user_only ||
	    !mine[0].exclude_kernel)
		return 2;
	/* The whole machine is not this user's. */
	if (events_probe(mine, n, true, 0, &user_only, why) != -EACCES)
		return 3;
	if (!strstr(why, "the whole machine needs CAP_PERFMON") || !strstr(why, "is 2") ||
	    !strstr(why, "sudo sysctl kernel.perf_event_paranoid=0"))
		return 4;
	/* Without the kernel it would count nothing: refused, not silently 0. */
	n = 0;
	if (events_resolve("context-switches", mine, &n, why) < 0)
		return 5;
	if (events_probe(mine, n, false, -1, &user_only, why) != -EACCES)
		return 6;
	return strstr(why, "kernel.perf_event_paranoid=1") ? 0 : 7;
}

static int explain_other_process(void)
{
	const struct open_target other = {.pid = getppid(), .cpu = -1, .cgroup = -1};
	const struct sampling how = {.period = 1000000};
	struct event e;
	size_t n = 0;
	int rc;

	if (events_resolve("cpu-clock:u", &e, &n, why) < 0)
		return 1;
	rc = pmu_open(&e, &other, &how);
	if (rc != -EACCES && rc != -EPERM)
		return 2;
	*why = '\0';
	pmu_explain(rc, &e, &other, &how, why, sizeof(why));
	return strstr(why, "belongs to uid 0, we are uid 65534") ? 0 : 3;
}

static void as_another_user(void **state)
{
	struct event e = event("cycles");
	struct facts f;
	int err;

	has_pmu = event_usable(&e, &err) != USABLE_NO;
	facts_read(&f);
	if (f.uid || f.paranoid != 2 || f.filtered || !facts_perfmon(&f))
		skip();
	assert_int_equal(as_nobody(probe_as_user), 0);
	assert_int_equal(as_nobody(explain_other_process), 0);
}

static void no_file_left(void **state)
{
	const struct sampling how = {.period = 1000};
	struct event e = event("cpu-clock:u");
	struct rlimit old, none;
	int rc;

	need_events();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = pmu_open(&e, &self, &how);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(rc, -EMFILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_types),
		cmocka_unit_test(attributes),
		cmocka_unit_test(opens_counts_and_reads),
		cmocka_unit_test(opens_with_everything),
		cmocka_unit_test(too_deep_a_chain_opens),
		cmocka_unit_test(probe_keeps_what_opens),
		cmocka_unit_test(cycles_alone_falls_back),
		cmocka_unit_test(explains),
		cmocka_unit_test(finds_the_attribute),
		cmocka_unit_test(as_another_user),
		cmocka_unit_test(no_file_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
