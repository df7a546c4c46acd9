/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/fixture.h"

#include <sys/wait.h>

#include "exporters/pprof.h"
#include "exporters/rank.h"
#include "exporters/report.h"
#include "exporters/sniff.h"
#include "exporters/table.h"

static const struct term plain = {.utf8 = true};

static const struct rank_row *row(const struct rank *r, const char *name)
{
	for (size_t i = 0; i < r->rows.len; i++)
		if (!strcmp(r->rows.at[i].name, name))
			return &r->rows.at[i];
	fail_msg("no row %s", name);
	return NULL;
}

static void rows_of_functions(void **state)
{
	struct profile p;
	struct rank r;
	const struct rank_row *f;

	fixture(&p);
	assert_int_equal(rank_profile(&p, RANK_FUNCTION, false, &r), 0);
	assert_true(r.samples == 200 && r.total == 2000000000);
	assert_string_equal(r.rows.at[0].name, "LazyCompile:~f");
	f = row(&r, "main");
	assert_true(f->self == 0 && f->total == 1300000000);
	f = row(&r, "recurse"); /* three times on the stack */
	assert_true(f->self == 400000000 && f->total == 400000000);
	f = row(&r, "inlined<int>"); /* the innermost inlined function has the self */
	assert_true(f->self == 600000000 && f->total == 800000000);
	f = row(&r, "leaf");
	assert_true(f->self == 0 && f->total == 800000000);
	f = row(&r, "libvendor.so+0x12f0-0x1390 (2 places)");
	assert_true(f->unnamed && f->self == 100000000 && f->total == 100000000);
	f = row(&r, "copy_user");
	assert_string_equal(f->module, "[kernel]");
	rank_free(&r);
	assert_int_equal(rank_profile(&p, RANK_FUNCTION, true, &r), 0);
	assert_string_equal(r.rows.at[0].name, "main");
	rank_free(&r);
	profile_free(&p);
}

static void rows_of_everything_else(void **state)
{
	static const struct {
		enum rank_by by;
		const char *name;
		int64_t self, total;
	} want[] = {
		{RANK_FILE, "/src/demo.c", 1700000000, 2000000000},
		{RANK_LINE, "/src/demo.c:11", 600000000, 800000000},
		{RANK_LINE, "/src/demo.c:22", 700000000, 700000000}, /* of [jit] */
		{RANK_LINE, "copy_user (no line)", 200000000, 200000000},
		{RANK_MODULE, "demo", 1000000000, 1300000000},
		{RANK_MODULE, "[unknown]", 0, 700000000},
		{RANK_PROCESS, "demo 10", 1200000000, 1200000000},
		{RANK_PROCESS, "demo 11", 100000000, 100000000},
		{RANK_THREAD, "other 21", 700000000, 700000000},
	};
	struct profile p;

	fixture(&p);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct rank r;
		const struct rank_row *found;
		assert_int_equal(rank_profile(&p, want[i].by, false, &r), 0);
		found = row(&r, want[i].name);
		assert_int_equal(found->self, want[i].self);
		assert_int_equal(found->total, want[i].total);
		rank_free(&r);
	}
	profile_free(&p);
}

/* The sum of all self values is the total, whatever the table. */
static void selfs_add_up(void **state)
{
	struct profile p;

	fixture(&p);
	for (int by = RANK_FUNCTION; by <= RANK_THREAD; by++) {
		struct rank r;
		int64_t sum = 0;
		assert_int_equal(rank_profile(&p, (enum rank_by)by, false, &r), 0);
		for (size_t i = 0; i < r.rows.len; i++) {
			sum += r.rows.at[i].self;
			assert_true(r.rows.at[i].total >= r.rows.at[i].self);
		}
		assert_int_equal(sum, r.total);
		rank_free(&r);
	}
	profile_free(&p);
}

static void intervals(void **state)
{
	double low, high;

	/* R: prop.test(15, 18, correct = FALSE) gives 0.6078 and 0.9416 */
	rank_interval(15.0 / 18, 18, &low, &high);
	assert_true(low > 0.6077 && low < 0.6079 && high > 0.9415 && high < 0.9417);
	rank_interval(0, 100, &low, &high);
	assert_true(low == 0 && high > 0.03 && high < 0.04);
	rank_interval(0.5, 0, &low, &high);
	assert_true(low == 0 && high == 1);
	assert_true(rank_margin(0.142, 9482) > 0.69 && rank_margin(0.142, 9482) < 0.71);
}

static char *table(const struct profile *p, unsigned n, const struct term *t)
{
	struct buf b = BUF_INIT(1 << 20);
	struct rank r;

	assert_int_equal(rank_profile(p, RANK_FUNCTION, false, &r), 0);
	table_headline(p, &r, t, &b);
	table_rows(&r, RANK_FUNCTION, n, t, &b);
	buf_u8(&b, 0);
	assert_false(b.bad);
	rank_free(&r);
	return (char *)b.data;
}

