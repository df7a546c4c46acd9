/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/symbolizer/compile.h"

#include "symbolizer/textsyms.h"

static void check(const struct textsyms *t, uint64_t addr, const char *name)
{
	struct str m, s = textsyms_find(t, addr, &m);

	if (!name) {
		assert_null(s.at);
		return;
	}
	assert_non_null(s.at);
	assert_int_equal(s.len, strlen(name));
	assert_memory_equal(s.at, name, s.len);
	assert_null(m.at);
}

static struct textsyms *open_text(const char *text, size_t len)
{
	struct textsyms *t = NULL;

	assert_int_equal(perfmap_open(memory_file(text, len), &t), 0);
	assert_int_equal(textsyms_refresh(t), 0);
	return t;
}

static void test_lines(void **state)
{
	static const char text[] = "1000 100 LazyCompile:*run /app/index.js:12:3\n"
				   "0x2000 0x10 with prefix\r\n"
				   "3000 0 empty\n"
				   "ffffffffffffff00 200 wraps\n"
				   "4000 10\n"
				   "5000 10 \n"
				   "zz 10 x\n"
				   "00000000000006000 10 seventeen digits\n"
				   "7000\t8\ttabs\n";
	struct textsyms *t = open_text(text, sizeof(text) - 1);

	check(t, 0xfff, NULL);
	check(t, 0x1000, "LazyCompile:*run /app/index.js:12:3");
	check(t, 0x10ff, "LazyCompile:*run /app/index.js:12:3");
	check(t, 0x1100, NULL);
	check(t, 0x200f, "with prefix");
	check(t, 0x3000, NULL);
	check(t, 0xffffffffffffff01, NULL);
	check(t, 0x4001, NULL);
	check(t, 0x5001, NULL);
	check(t, 0x6001, NULL);
	check(t, 0x7007, "tabs");
	textsyms_close(&t);
}

/* Code memory is used again: what was written last counts, where it overlaps. */
static void test_later_wins(void **state)
{
	static const char text[] = "1000 1000 old\n3000 100 other\n1400 100 inner\n1f00 200 over\n"
				   "1400 80 newest\n";
	struct textsyms *t = open_text(text, sizeof(text) - 1);

	check(t, 0x13ff, "old");
	check(t, 0x1400, "newest");
	check(t, 0x1480, "inner");
	check(t, 0x1500, "old");
	check(t, 0x1f00, "over");
	check(t, 0x20ff, "over");
	check(t, 0x2100, NULL);
	check(t, 0x3000, "other");
	textsyms_close(&t);
}

static void test_growing(void **state)
{
	struct textsyms *t = NULL;
	int fd, out;

	write_file("map", "1000 100 first\n2000 100 sec");
	fd = open("map", O_RDONLY);
	assert_int_equal(perfmap_open(fd, &t), 0);
	assert_int_equal(textsyms_refresh(t), 0);
	check(t, 0x1001, "first");
	out = open("map", O_WRONLY | O_APPEND);
	assert_int_equal(write(out, "ond\n1080 10 third\n", 18), 18);
	check(t, 0x1085, "first");
	assert_int_equal(textsyms_refresh(t), 0);
	check(t, 0x1085, "third");
	check(t, 0x1001, "first");
	check(t, 0x2001, "second");
	/* Begun anew by the program. */
	assert_int_equal(ftruncate(out, 0), 0);
	assert_int_equal(write(out, "9000 10 anew\n", 13), 13);
	assert_int_equal(textsyms_refresh(t), 0);
	check(t, 0x1001, NULL);
	check(t, 0x9001, "anew");
	close(out);
	textsyms_close(&t);
}

/* A sparse file of 2 GB, a line without end, a million times the same range. */
/* Two unfinished lines, one after the other, of one length. */
static void test_unfinished_again(void **state)
{
	static const char first[] = "1000 10 aa", second[] = "\n2000 10 bb";
	int fd = memory_file(first, sizeof(first) - 1);
	struct textsyms *t = NULL;

	assert_int_equal(perfmap_open(dup(fd), &t), 0);
	assert_int_equal(textsyms_refresh(t), 0);
	check(t, 0x1000, "aa");
	assert_int_equal(pwrite(fd, second, sizeof(second) - 1, sizeof(first) - 1),
			 sizeof(second) - 1);
	assert_int_equal(textsyms_refresh(t), 0);
	check(t, 0x1000, "aa");
	check(t, 0x2000, "bb");
	textsyms_close(&t);
	close(fd);
}

static void test_hostile(void **state)
{
	struct textsyms *t = NULL;
	FILE *f;
	int fd = open("huge", O_RDWR | O_CREAT, 0600);

	assert_int_equal(ftruncate(fd, (off_t)2 << 30), 0);
	assert_int_equal(pwrite(fd, "1000 10 start\n", 14, 0), 14);
	assert_int_equal(perfmap_open(fd, &t), 0);
	assert_int_equal(textsyms_refresh(t), 0);
	check(t, 0x1001, "start");
	textsyms_close(&t);

	f = fopen("many", "w");
	for (int i = 0; i < 200000; i++)
		fprintf(f, "1000 %x n%d\n", 1 + i % 7, i);
	fprintf(f, "2000 10 ");
	for (int i = 0; i < 1000000; i++)
		fputc('x', f);
	fprintf(f, "\n3000 10 end\n");
	fclose(f);
	assert_int_equal(perfmap_open(open("many", O_RDONLY), &t), 0);
	assert_int_equal(textsyms_refresh(t), 0);
	check(t, 0x1000, "n199999");
	check(t, 0x3000, "end");
	textsyms_close(&t);
}

static void test_mutations(void **state)
{
	static const char text[] = "1000 100 first\n1080 20 second\n1000 20 third\n10f0 20 four\n";
	uint64_t seed = 3;

	for (int i = 0; i < 5000; i++) {
		char s[sizeof(text)];
		struct textsyms *t;
		struct str m;
		memcpy(s, text, sizeof(text));
		for (uint32_t k = dice(&seed) % 6; k < 6; k++)
			s[dice(&seed) % (sizeof(text) - 1)] = (char)dice(&seed);
		t = open_text(s, dice(&seed) % sizeof(text));
		for (int k = 0; k < 8; k++) {
			struct str n = textsyms_find(t, 0x1000 + dice(&seed) % 512, &m);
			assert_true(!n.at || n.len);
		}
		textsyms_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	cmocka_unit_test(test_later_wins),
		cmocka_unit_test(test_growing), cmocka_unit_test(test_unfinished_again),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
