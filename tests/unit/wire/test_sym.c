/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/wire/sym.h"

static struct sym_info sample(void)
{
	struct sym_info i = {.machine = 62, .flags = SYM_HAS_SYMTAB | SYM_IS_GO, .entry = 0x401000,
			     .build_id = {1, 2, 3}, .build_id_len = 20, .n_segs = 2, .n_wants = 3};

	i.segs[0] = (struct sym_seg){0x1000, 0x1000, 0x500, 0x600};
	i.segs[1] = (struct sym_seg){UINT64_MAX, 1, 2, 3};
	i.wants[0] = (struct sym_want){.kind = SYM_WANT_BUILD_ID, .build_id = {9}, .build_id_len = 20};
	i.wants[1] = (struct sym_want){.kind = SYM_WANT_DEBUGLINK, .index = 1, .name = "libx.debug"};
	i.wants[2] = (struct sym_want){.kind = SYM_WANT_ALT, .name = "x.dwz", .build_id_len = 2};
	return i;
}

static int round_trip(const struct sym_info *in, struct sym_info *out)
{
	struct buf b = BUF_INIT(1 << 16);
	struct cursor c;
	int r;

	sym_info_put(&b, in);
	c = cursor_over(b.data, b.len);
	r = sym_info_get(&c, out);
	if (!r)
		assert_int_equal(cursor_left(&c), 0);
	buf_free(&b);
	return r;
}

static void test_round_trip(void **state)
{
	struct sym_info in = sample(), out = {0};

	assert_int_equal(round_trip(&in, &out), 0);
	assert_int_equal(out.machine, in.machine);
	assert_int_equal(out.flags, in.flags);
	assert_int_equal(out.entry, in.entry);
	assert_int_equal(out.build_id_len, 20);
	assert_memory_equal(out.build_id, in.build_id, SYM_BUILD_ID_MAX);
	assert_memory_equal(out.segs, in.segs, sizeof(in.segs));
	assert_memory_equal(out.wants, in.wants, sizeof(in.wants));
}

/* A name from outside becomes a path's last component later. */
static void test_names_are_plain(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} cases[] = {
		{"libx.debug", "libx.debug"}, {"/usr/lib/debug/x.debug", "x.debug"},
		{"../../etc/shadow", "shadow"}, {"..", NULL}, {".", NULL}, {"a/..", NULL}, {"a/", NULL},
		{"", NULL}, {"...", "..."},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sym_info in = {.n_wants = 1}, out;
		in.wants[0].kind = SYM_WANT_DEBUGLINK;
		strcpy(in.wants[0].name, cases[i].in);
		if (cases[i].out) {
			assert_int_equal(round_trip(&in, &out), 0);
			assert_string_equal(out.wants[0].name, cases[i].out);
		} else {
			assert_int_equal(round_trip(&in, &out), -EBADMSG);
		}
	}
}

static void check_valid(const struct sym_info *i)
{
	assert_in_range(i->n_segs, 0, SYM_SEGS_MAX);
	assert_in_range(i->n_wants, 0, SYM_WANTS_MAX);
	assert_in_range(i->build_id_len, 0, SYM_BUILD_ID_MAX);
	for (int k = 0; k < i->n_wants; k++) {
		assert_in_range(i->wants[k].build_id_len, 0, SYM_BUILD_ID_MAX);
		assert_non_null(memchr(i->wants[k].name, 0, sizeof(i->wants[k].name)));
		assert_null(strchr(i->wants[k].name, '/'));
	}
}

static void test_mutations(void **state)
{
	struct sym_info in = sample(), out;
	struct buf b = BUF_INIT(1 << 16);
	uint64_t seed = 7;
	int accepted = 0;

	sym_info_put(&b, &in);
	for (size_t len = 0; len < b.len; len++) {
		struct cursor c = cursor_over(b.data, len);
		assert_int_equal(sym_info_get(&c, &out), -EBADMSG);
	}
	for (int i = 0; i < 20000; i++) {
		uint8_t copy[1024];
		struct cursor c = cursor_over(copy, b.len);
		assert_true(b.len <= sizeof(copy));
		memcpy(copy, b.data, b.len);
		for (int k = 0; k < 1 + i % 4; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			copy[(seed >> 40) % b.len] = (uint8_t)(seed >> 32);
		}
		if (sym_info_get(&c, &out) == 0) {
			check_valid(&out);
			accepted++;
		}
	}
	assert_true(accepted > 1000);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_names_are_plain),
		cmocka_unit_test(test_mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
