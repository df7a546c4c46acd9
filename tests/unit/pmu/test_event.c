/* SPDX-License-Identifier: Apache-2.0
 *
 * -e: aliases, modifiers, raw codes, lists, and what is said of names that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "pmu/abi.h"
#include "pmu/event.h"
#include "pmu/resolve.h"
#include "tests/unit/pmu/fake_tree.h"

static struct event events[EVENTS_MAX];
static char why[EVENT_WHY_MAX];
static size_t n;

static int resolve(const char *text)
{
	n = 0;
	return events_resolve(text, events, &n, why);
}

#define HW_CACHE(cache, op, result)                                                                \
	(PERF_COUNT_HW_CACHE_##cache | PERF_COUNT_HW_CACHE_OP_##op << 8 |                          \
	 PERF_COUNT_HW_CACHE_RESULT_##result << 16)

static void aliases(void **state)
{
	static const struct {
		const char *text;
		uint32_t type;
		uint64_t config;
		const char *sample_type;
	} rows[] = {
		{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "cycles"},
		{"cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "cycles"},
		{"CPU_CYCLES", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "cycles"},
		{"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, "instructions"},
		{"cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, "cache_misses"},
		{"cache-miss", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, "cache_misses"},
		{"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, "branches"},
		{"branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, "branch_misses"},
		{"branch-miss", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, "branch_misses"},
		{"idle-cycles-backend", PERF_TYPE_HARDWARE,
		 PERF_COUNT_HW_STALLED_CYCLES_BACKEND, "stalled_cycles_backend"},
		{"ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES, "ref_cycles"},
		{"cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, "cpu-clock"},
		{"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, "task-clock"},
		{"faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, "page_faults"},
		{"minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN, "minor_faults"},
		{"major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, "major_faults"},
		{"cs", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, "context_switches"},
		{"migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, "cpu_migrations"},
		{"alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS,
		 "alignment_faults"},
		{"emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS,
		 "emulation_faults"},
		{"dummy", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY, "dummy"},
		{"L1-dcache-loads", PERF_TYPE_HW_CACHE, HW_CACHE(L1D, READ, ACCESS),
		 "L1_dcache_loads"},
		{"L1-dcache-load-misses", PERF_TYPE_HW_CACHE, HW_CACHE(L1D, READ, MISS),
		 "L1_dcache_load_misses"},
		{"l1d-read-miss", PERF_TYPE_HW_CACHE, HW_CACHE(L1D, READ, MISS), "l1d_read_miss"},
		{"L1-icache-misses", PERF_TYPE_HW_CACHE, HW_CACHE(L1I, READ, MISS),
		 "L1_icache_misses"},
		{"LLC-store-miss", PERF_TYPE_HW_CACHE, HW_CACHE(LL, WRITE, MISS), "LLC_store_miss"},
		{"llc-misses", PERF_TYPE_HW_CACHE, HW_CACHE(LL, READ, MISS), "llc_misses"},
		{"dTLB-prefetch-misses", PERF_TYPE_HW_CACHE, HW_CACHE(DTLB, PREFETCH, MISS),
		 "dTLB_prefetch_misses"},
		{"iTLB-loads", PERF_TYPE_HW_CACHE, HW_CACHE(ITLB, READ, ACCESS), "iTLB_loads"},
		{"branch-loads", PERF_TYPE_HW_CACHE, HW_CACHE(BPU, READ, ACCESS), "branch_loads"},
		{"node-stores", PERF_TYPE_HW_CACHE, HW_CACHE(NODE, WRITE, ACCESS), "node_stores"},
		{"r1a8", PERF_TYPE_RAW, 0x1a8, "r1a8"},
		{"r00c0", PERF_TYPE_RAW, 0xc0, "r00c0"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(resolve(rows[i].text), 0);
		assert_int_equal(events[0].type, rows[i].type);
		assert_int_equal(events[0].config, rows[i].config);
		assert_string_equal(events[0].sample_type, rows[i].sample_type);
	}
}

static int resolves_alike(void *arg, const char *name)
{
	assert_int_equal(resolve(name), 0);
	assert_int_equal(events[0].source, EVENT_ALIAS);
	++*(int *)arg;
	return 0;
}

static void every_listed_alias_resolves(void **state)
{
	int count = 0;

	for (int g = 0; g < ALIAS_GROUPS; g++)
		assert_int_equal(alias_each((enum alias_group)g, resolves_alike, &count), 0);
	assert_int_equal(count, 10 + 32 + 10);
}

static void modifiers(void **state)
{
	static const struct {
		const char *text;
		int user, kernel, hv, host, guest, precise; /* excluded */
	} rows[] = {
		{"cycles", 0, 0, 0, 0, 1, 0},      {"cycles:u", 0, 1, 1, 0, 1, 0},
		{"cycles:k", 1, 0, 1, 0, 1, 0},    {"cycles:h", 1, 1, 0, 0, 1, 0},
		{"cycles:uk", 0, 0, 1, 0, 1, 0},   {"cycles:ukh", 0, 0, 0, 0, 1, 0},
		{"cycles:u:k", 0, 0, 1, 0, 1, 0},  {"cycles:G", 0, 0, 0, 1, 0, 0},
		{"cycles:H", 0, 0, 0, 0, 1, 0},    {"cycles:GH", 0, 0, 0, 0, 0, 0},
		{"cycles:p", 0, 0, 0, 0, 1, 1},    {"cycles:ppp", 0, 0, 0, 0, 1, 3},
		{"cycles:upp", 0, 1, 1, 0, 1, 2},  {"cycles:P", 0, 0, 0, 0, 1, PRECISE_BEST},
		{"cycles:precise=2", 0, 0, 0, 0, 1, 2}, {"cycles:u:precise", 0, 1, 1, 0, 1, 1},
		{"cpu-clock:u", 0, 1, 1, 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(resolve(rows[i].text), 0);
		assert_string_equal(events[0].name, rows[i].text);
		assert_int_equal(events[0].exclude_user, rows[i].user);
		assert_int_equal(events[0].exclude_kernel, rows[i].kernel);
		assert_int_equal(events[0].exclude_hv, rows[i].hv);
		assert_int_equal(events[0].exclude_host, rows[i].host);
		assert_int_equal(events[0].exclude_guest, rows[i].guest);
		assert_int_equal(events[0].precise, rows[i].precise);
	}
}

