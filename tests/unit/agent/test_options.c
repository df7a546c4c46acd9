/* SPDX-License-Identifier: Apache-2.0
 *
 * What `record` makes of its command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/cmd/options.h"

static char why[4096];

/* Parses "record" and the words of `line`. */
static int parse(const char *line, struct options *o)
{
	static char words[1024];
	char *argv[64] = {(char *)"record"}, *rest = words, *word;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	argv[argc] = NULL;
	why[0] = '\0';
	return options_parse(argc, argv, o, why, sizeof(why));
}

static void good(const char *line, struct options *o)
{
	if (parse(line, o))
		fail_msg("%s: %s", line, why);
}

static void bad(const char *line, const char *says)
{
	struct options o;

	assert_int_not_equal(parse(line, &o), 0);
	if (!strstr(why, says))
		fail_msg("%s: says '%s', not '%s'", line, why, says);
	options_free(&o);
}

static void test_defaults(void **state)
{
	struct options o;

	(void)state;
	good("", &o);
	assert_int_equal(o.target, TARGET_ALL);
	assert_int_equal(o.frequency, 99);
	assert_string_equal(o.events[0].name, "cycles");
	assert_string_equal(o.outputs[0].path, "profile.pb.gz");
	assert_int_equal(o.stacks, STACKS_DWARF);
	options_free(&o);
	good("-- ls -l", &o);
	assert_int_equal(o.target, TARGET_NONE);
	assert_string_equal(o.command[1], "-l");
	options_free(&o);
	good("-a -- sleep 10", &o);
	assert_int_equal(o.target, TARGET_ALL);
	assert_non_null(o.command);
	options_free(&o);
}

static void test_targets(void **state)
{
	struct options o;

	(void)state;
	good("-p 12,34 -d 2.5", &o);
	assert_int_equal(o.ids.len, 2);
	assert_int_equal(o.ids.at[1], 34);
	assert_true(o.seconds == 2.5);
	options_free(&o);
	good("4121 -d 10 -f x.html", &o); /* asprof's order */
	assert_int_equal(o.target, TARGET_PIDS);
	assert_int_equal(o.ids.at[0], 4121);
	assert_int_equal(o.outputs[0].format, EXP_HTML);
	options_free(&o);
	good("./bench 500", &o); /* perf's habit */
	assert_int_equal(o.target, TARGET_NONE);
	assert_string_equal(o.command[1], "500");
	options_free(&o);
	good("-C 0-2,5 -t 9", &o);
	assert_int_equal(CPU_COUNT(&o.cpus), 4);
	options_free(&o);
}

static void test_stacks_and_outputs(void **state)
{
	struct options o;

	(void)state;
	good("--call-graph dwarf,8192 -o a.pb.gz -o b.folded -e cpu-clock,page-faults", &o);
	assert_int_equal(o.stack_bytes, 8192);
	assert_true(o.stack_given);
	assert_int_equal(o.n_outputs, 2);
	assert_int_equal(o.outputs[1].format, EXP_FOLDED);
	assert_int_equal(o.n_events, 2);
	options_free(&o);
	good("--call-graph fp --stack-size 4096", &o);
	assert_int_equal(o.stacks, STACKS_FP);
	options_free(&o);
}

/* A command line that is given up inside a word leaves nothing behind for the next one. */
static void test_given_up_inside_a_word(void **state)
{
	struct options o;

	(void)state;
	bad("-vZqqqqqq", "--help");
	good("-o x.html", &o);
	assert_false(o.quiet || o.verbose);
	assert_int_equal(o.n_outputs, 1);
	options_free(&o);
}

static void test_refused(void **state)
{
	(void)state;
	bad("-p 12,x", "'x'");
	bad("-p 0", "'0'");
	bad("-a -p 12", "one kind of target");
	bad("-F 0", "-F '0'");
	bad("-F 99 -c 1000", "exclude each other");
	bad("-d -1", "-d '-1'");
	bad("-d 5x", "-d '5x'");
	bad("--stack-size 70000", "65528");
	bad("--call-graph lbr", "dwarf");
	bad("-C 3-1", "-C");
	bad("-C ,", "-C");
	bad("-o x.png", "x.png");
	bad("-o a.folded -o a.folded", "twice");
	bad("-e nosuchevent", "nosuchevent");
	bad("--", "no command");
	bad("--nosuch", "--help");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_stacks_and_outputs),
		cmocka_unit_test(test_given_up_inside_a_word),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
