/* SPDX-License-Identifier: Apache-2.0
 *
 * Names, inlined functions and lines, against binutils' addr2line on programs compiled here and on
 * libc, and against files that somebody broke.
 */
#include "tests/unit/symbolizer/compile.h"

#include <errno.h>

#include "agent/base/vec.h"
#include "symbolizer/image.h"
#include "symbolizer/names.h"

struct subject {
	struct image *img;
	struct names *names;
	struct sym_info info;
};

static struct frames frames; /* too large for a stack */

static void open_subject(struct subject *s, const char *path)
{
	*s = (struct subject){0};
	assert_int_equal(image_open(open(path, O_RDONLY), &s->img), 0);
	assert_int_equal(names_open(s->img, &s->names), 0);
	names_info(s->names, &s->info);
}

static void close_subject(struct subject *s)
{
	names_close(&s->names);
	image_close(&s->img);
}

static bool wants(const struct subject *s, uint32_t kind)
{
	for (int i = 0; i < s->info.n_wants; i++)
		if (s->info.wants[i].kind == kind)
			return true;
	return false;
}

static void answer(struct subject *s, uint32_t kind, const char *path)
{
	assert_int_equal(names_debug(s->names, kind, path ? open(path, O_RDONLY) : -1), 0);
	names_info(s->names, &s->info);
}

static void look(struct subject *s, uint64_t addr)
{
	uint64_t budget = 1 << 24;

	names_at(s->names, addr, &budget, &frames);
}

static bool is(struct str s, const char *text)
{
	return s.at && s.len == strlen(text) && !memcmp(s.at, text, s.len);
}

static const char *outermost(struct subject *s, uint64_t addr)
{
	static char name[256];
	struct str n;

	look(s, addr);
	if (!frames.n)
		return "";
	n = frames.at[frames.n - 1].name;
	snprintf(name, sizeof(name), "%.*s", (int)n.len, n.at);
	return name;
}

/* A symbol's value by nm. */
static uint64_t value_of(const char *path, const char *name)
{
	char *text;
	uint64_t v;

	shell("nm '%s' | awk '$3 == \"%s\" { print $1 }' >value", path, name);
	text = read_file("value", NULL);
	v = strtoull(text, NULL, 16);
	free(text);
	return v;
}