static void what_an_event_is(void **state)
{
	assert_int_equal(resolve("cpu-clock,cs,cycles,r1"), 0);
	assert_true(events[0].is_clock && !events[0].counts_each && !events[0].hardware);
	assert_string_equal(events[0].unit, "nanoseconds");
	assert_true(!events[1].is_clock && events[1].counts_each && !events[1].hardware);
	assert_string_equal(events[1].unit, "count");
	assert_true(events[2].hardware && events[3].hardware && !events[2].counts_each);
}

static void malformed(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *says;
	} rows[] = {
		{"", -EINVAL, "empty"},
		{",cycles", -EINVAL, "empty"},
		{"cycles,", -EINVAL, "empty"},
		{"cycles,,cs", -EINVAL, "empty"},
		{"cycles:x", -EINVAL, "'x' is not a modifier"},
		{"cycles:pppp", -EINVAL, "modifier"},
		{"cycles:pP", -EINVAL, "modifier"},
		{"cycles:", -EINVAL, "modifier"},
		{"cycles:u:", -EINVAL, "modifier"},
		{"cycles:precise=4", -EINVAL, "modifier"},
		{"cycles cs", -EINVAL, "0x20"},
		{"cyc\xc3\xa9s", -EINVAL, "0xc3"},
		{"{cycles,cs}", -EINVAL, "braces"},
		{"cycles,cycles", -EINVAL, "given twice"},
		{"rzz", -ENOENT, "no event"},
		{"r12345678901234567", -ENOENT, "no event"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(resolve(rows[i].text), rows[i].rc);
		assert_non_null(strstr(why, rows[i].says));
		assert_int_equal(n, 0);
	}
}

