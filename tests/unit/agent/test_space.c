/* SPDX-License-Identifier: Apache-2.0
 *
 * Address spaces: what a new mapping does to old ones, copies after fork, lines of /proc/PID/maps.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/space/space.h"

static void add(struct space *s, uint64_t start, uint64_t end, uint64_t pgoff, const char *path)
{
	struct mapping m = {.start = start, .end = end, .pgoff = pgoff, .path = path};

	assert_int_equal(space_add(s, &m), 0);
}

static void expect(const struct space *s, uint64_t pc, const char *path, uint64_t offset)
{
	struct mapping *m = space_find(s, pc);

	if (!path) {
		assert_null(m);
		return;
	}
	assert_non_null(m);
	assert_string_equal(m->path, path);
	assert_int_equal(pc - m->start + m->pgoff, offset);
}

static void test_find(void **state)
{
	struct space *s = space_new();

	(void)state;
	add(s, 0x5000, 0x6000, 0, "b");
	add(s, 0x1000, 0x2000, 0x100000, "a");
	expect(s, 0xfff, NULL, 0);
	expect(s, 0x1000, "a", 0x100000);
	expect(s, 0x1fff, "a", 0x100fff);
	expect(s, 0x2000, NULL, 0);
	expect(s, 0x5000, "b", 0);
	expect(s, UINT64_MAX, NULL, 0);
	space_drop(&s);
}

static void test_overlap(void **state)
{
	struct space *s = space_new();

	(void)state;
	add(s, 0x1000, 0x9000, 0, "big");
	add(s, 0x3000, 0x4000, 0x70000, "hole"); /* inside: three parts */
	assert_int_equal(s->len, 3);
	expect(s, 0x2fff, "big", 0x1fff);
	expect(s, 0x3010, "hole", 0x70010);
	expect(s, 0x4000, "big", 0x3000); /* the rest keeps its place in the file */
	add(s, 0x0, 0x10000, 0, "all");
	assert_int_equal(s->len, 1);
	add(s, 0x8000, 0x12000, 0, "edge");
	expect(s, 0x7fff, "all", 0x7fff);
	expect(s, 0x11fff, "edge", 0x9fff);
	space_drop(&s);
}

static void test_refused(void **state)
{
	struct space *s = space_new();
	struct mapping empty = {.start = 5, .end = 5, .path = ""};

	(void)state;
	assert_int_equal(space_add(s, &empty), -EINVAL);
	assert_int_equal(s->len, 0);
	space_drop(&s);
}

static void test_copy_on_change(void **state)
{
	struct space *parent = space_new(), *child;
	uint32_t stamp;

	(void)state;
	add(parent, 0x1000, 0x2000, 0, "a");
	child = space_hold(parent);
	stamp = parent->stamp;
	assert_int_equal(space_own(&child), 0);
	add(child, 0x1000, 0x2000, 0, "b");
	expect(parent, 0x1000, "a", 0);
	expect(child, 0x1000, "b", 0);
	assert_int_equal(parent->stamp, stamp);
	assert_int_not_equal(child->stamp, stamp);
	space_drop(&parent);
	space_drop(&child);
}

static void test_many_against_a_plain_model(void **state)
{
	enum { PAGES = 256, STEPS = 4000 };
	static const char *const names[] = {"a", "b", "c", "d"};
	const char *model[PAGES] = {0};
	struct space *s = space_new();
	uint32_t seed = 9;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		uint32_t from, len;
		seed = seed * 1664525 + 1013904223;
		from = seed >> 24;
		len = 1 + (seed >> 16 & 15);
		if (from + len > PAGES)
			continue;
		add(s, from * 4096ul, (from + len) * 4096ul, 0, names[seed >> 8 & 3]);
		for (uint32_t k = from; k < from + len; k++)
			model[k] = names[seed >> 8 & 3];
		for (uint32_t k = 0; k < PAGES; k++) {
			struct mapping *m = space_find(s, k * 4096ul + 17);
			assert_ptr_equal(m ? m->path : NULL, model[k]);
		}
	}
	space_drop(&s);
}

static void test_lines(void **state)
{
	char exec[] = "55d0c0000000-55d0c0001000 r-xp 00001000 08:01 1234   /usr/bin/a b (deleted)";
	char data[] = "55d0c0000000-55d0c0001000 rw-p 00001000 08:01 1234   /usr/bin/x";
	char anon[] = "7f0000000000-7f0000001000 r-xp 00000000 00:00 0 ";
	char vdso[] = "7ffc1d5f2000-7ffc1d5f4000 r-xp 00000000 00:00 0   [vdso]";
	struct mapping m;

	(void)state;
	assert_true(space_parse_line(exec, &m));
	assert_string_equal(m.path, "/usr/bin/a b");
	assert_int_equal(m.inode, 1234);
	assert_int_equal(m.pgoff, 0x1000);
	assert_int_equal(m.major, 8);
	assert_false(space_parse_line(data, &m));
	assert_true(space_parse_line(anon, &m));
	assert_string_equal(m.path, "");
	assert_true(space_parse_line(vdso, &m));
	assert_string_equal(m.path, "[vdso]");
}

static void test_line_mutations(void **state)
{
	static const char good[] = "55d0c0000000-55d0c0001000 r-xp 00001000 08:01 1234   /usr/bin/a";
	uint64_t seed = 3;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char *line = strdup(good);
		struct mapping m;
		for (int k = 0; k <= i % 3; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			line[(seed >> 33) % (sizeof(good) - 1)] = (char)(1 + (seed >> 20) % 255);
		}
		if (i % 5 == 0)
			line[(seed >> 40) % sizeof(good)] = '\0';
		if (space_parse_line(line, &m)) {
			assert_true(m.start < m.end);
			assert_true(m.path >= line && m.path <= line + sizeof(good));
		}
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_copy_on_change),
		cmocka_unit_test(test_many_against_a_plain_model),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_line_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
