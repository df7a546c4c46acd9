/* SPDX-License-Identifier: Apache-2.0
 *
 * Where names are found: debug files, dwz's shared one, MiniDebugInfo, symbol tables, none.
 */
#include "tests/unit/symbolizer/subject.h"

#include <errno.h>

static void test_dwz(void **state)
{
	struct subject s;
	struct score c;

	need_tool("dwz");
	write_file("prog.c", program);
	assert_int_equal(shell("gcc -O2 -g -o one prog.c && gcc -O2 -g -DX=1 -o two prog.c && "
			       "cp one plain && dwz -m common.dwz one two"), 0);
	open_subject(&s, "one");
	if (!wants(&s, SYM_WANT_ALT)) {
		print_message("dwz found nothing to share\n");
		close_subject(&s);
		skip();
	}
	assert_string_equal(outermost(&s, value_of("one", "outer")), "outer");
	answer(&s, SYM_WANT_ALT, "plain"); /* some other file */
	assert_string_equal(outermost(&s, value_of("one", "outer")), "outer");
	close_subject(&s);

	open_subject(&s, "one");
	answer(&s, SYM_WANT_ALT, "common.dwz");
	assert_false(wants(&s, SYM_WANT_ALT));
	c = compare(&s, "plain", 1);
	assert_true(c.asked > 100);
	assert_int_equal(c.chains, c.asked);
	assert_int_equal(c.names, c.asked);
	assert_int_equal(c.lines, c.asked);
	close_subject(&s);
}

static void split_program(void)
{
	write_file("prog.c", program);
	assert_int_equal(shell("gcc -O2 -g -Wl,--build-id -o whole prog.c && "
			       "objcopy --only-keep-debug whole prog.debug && cp whole stripped && "
			       "strip stripped && objcopy --add-gnu-debuglink=prog.debug stripped"), 0);
}

static void test_separate_debug_file(void **state)
{
	static const uint32_t kinds[] = {SYM_WANT_BUILD_ID, SYM_WANT_DEBUGLINK};
	uint64_t outer;

	split_program();
	outer = value_of("whole", "outer");
	for (size_t i = 0; i < 2; i++) {
		struct subject s;
		open_subject(&s, "stripped");
		assert_true(wants(&s, SYM_WANT_BUILD_ID) && wants(&s, SYM_WANT_DEBUGLINK));
		assert_string_equal(outermost(&s, outer), "");
		answer(&s, kinds[i], "prog.debug");
		assert_int_equal(s.info.n_wants, 0);
		assert_true(s.info.flags & SYM_HAS_DEBUG && s.info.flags & SYM_HAS_SYMTAB);
		assert_string_equal(outermost(&s, outer), "outer");
		assert_int_equal(compare(&s, "whole", 1).lines, compare(&s, "whole", 1).asked);
		close_subject(&s);
	}
}

/* A debug file of another build would give confident nonsense. */
static void test_wrong_debug_file(void **state)
{
	struct subject s;

	split_program();
	assert_int_equal(shell("gcc -O1 -g -Wl,--build-id -o other prog.c && "
			       "cp prog.debug longer.debug && echo x >>longer.debug"), 0);
	open_subject(&s, "stripped");
	answer(&s, SYM_WANT_BUILD_ID, "other");
	assert_false(wants(&s, SYM_WANT_BUILD_ID));
	answer(&s, SYM_WANT_DEBUGLINK, "longer.debug"); /* checksum */
	assert_int_equal(s.info.n_wants, 0);
	assert_string_equal(outermost(&s, value_of("whole", "outer")), "");
	assert_int_equal(names_debug(s.names, SYM_WANT_ALT, -1), -EINVAL); /* never wished */
	close_subject(&s);
}

static void test_stripped_start_and_plt(void **state)
{
	struct subject s;
	char *text;
	uint64_t stub;

	split_program();
	open_subject(&s, "stripped");
	assert_string_equal(outermost(&s, s.info.entry), "_start");
	assert_string_equal(outermost(&s, s.info.entry + 0x20), "_start");
	assert_string_equal(outermost(&s, s.info.entry + 0x30), "");
	shell("objdump -d whole | sed -n 's/^\\([0-9a-f]*\\) <printf@plt>:$/\\1/p' >stub");
	text = read_file("stub", NULL);
	stub = strtoull(text, NULL, 16);
	free(text);
	if (stub) {
		assert_string_equal(outermost(&s, stub), "printf@plt");
		assert_string_equal(outermost(&s, stub + 5), "printf@plt");
	}
	close_subject(&s);
}

/* Assembly: sized, unsized, local labels, data, padding, aliases. */
static void test_symbols_without_debug(void **state)
{
	static const char assembly[] =
		".text\n"
		".globl sized\n.type sized,@function\n"
		"sized: nop; nop; nop; nop\ninner: nop; nop; nop; nop\n.size sized, .-sized\n"
		".skip 8, 0x90\n"
		".globl unsized\nunsized: nop; nop; nop; nop\n"
		"after: nop; nop; nop; nop\n"
		".type table,@object\ntable: .skip 8\n.size table, 8\n"
		".globl _alias\n.weak weak_alias\n.type _alias,@function\n"
		".type weak_alias,@function\n.type local_alias,@function\n"
		"local_alias: weak_alias: _alias: __alias: nop; nop\n"
		".size _alias, 2\n.size weak_alias, 2\n.size local_alias, 2\n"
		".skip 14, 0x90\n"
		".section .text.other,\"ax\"\n.skip 16, 0x90\n";
	struct subject s;
	uint64_t a;

	write_file("a.S", assembly);
	assert_int_equal(shell("gcc -shared -nostdlib -o a.so a.S"), 0);
	open_subject(&s, "a.so");
	a = value_of("a.so", "sized");
	assert_string_equal(outermost(&s, a), "sized");
	assert_string_equal(outermost(&s, a + 7), "sized"); /* not "inner" */
	assert_string_equal(outermost(&s, a + 8), "");	    /* padding */
	a = value_of("a.so", "unsized");
	assert_string_equal(outermost(&s, a - 1), "");
	assert_string_equal(outermost(&s, a + 3), "unsized");
	assert_string_equal(outermost(&s, a + 4), "after");
	assert_string_equal(outermost(&s, a + 8), ""); /* data */
	a = value_of("a.so", "_alias");
	assert_string_equal(outermost(&s, a + 1), "_alias");
	assert_string_equal(outermost(&s, a + 2), "");
	assert_string_equal(outermost(&s, a - 0x10000), "");
	close_subject(&s);
}

static void test_minidebug(void **state)
{
	struct subject s;

	need_tool("xz");
	split_program();
	assert_int_equal(shell("objcopy --strip-debug whole mini && "
			       "objcopy --only-keep-debug mini mini.elf && xz -kf mini.elf && "
			       "cp whole fedora && strip fedora && "
			       "objcopy --add-section .gnu_debugdata=mini.elf.xz fedora"), 0);
	open_subject(&s, "fedora");
	assert_true(s.info.flags & SYM_HAS_MINI);
	assert_string_equal(outermost(&s, value_of("whole", "outer")), "outer");
	close_subject(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dwz),
		cmocka_unit_test(test_separate_debug_file),
		cmocka_unit_test(test_wrong_debug_file),
		cmocka_unit_test(test_stripped_start_and_plt),
		cmocka_unit_test(test_symbols_without_debug),
		cmocka_unit_test(test_minidebug),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