static void the_table(void **state)
{
	struct profile p;
	char *text;

	fixture(&p);
	text = table(&p, 6, &plain);
	assert_string_equal(
		text,
		"3 processes, 2.00 s, 200 samples of cpu_clock at 100 Hz, quality A\n"
		"  self %    ±95   total %   function                               module\n"
		"    35.0    6.6      35.0   LazyCompile:~f                         [jit]\n"
		"    30.0    6.3      40.0   inlined<int>                           demo\n"
		"    20.0    5.5      20.0   recurse                                demo\n"
		"    10.0    4.2      10.0   copy_user                              [kernel]\n"
		"     5.0    3.1       5.0   libvendor.so+0x12f0-0x1390 (2 places)  libvendor.so  no symbols\n"
		"     0.0    0.9      65.0   main                                   demo\n"
		"     0.0 in 2 more functions (-n). Recursion counted once."
		" --sort total, --by file|line|module|process|thread\n");
	free(text);
	profile_free(&p);
}

static void narrow_terminals(void **state)
{
	const struct term narrow = {.columns = 60, .rows = 24, .utf8 = false, .colour = true};
	struct profile p;
	char *text;

	fixture(&p);
	fixture_location(&p, 0, 0x9000, 0,
			 "std::very::long::path::map<std::basic_string<char>, int>::find", NULL);
	fixture_sample(&p, (uint32_t[]){F_BARE + 1}, 1, "demo", 10, 500);
	text = table(&p, 3, &narrow);
	assert_non_null(strstr(text, "+-95"));
	assert_non_null(strstr(text, "\033[1m"));
	assert_null(strstr(text, "\xc2"));
	assert_non_null(strstr(text, "h::map<>::find ")); /* its end tells more */
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strstr(line, " samples of ") && !strstr(line, "Recursion"))
			assert_true(strlen(line) <= 60 + strlen("\033[1m\033[0m"));
	free(text);
	profile_free(&p);
}

