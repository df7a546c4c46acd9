/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "pmu/event.h"
#include "pmu/terms.h"
#include "tests/unit/pmu/fake_tree.h"

static struct event events[EVENTS_MAX];
static char why[EVENT_WHY_MAX];

static int resolve(const char *text)
{
	size_t n = 0;
	int rc = events_resolve(text, events, &n, why);

	if (!rc)
		assert_int_equal(n, 1);
	return rc;
}

static int make(void **state)
{
	tree_make();
	tree_file("devices/cpu/type", "4\n");
	tree_file("devices/cpu/format/event", "config:0-7\n");
	tree_file("devices/cpu/format/umask", "config:8-15\n");
	tree_file("devices/cpu/format/edge", "config:18\n");
	tree_file("devices/cpu/format/ldlat", "config1:0-15\n");
	tree_file("devices/cpu/format/split", "config:0-7,32-35\n");
	tree_file("devices/cpu/format/whole", "config2:0-63\n");
	tree_file("devices/cpu/format/broken", "config:9-3\n");
	tree_file("devices/cpu/events/cpu-cycles", "event=0x3c\n");
	tree_file("devices/cpu/events/mem-loads", "event=0xcd,umask=0x1,ldlat=3\n");
	tree_file("devices/cpu/events/asks", "event=0xcd,ldlat=?\n");
	tree_file("devices/cpu/events/bad", "event=0x3c,=,\n");
	tree_file("devices/cpu/events/loop", "loop\n");
	tree_file("devices/power/type", "23");
	tree_file("devices/power/format/event", "config:0-7");
	tree_file("devices/power/events/energy-pkg", "event=0x02");
	tree_file("devices/power/events/energy-pkg.unit", "Joules");
	tree_file("devices/huge/type", "4294967296");
	return 0;
}

static int drop(void **state)
{
	tree_remove();
	return 0;
}

static void formats(void **state)
{
	struct format f;
	uint64_t config = 0;

	assert_true(format_parse("config:0-7,32-35", &f));
	assert_int_equal(f.n, 2);
	assert_true(format_put(&f, 0x1a4, &config));
	assert_int_equal(config, 0x1000000a4); /* AMD's twelve-bit event code */
	assert_true(format_put(&f, 0x23, &config)); /* replaces, does not add */
	assert_int_equal(config, 0x23);
	assert_false(format_put(&f, 0x1000, &config)); /* thirteen bits */
	assert_int_equal(config, 0x23);
	assert_true(format_parse("config2:0-63", &f));
	assert_int_equal(f.target, FORMAT_CONFIG2);
	assert_true(format_put(&f, UINT64_MAX, &config));
	assert_int_equal(config, UINT64_MAX);
}

static void malformed_formats(void **state)
{
	static const char *const bad[] = {
		"", "config", "config:", "config:-", "config:8-", "config:-8", "config:9-3",
		"config:64", "config:0-64", "config:0-7,", "config:0-7,,9", "config:0-7,4-9",
		"config3:0", "confi:0", "config:0x3", "config: 0", "config:0-7 ", "config:99999999999",
		"config:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16",
	};
	struct format f;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(format_parse(bad[i], &f));
}

static void terms_of_a_person(void **state)
{
	assert_int_equal(resolve("cpu/event=0x3c,umask=0x1,edge/uk"), 0);
	assert_int_equal(events[0].type, 4);
	assert_int_equal(events[0].config, 0x4013c);
	assert_int_equal(events[0].source, EVENT_SYSFS);
	assert_false(events[0].exclude_user);
	assert_false(events[0].exclude_kernel);
	assert_true(events[0].exclude_hv);
	assert_int_equal(resolve("cpu/event=60,config2=0x55,name=hello-world/u"), 0);
	assert_int_equal(events[0].config, 0x3c);
	assert_int_equal(events[0].config2, 0x55);
	assert_string_equal(events[0].sample_type, "hello_world");
	assert_string_equal(events[0].name, "cpu/event=60,config2=0x55,name=hello-world/u");
	assert_int_equal(resolve("cpu/split=0x1a4/"), 0);
	assert_int_equal(events[0].config, 0x1000000a4);
	assert_string_equal(events[0].sample_type, "cpu_split_0x1a4");
}

