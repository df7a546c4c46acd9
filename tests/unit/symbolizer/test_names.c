/* SPDX-License-Identifier: Apache-2.0
 *
 * Names, inlined functions and lines, against binutils' addr2line on programs compiled here and on
 * libc.
 */
#include "tests/unit/symbolizer/subject.h"

static void compile_and_compare(const char *command)
{
	struct subject s;
	struct score c;

	write_file("prog.c", program);
	if (shell("%s -o prog prog.c", command)) {
		print_message("cannot: %s\n", command);
		skip();
	}
	open_subject(&s, "prog");
	assert_true(s.info.flags & SYM_HAS_DEBUG);
	c = compare(&s, "prog", 1);
	print_message("%-44s %d addresses, %d chains, %d names, %d lines\n", command, c.asked,
		      c.chains, c.names, c.lines);
	assert_true(c.asked > 100);
	assert_int_equal(c.chains, c.asked);
	assert_int_equal(c.names, c.asked);
	assert_int_equal(c.lines, c.asked);
	look(&s, value_of("prog", "outer"));
	assert_true(frames.n >= 1 && is(frames.at[frames.n - 1].name, "outer"));
	assert_int_equal(frames.at[frames.n - 1].start_line, 13);
	close_subject(&s);
}

static void test_gcc(void **state)
{
	static const char *const commands[] = {
		"gcc -O2 -g -gdwarf-2 -gstrict-dwarf", "gcc -O2 -g -gdwarf-3", "gcc -O2 -g -gdwarf-4",
		"gcc -O2 -g -gdwarf-5",		       "gcc -O0 -g",
		"gcc -O2 -g -gz=zlib",		       "gcc -O3 -g -ffunction-sections -Wl,--gc-sections",
		"gcc -O2 -g -flto",		       "gcc -O2 -g -static",
	};

	need_tool("gcc");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) - 1; i++)
		compile_and_compare(commands[i]);
}

static void test_clang(void **state)
{
	need_tool("clang");
	compile_and_compare("clang -O2 -g -gdwarf-4");
	compile_and_compare("clang -O2 -g -gdwarf-5");
	compile_and_compare("clang -O2 -g -gz=zlib");
}

/* Asked for symbols alone, debug information stays closed; asked for all later, it is there. */
static void test_symbols_alone(void **state)
{
	uint64_t none = 0;
	struct subject s;

	need_tool("gcc");
	write_file("prog.c", program);
	assert_int_equal(shell("gcc -O2 -g -o prog prog.c"), 0);
	open_subject(&s, "prog");
	names_at(s.names, value_of("prog", "outer"), &none, &frames);
	assert_int_equal(frames.n, 1);
	assert_true(is(frames.at[0].name, "outer"));
	assert_int_equal(frames.at[0].line, 0);
	look(&s, value_of("prog", "outer"));
	assert_true(frames.n >= 1 && is(frames.at[frames.n - 1].name, "outer"));
	assert_true(frames.at[frames.n - 1].line > 0);
	close_subject(&s);
}

/* Names that C++ has no linkage name for, constructors, templates. */
static void test_cplusplus(void **state)
{
	struct subject s;
	struct score c;

	need_tool("g++");
	write_file("prog.cc", "#include <algorithm>\n#include <map>\n#include <string>\n"
			      "#include <vector>\n"
			      "namespace { struct Foo { int n; __attribute__((noinline)) Foo(int k) "
			      ": n(k * 2) {} __attribute__((noinline)) int run() const "
			      "{ return [this](int q) { return q + n; }(3); } }; }\n"
			      "int main(int c, char **v) {\n"
			      " std::map<std::string, std::vector<int>> m;\n"
			      " for (int i = 0; i < c; i++) m[v[i]].push_back(Foo(i).run());\n"
			      " std::vector<int> all;\n"
			      " for (auto &p : m) all.insert(all.end(), p.second.begin(), "
			      "p.second.end());\n"
			      " std::sort(all.begin(), all.end());\n return all[0]; }\n");
	assert_int_equal(shell("g++ -O2 -g -o cpp prog.cc"), 0);
	open_subject(&s, "cpp");
	c = compare(&s, "cpp", 1);
	print_message("C++: %d addresses, %d chains, %d names, %d lines\n", c.asked, c.chains,
		      c.names, c.lines);
	assert_true(c.asked > 1000 && c.chains * 100 >= c.asked * 99);
	assert_true(c.names * 100 >= c.asked * 98 && c.lines * 100 >= c.asked * 98);
	close_subject(&s);
}

/* libc6-dbg: Debian's everyday debug file, compressed, assembly among it. */
static void test_libc(void **state)
{
	char debug[128] = "", *text;
	struct subject s;
	struct score c;
	size_t n = 0;

	shell("ldd /bin/true | sed -n 's/.*libc.so.6 => \\([^ ]*\\) .*/\\1/p' | tr -d '\\n' >libc");
	text = read_file("libc", NULL);
	open_subject(&s, text);
	n = (size_t)sprintf(debug, "/usr/lib/debug/.build-id/%02x/", s.info.build_id[0]);
	for (int i = 1; i < s.info.build_id_len; i++)
		n += (size_t)sprintf(debug + n, "%02x", s.info.build_id[i]);
	strcpy(debug + n, ".debug");
	free(text);
	if (access(debug, R_OK)) {
		print_message("libc6-dbg is not installed\n");
		close_subject(&s);
		skip();
	}
	answer(&s, SYM_WANT_BUILD_ID, debug);
	c = compare(&s, debug, 997);
	print_message("libc: %d addresses, %d chains, %d names, %d lines\n", c.asked, c.chains,
		      c.names, c.lines);
	/* What differs: exported names ("malloc" for "__libc_malloc"), aliases, and files that
	 * another one includes, where binutils prints the including one's lines. */
	assert_true(c.asked > 1000 && c.chains * 1000 >= c.asked * 990);
	assert_true(c.names * 100 >= c.asked * 75 && c.lines * 1000 >= c.asked * 980);
	close_subject(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gcc),
		cmocka_unit_test(test_clang),
		cmocka_unit_test(test_symbols_alone),
		cmocka_unit_test(test_cplusplus),
		cmocka_unit_test(test_libc),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