/* A program with functions inlined three deep, one in two places, and one outside. */
static const char program[] =
	"#include <stdio.h>\n"
	"static volatile int sink;\n"
	"static inline __attribute__((always_inline)) int three(int x)\n"
	"{\n"
	"\tsink = x * 3;\n"
	"\treturn sink + 7;\n"
	"}\n"
	"static inline __attribute__((always_inline)) int two(int x)\n"
	"{\n"
	"\tint y = three(x + 1);\n"
	"\treturn y ^ three(y);\n"
	"}\n"
	"__attribute__((noinline)) int outer(int x)\n"
	"{\n"
	"\tfor (int i = 0; i < x; i++)\n"
	"\t\tx += two(i);\n"
	"\treturn x;\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"\tprintf(\"%d\\n\", outer(argc) + two(argc));\n"
	"\treturn 0;\n"
	"}\n";

typedef VEC(uint64_t) addresses;

/* Every `step`th byte of .text. */
static void text_addresses(struct subject *s, uint64_t step, addresses *ret)
{
	struct image_sec text;

	assert_true(image_sec_named(s->img, ".text", &text));
	for (uint64_t a = text.vaddr; a < text.vaddr + text.size; a += step)
		*vec_add(ret) = a;
}

struct score {
	int asked, chains, names, lines;
};

static bool same_name(const char *theirs, struct str ours)
{
	size_t n = strcspn(theirs, "\n");
	static const char internal[] = "__GI_"; /* glibc's own alias of its functions */

	if (!strncmp(theirs, internal, sizeof(internal) - 1) && n > 5)
		theirs += 5, n -= 5;
	return ours.len == n && !memcmp(theirs, ours.at, n);
}

/* One address of addr2line's output: "0x…", then pairs of name and file:line. Returns what is
 * behind it. */
static const char *score_one(struct subject *s, const char *at, struct score *score)
{
	unsigned n = 0, names = 0, lines = 0;

	look(s, strtoull(at, NULL, 16));
	at = strchr(at, '\n') + 1;
	for (; *at && strncmp(at, "0x", 2); n++) {
		const char *file = strchr(at, '\n') + 1, *end = strchr(file, '\n');
		const char *colon = file + strcspn(file, ":\n");
		if (n < frames.n) {
			const struct frame *f = &frames.at[n];
			names += same_name(at, f->name);
			lines += f->line == strtoul(colon + 1, NULL, 10);
		}
		at = end + 1;
	}
	if (frames.n) { /* padding is nobody's for us */
		score->asked++;
		score->chains += n == frames.n;
		score->names += names == n;
		score->lines += lines == n;
	}
	return at;
}

static struct score compare(struct subject *s, const char *debug_path, uint64_t step)
{
	struct score score = {0};
	addresses all = {0};
	FILE *f = fopen("asked", "w");
	char *text;

	text_addresses(s, step, &all);
	for (size_t i = 0; i < all.len; i++)
		fprintf(f, "%#llx\n", (unsigned long long)all.at[i]);
	fclose(f);
	vec_free(&all);
	assert_int_equal(shell("addr2line -a -i -f -e '%s' <asked >told", debug_path), 0);
	text = read_file("told", NULL);
	for (const char *at = text; *at;)
		at = score_one(s, at, &score);
	free(text);
	return score;
}

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

static void read_broken(const void *bytes, size_t len)
{
	struct image *img;
	struct names *names;
	uint64_t budget = 1 << 16;
	struct sym_info info;

	if (image_open(memory_file(bytes, len), &img))
		return;
	assert_int_equal(names_open(img, &names), 0);
	names_info(names, &info);
	for (uint64_t a = info.entry; a < info.entry + 512; a += 16) {
		names_at(names, a, &budget, &frames);
		for (unsigned i = 0; i < frames.n; i++)
			assert_non_null(frames.at[i].name.at);
	}
	names_close(&names);
	image_close(&img);
}

/* Flips bits of one kind of section at a time, or cuts the file. */
static void test_mutations(void **state)
{
	static const char *const targets[] = {"",	      ".debug_info", ".debug_abbrev",
					      ".debug_line",  ".debug_str",  ".symtab",
					      ".strtab",      ".debug_rnglists", ".debug_aranges"};
	struct image_sec sec[9] = {0};
	struct subject s;
	uint64_t seed = 5;
	size_t len;
	char *file, *copy;

	write_file("prog.c", program);
	assert_int_equal(shell("gcc -O2 -g -c prog.c && gcc -nostdlib -static -Wl,-e,outer "
			       "-Wl,--unresolved-symbols=ignore-all -o small prog.o"), 0);
	open_subject(&s, "small");
	for (size_t i = 1; i < 9; i++)
		image_sec_named(s.img, targets[i], &sec[i]);
	close_subject(&s);
	file = read_file("small", &len);
	sec[0].size = 4096; /* headers and code */
	copy = malloc(len);
	for (int i = 0; i < 4000; i++) {
		const struct image_sec *t = &sec[dice(&seed) % 9];
		size_t cut = i % 16 ? len : dice(&seed) % len;
		memcpy(copy, file, len);
		for (uint32_t k = dice(&seed) % 8; t->size && k < 8; k++) {
			size_t at = t->offset + dice(&seed) % t->size;
			if (at < len)
				copy[at] ^= (char)(1 << dice(&seed) % 8);
		}
		read_broken(copy, cut);
	}
	free(copy);
	free(file);
}

/* Assembled by hand: functions nested a thousand deep, a sibling that points back, an abstract
 * origin that is its own. */
static void test_dwarf_bombs(void **state)
{
	FILE *f;
	struct subject s;

	f = fopen("bomb.S", "w");
	fprintf(f, ".text\n.globl _start\n_start: .skip 256, 0x90\n"
		   ".section .debug_abbrev\n.byte 1,0x11,1,0x11,1,0x12,6,0x13,5,0,0\n"
		   ".byte 2,0x2e,1,3,8,0x11,1,0x12,6,0,0\n"
		   ".byte 3,0x1d,1,0x31,0x13,0x11,1,0x12,6,1,0x13,0,0\n"
		   ".byte 4,0xb,1,1,0x13,0,0\n.byte 0\n"
		   ".section .debug_info\nu: .long end - 1f\n1: .value 4\n.long 0\n.byte 8\n"
		   "b: .uleb128 1\n.quad _start\n.long 256\n.value 12\n"
		   ".uleb128 2\n.string \"bomb\"\n.quad _start\n.long 256\n"
		   "i: .uleb128 3\n.long i - u\n.quad _start\n.long 128\n.long i - u\n");
	for (int i = 0; i < 1000; i++)
		fprintf(f, ".uleb128 4\n.long i - u\n");
	fprintf(f, ".skip 1100\nend:\n");
	fclose(f);
	assert_int_equal(shell("gcc -nostdlib -static -o bomb bomb.S"), 0);
	open_subject(&s, "bomb");
	assert_string_equal(outermost(&s, s.info.entry + 200), "bomb");
	close_subject(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gcc),
		cmocka_unit_test(test_clang),
		cmocka_unit_test(test_dwz),
		cmocka_unit_test(test_separate_debug_file),
		cmocka_unit_test(test_wrong_debug_file),
		cmocka_unit_test(test_stripped_start_and_plt),
		cmocka_unit_test(test_symbols_without_debug),
		cmocka_unit_test(test_minidebug),
		cmocka_unit_test(test_cplusplus),
		cmocka_unit_test(test_libc),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_dwarf_bombs),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