static void unknown_names_get_near_ones(void **state)
{
	static const struct {
		const char *text, *near;
	} rows[] = {
		{"cyclse", "did you mean cycles?"},
		{"intructions", "instructions"},
		{"cache-mises", "cache-misses"},
		{"L1-dcahe-loads", "L1-dcache-loads"},
		{"contxt-switches", "context-switches"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(resolve(rows[i].text), -ENOENT);
		assert_non_null(strstr(why, rows[i].near));
		assert_non_null(strstr(why, " list "));
	}
}

static void too_many(void **state)
{
	char text[1024] = "r1";

	for (int i = 2; i <= EVENTS_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ",r%x", (unsigned)i);
	assert_int_equal(resolve(text), 0);
	assert_int_equal(n, EVENTS_MAX);
	assert_int_equal(events_resolve("r99", events, &n, why), -E2BIG);
	strcat(text, ",r99");
	assert_int_equal(resolve(text), -E2BIG);
	memset(text, 'a', 600);
	text[600] = '\0';
	assert_int_equal(resolve(text), -E2BIG);
}

static void sample_types_differ(void **state)
{
	assert_int_equal(resolve("cycles:u,cycles:k,cycles,cpu-cycles"), 0);
	assert_string_equal(events[0].sample_type, "cycles");
	assert_string_equal(events[1].sample_type, "cycles_k");
	assert_string_equal(events[2].sample_type, "cycles_2");
	assert_string_equal(events[3].sample_type, "cycles_3");
}

static void breakpoints(void **state)
{
	assert_int_equal(resolve("mem:0x1000/8:w:u"), 0);
	assert_int_equal(events[0].type, PERF_TYPE_BREAKPOINT);
	assert_int_equal(events[0].config, HW_BREAKPOINT_W);
	assert_int_equal(events[0].config1, 0x1000);
	assert_int_equal(events[0].config2, 8);
	assert_true(events[0].exclude_kernel && events[0].counts_each);
	assert_int_equal(resolve("mem:0x1000:x"), 0);
	assert_int_equal(events[0].config2, sizeof(long));
	assert_int_equal(resolve("mem:0x1000:wx"), -EINVAL);
	assert_int_equal(resolve("mem:0x1000:q"), -EINVAL);
	assert_int_equal(resolve("mem:"), -EINVAL);
	assert_int_equal(resolve("mem:0x1000/"), -EINVAL);
}

/* Whatever is typed: no crash, the message fits, and names in a profile stay clean. */
static void mutated_arguments(void **state)
{
	static const char *const seeds[] = {
		"cycles:u,sched:sched_switch", "cpu/event=0x3c,umask=1/u", "r1a8:pp,mem:0x10/4:rw",
		"amd64_fam17h_zen2::RETIRED_INSTRUCTIONS:u", "L1-dcache-load-misses:k,cs",
		"msr/tsc/,LS_DISPATCH:LD_DISPATCH:c=1",
	};
	unsigned seed = 42;

	for (int i = 0; i < 400; i++) {
		char text[600];

		strcpy(text, seeds[i % 6]);
		tree_mutate(text, sizeof(text), &seed);
		if (resolve(text)) {
			assert_int_not_equal(strlen(why), 0);
			assert_true(strlen(why) < EVENT_WHY_MAX);
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			assert_int_not_equal(strlen(events[k].sample_type), 0);
			assert_null(strpbrk(events[k].sample_type, ":/ "));
		}
	}
}

/* The cases above must not depend on what the machine has. */
static int make(void **state)
{
	tree_make();
	tree_file("devices/cpu/type", "4");
	tree_file("devices/cpu/format/event", "config:0-7");
	tree_file("devices/cpu/format/umask", "config:8-15");
	tree_file("tracing/events/sched/sched_switch/id", "316\n");
	return 0;
}

static int drop(void **state)
{
	tree_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aliases),
		cmocka_unit_test(every_listed_alias_resolves),
		cmocka_unit_test(modifiers),
		cmocka_unit_test(what_an_event_is),
		cmocka_unit_test(malformed),
		cmocka_unit_test(unknown_names_get_near_ones),
		cmocka_unit_test(too_many),
		cmocka_unit_test(sample_types_differ),
		cmocka_unit_test(breakpoints),
		cmocka_unit_test(mutated_arguments),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