static void events_of_the_kernel(void **state)
{
	assert_int_equal(resolve("cpu/mem-loads/"), 0);
	assert_int_equal(events[0].config, 0x1cd);
	assert_int_equal(events[0].config1, 3);
	assert_int_equal(resolve("cpu/mem-loads,ldlat=30/"), 0); /* the person's word counts */
	assert_int_equal(events[0].config1, 30);
	assert_int_equal(resolve("cpu/asks,ldlat=7/"), 0);
	assert_int_equal(events[0].config1, 7);
	assert_int_equal(resolve("power/energy-pkg/"), 0);
	assert_int_equal(events[0].type, 23);
	assert_int_equal(resolve("mem-loads:u"), 0); /* without its PMU */
	assert_int_equal(events[0].config, 0x1cd);
	assert_true(events[0].exclude_kernel);
}

static void refused(void **state)
{
	assert_int_equal(resolve("cpu/umask=0x100/"), -EINVAL);
	assert_non_null(strstr(why, "umask=0x100"));
	assert_int_equal(resolve("cpu/event=/"), -EINVAL);
	assert_int_equal(resolve("cpu/event=-1/"), -EINVAL);
	assert_int_equal(resolve("cpu/event=0x3c"), -EINVAL);
	assert_int_equal(resolve("cpu/event=0x3c,/"), -EINVAL);
	assert_int_equal(resolve("cpu/event=0x3c/z"), -EINVAL);
	assert_int_equal(resolve("cpu/broken=1/"), -EINVAL);
	assert_int_equal(resolve("cpu/bad/"), -EINVAL);
	assert_int_equal(resolve("cpu/loop/"), -EINVAL); /* an event names no other event */
	assert_int_equal(resolve("cpu/..=1/"), -ENOENT);
	assert_int_equal(resolve("../event=1/"), -ENODEV);
	assert_int_equal(resolve("huge/config=1/"), -EINVAL);
}

static void near_names(void **state)
{
	assert_int_equal(resolve("cpu/umaks=1/"), -ENOENT);
	assert_non_null(strstr(why, "umask"));
	assert_int_equal(resolve("cpu/mem-load/"), -ENOENT);
	assert_non_null(strstr(why, "mem-loads"));
	assert_int_equal(resolve("cpuu/event=1/"), -ENODEV);
	assert_non_null(strstr(why, "did you mean cpu?"));
}

static void lists_part_outside_slashes(void **state)
{
	size_t n = 0;

	assert_int_equal(events_resolve("cycles:u,cpu/event=1,umask=2/,instructions", events, &n,
					why), 0);
	assert_int_equal(n, 3);
	assert_string_equal(events[1].name, "cpu/event=1,umask=2/");
	assert_int_equal(events[1].config, 0x201);
}

/* The kernel's files may hold anything: never a crash, and what is taken fits its bits. */
static void mutated_files(void **state)
{
	static const char *const formats_seen[] = {"config:0-7,32-35", "config1:0-63", "config:18"};
	static const char *const events_seen[] = {"event=0xcd,umask=0x1,ldlat=3", "event=0x3c",
						  "config=0x1,config2=0xffffffffffffffff"};
	unsigned seed = 20261124;

	for (int i = 0; i < 1500; i++) {
		char format[ROOT_FILE_MAX], event[ROOT_FILE_MAX];

		strcpy(format, formats_seen[i % 3]);
		strcpy(event, events_seen[i % 3]);
		tree_mutate(format, 256, &seed);
		tree_mutate(event, 256, &seed);
		tree_file("devices/cpu/format/ldlat", format);
		tree_file("devices/cpu/events/mem-loads", event);
		(void)resolve("cpu/mem-loads,ldlat=1/u");
		assert_true(strlen(why) < EVENT_WHY_MAX);
	}
}

static void files_too_long_or_with_nul(void **state)
{
	static char big[ROOT_FILE_MAX * 2];

	memset(big, '1', sizeof(big));
	tree_bytes("devices/cpu/type", big, sizeof(big));
	assert_int_not_equal(resolve("cpu/event=1/"), 0);
	tree_bytes("devices/cpu/type", "4\0" "4", 3);
	assert_int_equal(resolve("cpu/event=1/"), -EINVAL);
	tree_file("devices/cpu/type", "");
	assert_int_equal(resolve("cpu/event=1/"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(malformed_formats),
		cmocka_unit_test_setup_teardown(terms_of_a_person, make, drop),
		cmocka_unit_test_setup_teardown(events_of_the_kernel, make, drop),
		cmocka_unit_test_setup_teardown(refused, make, drop),
		cmocka_unit_test_setup_teardown(near_names, make, drop),
		cmocka_unit_test_setup_teardown(lists_part_outside_slashes, make, drop),
		cmocka_unit_test_setup_teardown(mutated_files, make, drop),
		cmocka_unit_test_setup_teardown(files_too_long_or_with_nul, make, drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
