/* SPDX-License-Identifier: Apache-2.0
 *
 * libpfm4's encodings of other machines' events against the vendors' published codes (Intel SDM
 * volume 3, chapter 19; AMD's processor programming references for families 17h and 19h; the Arm
 * architecture reference manual, D11, and the Cortex-A57's and Neoverse N1's technical ones).
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
#include <sys/wait.h>
#include <unistd.h>

#include "pmu/abi.h"
#include "pmu/resolve.h"

#ifdef __aarch64__
#define SOME_PMU "arm_ac57"
#define SOME_EVENT "arm_ac57::BRANCH_MISPRED"
#define SMALL_LETTERS "arm_ac57::branch_mispred"
#define SMALL_CODE 0x10
#else
#define SOME_PMU "snb"
#define SOME_EVENT "snb::L2_RQSTS:ALL_DEMAND_DATA_RD"
#define SMALL_LETTERS "amd64_fam17h_zen2::retired_instructions"
#define SMALL_CODE 0xc0
#endif

static struct event events[EVENTS_MAX];
static char why[EVENT_WHY_MAX];

static int resolve(const char *text)
{
	size_t n = 0;

	return events_resolve(text, events, &n, why);
}

static void published_codes(void **state)
{
	static const struct {
		const char *text;
		uint64_t config; /* umask << 8 | event, AMD's event[11:8] at bit 32 */
		const char *sample_type;
	} rows[] = {
#ifdef __aarch64__ /* the library of each architecture knows its own alone */
		{"arm_n1::CPU_CYCLES", 0x0011, "CPU_CYCLES"},
		{"arm_n1::INST_RETIRED", 0x0008, "INST_RETIRED"},
		{"arm_n1::L2D_CACHE_REFILL", 0x0017, "L2D_CACHE_REFILL"},
		{"arm_ac57::BRANCH_MISPRED", 0x0010, "BRANCH_MISPRED"},
		{"arm_ac57::DATA_MEM_ACCESS", 0x0013, "DATA_MEM_ACCESS"},
#else
		{"snb::L2_RQSTS:ALL_DEMAND_DATA_RD", 0x0324, "L2_RQSTS_ALL_DEMAND_DATA_RD"},
		{"snb::BR_MISP_RETIRED:CONDITIONAL", 0x01c5, "BR_MISP_RETIRED_CONDITIONAL"},
		{"skl::INST_RETIRED:ANY_P", 0x00c0, "INST_RETIRED_ANY_P"},
		{"skl::UOPS_ISSUED:ANY", 0x010e, "UOPS_ISSUED_ANY"},
		{"skl::MEM_LOAD_RETIRED:L3_MISS", 0x20d1, "MEM_LOAD_RETIRED_L3_MISS"},
		{"skl::BR_INST_RETIRED:NEAR_CALL", 0x02c4, "BR_INST_RETIRED_NEAR_CALL"},
		{"amd64_fam17h_zen2::RETIRED_INSTRUCTIONS", 0x00c0, "RETIRED_INSTRUCTIONS"},
		{"amd64_fam17h_zen2::RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED", 0x00c3,
		 "RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED"},
		{"amd64_fam19h_zen3::CYCLES_NOT_IN_HALT", 0x0076, "CYCLES_NOT_IN_HALT"},
		{"amd64_fam19h_zen3::RETIRED_OPS", 0x00c1, "RETIRED_OPS"},
#endif
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (resolve(rows[i].text))
			fail_msg("%s: %s", rows[i].text, why);
		assert_int_equal(events[0].type, PERF_TYPE_RAW);
		/* Some encodings carry the counter mask's default, none sets another event bit. */
		assert_int_equal(events[0].config & 0xf0000ffff, rows[i].config);
		assert_string_equal(events[0].sample_type, rows[i].sample_type);
		assert_int_equal(events[0].source, EVENT_PFM);
		assert_true(events[0].hardware);
	}
}

static void modifiers_are_ours(void **state)
{
	if (strcmp(SOME_PMU, "snb"))
		skip();
	assert_int_equal(resolve("amd64_fam17h_zen2::RETIRED_INSTRUCTIONS:u"), 0);
	assert_true(events[0].exclude_kernel && !events[0].exclude_user && events[0].exclude_hv);
	assert_int_equal(resolve("amd64_fam17h_zen2::RETIRED_INSTRUCTIONS:precise=2:k"), 0);
	assert_int_equal(events[0].precise, 2);
	assert_true(events[0].exclude_user && !events[0].exclude_kernel);
	assert_int_equal(resolve("skl::UOPS_ISSUED:ANY:u:c=1"), 0);
	assert_true(events[0].exclude_kernel);
	assert_int_equal(events[0].config, 0x0100010e | (events[0].config & 0xff0000));
	/* What the library would set by itself, and a person did not ask for. */
	assert_int_equal(resolve("amd64_fam19h_zen3::RETIRED_OPS"), 0);
	assert_false(events[0].exclude_hv || events[0].exclude_user || events[0].exclude_kernel);
}

static void case_does_not_count(void **state)
{
	assert_int_equal(resolve(SMALL_LETTERS), 0);
	assert_int_equal(events[0].config & 0xffff, SMALL_CODE);
}

static void masks(void **state)
{
	if (strcmp(SOME_PMU, "snb"))
		skip(); /* the others' events have none */
	assert_int_equal(resolve("snb::L2_RQSTS:ALL_DEMAND_DATA_R"), -EINVAL);
	assert_non_null(strstr(why, "ALL_DEMAND_DATA_RD"));
	assert_non_null(strstr(why, "its masks:"));
	assert_int_equal(resolve("snb::L2_RQSTS:freq=100"), -EINVAL);
}

static void odd_names(void **state)
{
	assert_int_equal(resolve("::"), -ENOENT);
	assert_int_equal(resolve(SOME_PMU "::"), -ENOENT);
	assert_int_equal(resolve("::L2_RQSTS"), -ENOENT);
	assert_int_equal(resolve(SOME_PMU "::NO_SUCH_EVENT_AT_ALL"), -ENOENT);
}

/* Without the test's own switch LIBPFM_* must do nothing: in a process of its own, since the
 * library looks once. */
static void environment_is_cleared(void)
{
	size_t n = 0;

	if (events_resolve(SOME_EVENT, events, &n, why) != -ENODEV)
		_exit(1);
	if (!strstr(why, "an event of " SOME_PMU))
		_exit(2);
	for (char **e = environ; *e; e++) {
		if (!strncmp(*e, "LIBPFM_", 7))
			_exit(3);
	}
	_exit(getenv("PATH") ? 0 : 4);
}

static int cleared_status; /* of that process */

static void clears_the_environment(void **state)
{
	assert_int_equal(cleared_status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clears_the_environment),
		cmocka_unit_test(published_codes),
		cmocka_unit_test(modifiers_are_ours),
		cmocka_unit_test(case_does_not_count),
		cmocka_unit_test(masks),
		cmocka_unit_test(odd_names),
	};
	pid_t pid;

	setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
	setenv("LIBPFM_FORCE_PMU", SOME_PMU, 1);
	pid = fork();
	if (!pid)
		environment_is_cleared();
	if (waitpid(pid, &cleared_status, 0) != pid)
		return 1;
	unsetenv("LIBPFM_FORCE_PMU");
	pfm_keep_environment();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