static void names_are_shortened_where_it_hurts_least(void **state)
{
	static const struct {
		const char *name;
		size_t width;
		const char *want;
	} cases[] = {
		{"main", 0, "main"},
		{"main", 4, "main"},
		{"map<string, pair<int, int>>::find", 20, "map<>::find"},
		{"a::operator<<(b<c>)", 18, "a::operator<<(b<>)"},
		{"a::operator->(b<c>)", 18, "a::operator->(b<>)"},
		{"abcdefghijklmnopqrstuvwxyz", 11, "abcd…uvwxyz"},
		{"éééééééééé", 6, "éé…ééé"},
		{"<T as core::fmt::Debug<U>>::fmt", 30, "<T as core::fmt::Debug<>>::fmt"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf b = BUF_INIT(1 << 10);
		size_t n = term_put_name(&plain, &b, cases[i].name, cases[i].width);
		buf_u8(&b, 0);
		assert_string_equal((char *)b.data, cases[i].want);
		assert_int_equal(n, term_width((char *)b.data));
		buf_free(&b);
	}
}

static void hostile_names(void **state)
{
	struct profile p;
	char *text;

	fixture(&p);
	fixture_location(&p, 0, 0x9000, 0, "\033[2Jevil\n\xff", NULL);
	fixture_sample(&p, (uint32_t[]){F_BARE + 1}, 1, "demo", 10, 500);
	text = table(&p, 1, &plain);
	assert_non_null(strstr(text, "?[2Jevil??"));
	assert_null(strchr(text, '\033'));
	free(text);
	profile_free(&p);
}

static char *top_self(const struct profile *p)
{
	struct buf b = BUF_INIT(1 << 16);

	assert_int_equal(table_top_self(p, &plain, &b), 0);
	buf_u8(&b, 0);
	return (char *)b.data;
}

static void the_closing_summary(void **state)
{
	struct profile p;
	char *text;

	fixture(&p);
	text = top_self(&p);
	assert_string_equal(text, "  top self     35.0 % ±6.6  LazyCompile:~f [jit]\n"
				  "               30.0 % ±6.3  inlined<int>  demo\n"
				  "               20.0 % ±5.5  recurse  demo\n"
				  "               10.0 % ±4.2  copy_user [kernel]\n"
				  "                5.0 % ±3.1  libvendor.so+0x12f0-0x1390 (2 places)"
				  "  no symbols\n");
	free(text);
	profile_free(&p);

	assert_int_equal(profile_init(&p), 0);
	profile_add_type(&p, "samples", "count");
	fixture_location(&p, PROFILE_NONE, 1, 0, "hot", NULL);
	fixture_location(&p, PROFILE_NONE, 2, 0, "cold", NULL);
	assert_int_equal(profile_add_sample(&p, (uint32_t[]){0}, 1, NULL, 0, (int64_t[]){15}), 0);
	assert_int_equal(profile_add_sample(&p, (uint32_t[]){1}, 1, NULL, 0, (int64_t[]){3}), 0);
	profile_comment(&p, "rate: 99 Hz");
	text = top_self(&p);
	assert_string_equal(text, "  too few to rank (top row 15 of 18, 95 % interval 61-94 %)."
				  " Run longer or -F 4000.\n");
	free(text);
	profile_free(&p);
}

static void what_files_seem_to_be(void **state)
{
	static const struct {
		const char *bytes, *seems;
	} cases[] = {
		{"", "empty"},
		{"\x7f" "ELF\x02", "an ELF file (a program, a library, or a core dump)"},
		{"PERFILE2h", "a recording of perf (perf.data)"},
		{"\n <!DOCTYPE HTML><p>", "an HTML page"},
		{"\xef\xbb\xbf<?xml version", "an XML file"},
		{" {\"a\": 1}", "JSON"},
		{"a;b;c 12\nd 1\n", "folded stacks"},
		{"hello; it is 5\n", "folded stacks"},
		{"hello\n", "text"},
		{"#!/bin/sh\n", "a script"},
		{"\x01\x02", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *advice;
		const char *seems = sniff(cases[i].bytes, strlen(cases[i].bytes), &advice);
		assert_non_null(advice);
		if (cases[i].seems)
			assert_string_equal(seems, cases[i].seems);
		else
			assert_null(seems);
	}
}

/* The subcommand in a process of its own, since it gives up its rights; stdout and stderr in `out`,
 * to be freed. */
static int run(const char *path, const char *option, const char *value, char **out)
{
	char *argv[] = {(char *)"report", (char *)path, (char *)option, (char *)value, NULL};
	int argc = option ? value ? 4 : 3 : 2, status, fd = memfd_create("out", MFD_CLOEXEC);
	struct buf b = BUF_INIT(1 << 20);
	pid_t pid = fork();

	if (pid == 0) {
		dup2(fd, 1);
		dup2(fd, 2);
		status = report_main(argc, argv);
		fflush(NULL);
		_exit(status); /* a confined process cannot be searched for leaks */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(buf_read_fd(&b, fd), 0);
	buf_u8(&b, 0);
	*out = (char *)b.data;
	close(fd);
	return WEXITSTATUS(status);
}

static void write_bytes(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static void expect(int status, const char *text, const char *path, const char *option,
		   const char *value)
{
	char *out;

	assert_int_equal(run(path, option, value, &out), status);
	if (!strstr(out, text))
		fail_msg("no '%s' in: %s", text, out);
	free(out);
}

static void the_subcommand(void **state)
{
	char path[] = "/tmp/test_report.XXXXXX";
	struct profile p;
	struct buf gz;

	fflush(NULL);
	close(mkstemp(path));
	fixture(&p);
	assert_int_equal(written(pprof_write, &p, &gz), 0);
	write_bytes(path, gz.data, gz.len);
	expect(0, "LazyCompile:~f", path, "-n", "1");
	expect(0, "in 7 more functions", path, "-n", "1");
	expect(0, "demo 10", path, "--by", "process");
	expect(0, "usage: pmuscope report", path, "--help", NULL);
	expect(125, "no table --by dog", path, "--by", "dog");
	expect(125, "-n 0", path, "-n", "0");
	expect(125, "a value is missing after -n", path, "-n", NULL);
	write_bytes(path, gz.data, gz.len - 20);
	expect(125, "cut off", path, NULL, NULL);
	gz.data[gz.len / 2] ^= 0xff;
	write_bytes(path, gz.data, gz.len);
	expect(125, "byte ", path, NULL, NULL);
	write_bytes(path, "PERFILE2", 8);
	expect(125, "perf.data", path, NULL, NULL);
	write_bytes(path, "", 0);
	expect(125, "it is empty", path, NULL, NULL);
	unlink(path);
	expect(125, "cannot open /tmp/test_report", path, NULL, NULL);
	expect(125, "Is a directory", "/tmp", NULL, NULL);
	buf_free(&gz);
	profile_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_functions),
		cmocka_unit_test(rows_of_everything_else),
		cmocka_unit_test(selfs_add_up),
		cmocka_unit_test(intervals),
		cmocka_unit_test(the_table),
		cmocka_unit_test(narrow_terminals),
		cmocka_unit_test(names_are_shortened_where_it_hurts_least),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(the_closing_summary),
		cmocka_unit_test(what_files_seem_to_be),
		cmocka_unit_test(the_subcommand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
