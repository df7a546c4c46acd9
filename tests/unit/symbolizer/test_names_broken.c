/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of files that somebody broke, or made to break us.
 */
#include "tests/unit/symbolizer/subject.h"

#include <endian.h>

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

/* Sections compressed the old way tell their size themselves. */
static void test_zdebug_that_lies(void **state)
{
	static const uint64_t sizes[] = {0, 1, UINT64_C(1) << 40, UINT64_MAX, 1 << 29};
	struct image_sec sec;
	struct subject s;
	unsigned deepest = 0;
	size_t len;
	char *file;

	write_file("prog.c", program);
	if (shell("gcc -O2 -g -o whole prog.c && objcopy --compress-debug-sections=zlib-gnu whole old"))
		skip();
	open_subject(&s, "old");
	assert_true(s.info.flags & SYM_HAS_DEBUG);
	for (uint64_t a = value_of("whole", "outer"); deepest < 3 && a < s.info.entry + (1 << 16); a++) {
		look(&s, a);
		deepest = frames.n > deepest ? frames.n : deepest;
	}
	assert_int_equal(deepest, 3);
	assert_true(is(frames.at[0].name, "three") && is(frames.at[2].name, "outer"));
	assert_true(image_sec_named(s.img, ".zdebug_info", &sec));
	close_subject(&s);
	file = read_file("old", &len);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t size = htobe64(sizes[i]);
		int fd;
		memcpy(file + sec.offset + 4, &size, sizeof(size));
		fd = memory_file(file, len);
		assert_int_equal(image_open(fd, &s.img), 0);
		assert_int_equal(names_open(s.img, &s.names), 0);
		assert_string_equal(outermost(&s, value_of("whole", "outer")), "outer");
		close_subject(&s);
	}
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_dwarf_bombs),
		cmocka_unit_test(test_zdebug_that_lies),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
