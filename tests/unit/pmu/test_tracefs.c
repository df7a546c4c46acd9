/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/wait.h>

#include "pmu/abi.h"
#include "pmu/resolve.h"
#include "tests/unit/pmu/fake_tree.h"

static struct event events[EVENTS_MAX];
static char why[EVENT_WHY_MAX];

static int resolve(const char *text)
{
	size_t n = 0;

	return events_resolve(text, events, &n, why);
}

static int make(void **state)
{
	tree_make();
	tree_file("tracing/events/sched/enable", "0");
	tree_file("tracing/events/sched/sched_switch/id", "316\n");
	tree_file("tracing/events/sched/sched_wakeup/id", "315\n");
	tree_file("tracing/events/lock/contention_begin/id", "17\n");
	tree_file("tracing/events/odd/not_a_number/id", "12x\n");
	tree_file("tracing/events/odd/nothing/id", "");
	return 0;
}

static int make_empty(void **state)
{
	tree_make();
	return 0;
}

static int drop(void **state)
{
	tree_remove();
	return 0;
}

static void found(void **state)
{
	assert_int_equal(resolve("sched:sched_switch"), 0);
	assert_int_equal(events[0].type, PERF_TYPE_TRACEPOINT);
	assert_int_equal(events[0].config, 316);
	assert_int_equal(events[0].source, EVENT_TRACEPOINT);
	assert_true(events[0].counts_each);
	assert_false(events[0].hardware);
	assert_string_equal(events[0].sample_type, "sched_sched_switch");
	assert_int_equal(resolve("sched:sched_switch:u"), 0);
	assert_true(events[0].exclude_kernel);
	assert_string_equal(events[0].name, "sched:sched_switch:u");
}

static void found_in_debugfs(void **state)
{
	tree_file("debug/events/sched/sched_switch/id", "9");
	assert_int_equal(resolve("sched:sched_switch"), 0);
	assert_int_equal(events[0].config, 9);
}

static void a_typo(void **state)
{
	assert_int_equal(resolve("sched:sched_swich"), -ENOENT);
	assert_non_null(strstr(why, "did you mean sched:sched_switch"));
	assert_int_equal(resolve("shed:sched_switch"), -ENOENT);
	assert_non_null(strstr(why, "did you mean sched:sched_switch"));
}

static void not_in_this_kernel(void **state)
{
	assert_int_equal(resolve("nvme:nvme_setup_cmd"), -ENOENT);
	assert_non_null(strstr(why, "has no system 'nvme'"));
	assert_null(strstr(why, "did you mean"));
	assert_int_equal(tracefs_state(), TRACEFS_READABLE);
}

static void not_mounted(void **state)
{
	tree_file("tracing/", "");
	assert_int_equal(tracefs_state(), TRACEFS_NOT_MOUNTED);
	assert_int_equal(resolve("sched:sched_switch"), -ENODEV);
	assert_non_null(strstr(why, "not mounted"));
	assert_non_null(strstr(why, "mount -t tracefs"));
}

static void no_tracing_at_all(void **state)
{
	assert_int_equal(tracefs_state(), TRACEFS_NONE);
	assert_int_equal(resolve("sched:sched_switch"), -ENODEV);
	assert_non_null(strstr(why, "built without tracing"));
}

/* Root may read everything: as somebody else, in a child. */
static void not_readable(void **state)
{
	char path[PATH_MAX];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/tracing", tree);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(chmod(tree, 0755), 0);
	if (geteuid() != 0)
		assert_int_equal(chmod(path, 0), 0);
	pid = fork();
	if (!pid) {
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(9);
		if (tracefs_state() != TRACEFS_NOT_READABLE)
			_exit(1);
		if (resolve("sched:sched_switch") != -EACCES)
			_exit(2);
		_exit(strstr(why, "sudo") ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(status, 0);
}

static void odd_ids(void **state)
{
	assert_int_equal(resolve("odd:not_a_number"), -EINVAL);
	assert_int_equal(resolve("odd:nothing"), -EINVAL);
	assert_int_equal(resolve("..:id"), -ENOENT);
	assert_int_equal(resolve("sched:.."), -ENOENT);
}

static void mutated_ids(void **state)
{
	unsigned seed = 7;

	for (int i = 0; i < 1000; i++) {
		char id[64] = "316\n";
		int rc;

		tree_mutate(id, sizeof(id), &seed);
		tree_file("tracing/events/sched/sched_switch/id", id);
		rc = resolve("sched:sched_switch");
		assert_true(rc == 0 || rc == -EINVAL || rc == -EFBIG);
		if (!rc)
			assert_true(strspn(id, "0123456789abcdefxABCDEFX \t\r\n\v\f") == strlen(id));
	}
}

static int count(void *arg, const char *name)
{
	++*(int *)arg;
	return 0;
}

static void lists(void **state)
{
	int systems = 0, names = 0;

	assert_int_equal(tracefs_each_system(count, &systems), 0);
	assert_int_equal(systems, 3);
	assert_int_equal(tracefs_each("sched", count, &names), 0);
	assert_int_equal(names, 2); /* "enable" is a file */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found, make, drop),
		cmocka_unit_test_setup_teardown(found_in_debugfs, make_empty, drop),
		cmocka_unit_test_setup_teardown(a_typo, make, drop),
		cmocka_unit_test_setup_teardown(not_in_this_kernel, make, drop),
		cmocka_unit_test_setup_teardown(not_mounted, make_empty, drop),
		cmocka_unit_test_setup_teardown(no_tracing_at_all, make_empty, drop),
		cmocka_unit_test_setup_teardown(not_readable, make, drop),
		cmocka_unit_test_setup_teardown(odd_ids, make, drop),
		cmocka_unit_test_setup_teardown(mutated_ids, make, drop),
		cmocka_unit_test_setup_teardown(lists, make, drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
