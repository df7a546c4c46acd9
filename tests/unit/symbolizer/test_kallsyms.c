/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/symbolizer/compile.h"

#include "agent/base/clock.h"
#include "symbolizer/textsyms.h"

static struct textsyms *open_text(const char *text, size_t len)
{
	struct textsyms *t = NULL;

	assert_int_equal(kallsyms_open(memory_file(text, len), &t), 0);
	assert_int_equal(textsyms_refresh(t), 0);
	return t;
}

static void check(const struct textsyms *t, uint64_t addr, const char *name, const char *module)
{
	struct str m, s = textsyms_find(t, addr, &m);

	if (!name) {
		assert_null(s.at);
		return;
	}
	assert_non_null(s.at);
	assert_int_equal(s.len, strlen(name));
	assert_memory_equal(s.at, name, s.len);
	assert_int_equal(m.len, module ? strlen(module) : 0);
	if (module)
		assert_memory_equal(m.at, module, m.len);
}

static void test_kernel_and_modules(void **state)
{
	static const char text[] =
		"0000000000000000 A fixed_percpu_data\n"
		"0000000000001000 a some_absolute\n"
		"ffffffff81000000 T _stext\n"
		"ffffffff81000000 T _text\n"
		"ffffffff81000000 T startup_64\n"
		"ffffffff81000100 t local_one\n"
		"ffffffff81000100 W weak_one\n"
		"ffffffff81000200 T last_of_text\n"
		"ffffffff81000300 D some_data\n"
		"ffffffffc0200000 t ext4_b\t[ext4]\n"
		"ffffffffc0100000 t ext4_a\t[ext4]\n"
		"ffffffffc0100040 r __func__.1\t[ext4]\n"
		"ffffffffc0300000 t bpf_prog_1234_x\t[bpf]\n"
		"not a line\n\n"
		"ffffffffc0300100 T cut";
	struct textsyms *t = open_text(text, sizeof(text) - 1);

	check(t, 0xffffffff80ffffff, NULL, NULL);
	check(t, 0xffffffff81000000, "startup_64", NULL);
	check(t, 0xffffffff810000ff, "startup_64", NULL);
	check(t, 0xffffffff81000100, "weak_one", NULL);
	check(t, 0xffffffff810002ff, "last_of_text", NULL);
	check(t, 0xffffffff81000300, NULL, NULL); /* data */
	check(t, 0xffffffffc010003f, "ext4_a", "ext4");
	check(t, 0xffffffffc0100040, NULL, NULL);
	check(t, 0xffffffffc0200001, "ext4_b", "ext4");
	check(t, 0xffffffffc0300001, "bpf_prog_1234_x", "bpf");
	check(t, 0xffffffffc0300101, "cut", NULL);
	check(t, 0xffffffffffffffff, NULL, NULL); /* too far behind the last one */
	check(t, 0x1000, NULL, NULL);
	textsyms_close(&t);
}

/* kernel.kptr_restrict: names without addresses are no names. */
/* aarch64's modules may lie below the kernel: the last one ends where the kernel begins. */
static void test_modules_below(void **state)
{
	static const char text[] = "ffff800008000000 T _text\n"
				   "ffff800008000100 T second\n"
				   "ffff800007ffff00 t below\t[xfs]\n"
				   "ffff800007fffe00 t lower\t[xfs]\n";
	struct textsyms *t = open_text(text, sizeof(text) - 1);

	check(t, 0xffff800007fffdff, NULL, NULL);
	check(t, 0xffff800007fffeff, "lower", "xfs");
	check(t, 0xffff800007ffffff, "below", "xfs");
	check(t, 0xffff800008000000, "_text", NULL);
	check(t, 0xffff800008000100, "second", NULL);
	textsyms_close(&t);
}

static void test_hidden_addresses(void **state)
{
	static const char text[] = "0000000000000000 T a\n0000000000000000 t b\n";
	struct textsyms *t = open_text(text, sizeof(text) - 1);

	check(t, 0, NULL, NULL);
	check(t, 0xffffffff81000000, NULL, NULL);
	textsyms_close(&t);
}

enum { LINES = 170000 };

static void test_speed(void **state)
{
	char *text = malloc(LINES * 64);
	struct textsyms *t = NULL;
	size_t len = 0;
	uint64_t began;
	int fd;

	assert_non_null(text);
	for (int i = 0; i < LINES; i++)
		len += (size_t)sprintf(text + len, "%016llx %c some_kernel_function_%d\n",
				       0xffffffff81000000ull + (unsigned)i * 128, "tTDw"[i & 3], i);
	fd = memory_file(text, len);
	assert_int_equal(kallsyms_open(fd, &t), 0);
	began = clock_read(CLOCK_PROCESS_CPUTIME_ID);
	assert_int_equal(textsyms_refresh(t), 0);
	print_message("%d lines: %.1f ms of CPU\n", LINES,
		      (double)(clock_read(CLOCK_PROCESS_CPUTIME_ID) - began) / NS_PER_MS);
	check(t, 0xffffffff81000000 + 128 * 100001, "some_kernel_function_100001", NULL);
	textsyms_close(&t);
	free(text);
}

static void test_mutations(void **state)
{
	static const char text[] = "ffffffff81000000 T startup_64\nffffffff81000100 t local\n"
				   "ffffffffc0100000 t ext4_a\t[ext4]\n";
	uint64_t seed = 2;

	for (int i = 0; i < 5000; i++) {
		char s[sizeof(text)];
		struct textsyms *t;
		struct str m;
		memcpy(s, text, sizeof(text));
		for (uint32_t k = dice(&seed) % 6; k < 6; k++)
			s[dice(&seed) % (sizeof(text) - 1)] = (char)dice(&seed);
		t = open_text(s, dice(&seed) % sizeof(text));
		for (int k = 0; k < 8; k++)
			(void)textsyms_find(t, 0xffffffff81000000 + dice(&seed) % 512, &m);
		textsyms_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_and_modules),
		cmocka_unit_test(test_modules_below),
		cmocka_unit_test(test_hidden_addresses),
		cmocka_unit_test(test_speed),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
