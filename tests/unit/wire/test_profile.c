/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/wire/profile.h"

static uint32_t function(struct profile *p, const char *name)
{
	struct profile_function f = {.name = profile_string(p, name), .start_line = 7};

	f.system_name = f.name;
	return profile_add_function(p, &f);
}

static uint32_t location(struct profile *p, uint32_t mapping, uint64_t address, const char *name)
{
	struct profile_location l = {.mapping = mapping, .address = address};
	struct profile_line lines[] = {{function(p, "inlined"), 3}, {function(p, name), 9}};

	return profile_add_location(p, &l, lines, 2);
}

static struct profile_label number(struct profile *p, const char *key, int64_t v)
{
	return (struct profile_label){.key = profile_string(p, key), .num = v,
				      .unit = profile_string(p, "id")};
}

/* `n` different stacks over 16 locations, each added twice. */
static void fill(struct profile *p, unsigned n)
{
	struct profile_mapping m = {.start = 0x1000, .limit = 0x9000, .kind = PROFILE_MAP_FILE,
				    .has_lines = true};
	uint32_t loc[16], mapping;

	assert_int_equal(profile_init(p), 0);
	profile_add_type(p, "samples", "count");
	profile_add_type(p, "cycles", "count");
	m.file = profile_string(p, "/usr/bin/demo");
	mapping = profile_add_mapping(p, &m);
	for (uint32_t i = 0; i < 16; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%u", i);
		loc[i] = location(p, i ? mapping : PROFILE_NONE, 0x1000 + i, name);
	}
	for (unsigned k = 0; k < 2 * n; k++) {
		unsigned i = k % n;
		uint32_t stack[] = {loc[i % 16], loc[i / 16 % 16], loc[i / 256 % 16], loc[0]};
		struct profile_label labels[] = {number(p, "pid", i / 4096), number(p, "cpu", 0)};
		int64_t values[] = {1, 1000};
		assert_int_equal(profile_add_sample(p, stack, 4, labels, 2, values), 0);
	}
	profile_comment(p, "quality: %c", 'A');
	profile_comment(p, "quality of life: good");
	p->period_type = p->types.at[1];
	p->period = 1000;
	p->time_nanos = 1;
	p->duration_nanos = 2;
	p->default_type = p->types.at[1].type;
	p->drop_frames = profile_string(p, "^drop$");
}

static void same_content_has_one_index(void **state)
{
	struct profile p;
	struct profile_mapping m = {.start = 1};
	struct profile_function f = {0};
	uint32_t a, b;

	assert_int_equal(profile_init(&p), 0);
	assert_int_equal(profile_string(&p, ""), 0);
	a = profile_string(&p, "main");
	assert_int_equal(profile_string_n(&p, "mainly", 4), a);
	assert_int_not_equal(profile_string_n(&p, "main", 5), a); /* with its NUL */
	assert_string_equal(profile_str(&p, a), "main");
	assert_string_equal(profile_str(&p, 99), "");
	assert_string_equal(profile_str(&p, PROFILE_NONE), "");

	b = profile_add_mapping(&p, &m);
	m.kind = PROFILE_MAP_JIT; /* not a part of its identity */
	assert_int_equal(profile_add_mapping(&p, &m), b);
	m.start = 2;
	assert_int_not_equal(profile_add_mapping(&p, &m), b);

	f.name = a;
	b = profile_add_function(&p, &f);
	assert_int_equal(profile_add_function(&p, &f), b);
	f.start_line = 1;
	assert_int_not_equal(profile_add_function(&p, &f), b);

	a = location(&p, 0, 0x10, "x");
	assert_int_equal(location(&p, 0, 0x10, "y"), a);
	assert_int_not_equal(location(&p, PROFILE_NONE, 0x10, "y"), a);
	assert_int_equal(p.lines.len, 4);
	assert_false(p.full);
	assert_true(profile_valid(&p));
	profile_free(&p);
	profile_free(&p); /* harmless */
}

static void equal_samples_add_up(void **state)
{
	struct profile p;

	fill(&p, 5000);
	assert_int_equal(p.samples.len, 5000);
	for (size_t i = 0; i < p.values.len; i++)
		assert_int_equal(p.values.at[i], i % 2 ? 2000 : 2);
	assert_true(profile_valid(&p));
	assert_string_equal(profile_comment_get(&p, "quality"), "A");
	assert_null(profile_comment_get(&p, "qual"));
	profile_free(&p);
}

static void sums_do_not_overflow(void **state)
{
	struct profile p;
	int64_t v = INT64_MAX;

	assert_int_equal(profile_init(&p), 0);
	profile_add_type(&p, "cycles", "count");
	assert_int_equal(profile_add_sample(&p, NULL, 0, NULL, 0, &v), 0);
	assert_int_equal(profile_add_sample(&p, NULL, 0, NULL, 0, &v), 0);
	assert_int_equal(p.samples.len, 1);
	assert_int_equal(p.values.at[0], INT64_MAX);
	profile_free(&p);
}

static void types_come_before_samples(void **state)
{
	struct profile p;

	fill(&p, 1);
	assert_int_equal(profile_add_type(&p, "cycles", "count"), 1);
	assert_int_equal(profile_add_type(&p, "misses", "count"), PROFILE_NONE);
	assert_true(p.full);
	profile_free(&p);
}

static void long_and_strange_names(void **state)
{
	struct profile p;
	size_t n = 1 << 20;
	char *big = malloc(n + 1);
	uint32_t a, b;

	memset(big, 0xff, n);
	big[n] = '\0';
	assert_int_equal(profile_init(&p), 0);
	a = profile_string(&p, big);
	b = profile_string(&p, "after it");
	assert_int_equal(profile_string(&p, big), a);
	assert_int_equal(p.strings.at[a].len, n);
	assert_string_equal(profile_str(&p, b), "after it");
	profile_free(&p);
	free(big);
}

static void encoded(struct profile *p, struct buf *b)
{
	*b = BUF_INIT(PROFILE_ENCODED_MAX);
	profile_encode(p, b);
	assert_false(b->bad);
}

static void decoding_gives_the_same(void **state)
{
	struct profile p, q;
	struct buf a, b;

	fill(&p, 300);
	encoded(&p, &a);
	assert_int_equal(profile_decode(a.data, a.len, &q), 0);
	encoded(&q, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	assert_string_equal(profile_comment_get(&q, "quality"), "A");
	buf_free(&a);
	buf_free(&b);
	profile_free(&p);
	profile_free(&q);
}

static void makers_work_on_a_decoded_profile(void **state)
{
	struct profile p, q;
	struct buf a;
	size_t strings;
	int64_t v[] = {1, 1};

	fill(&p, 300);
	encoded(&p, &a);
	assert_int_equal(profile_decode(a.data, a.len, &q), 0);
	strings = q.strings.len;
	assert_int_equal(profile_string(&q, "f3"), profile_string(&p, "f3"));
	assert_int_equal(q.strings.len, strings);
	assert_int_equal(function(&q, "f3"), function(&p, "f3"));
	assert_int_equal(location(&q, 0, 0x1003, "f3"), 3);
	assert_int_equal(profile_add_sample(&q, q.stack.at, 4, q.labels.at, 2, v), 0);
	assert_int_equal(q.samples.len, 300);
	assert_int_equal(q.values.at[0], 3);
	buf_free(&a);
	profile_free(&p);
	profile_free(&q);
}

static void cut_at_every_byte(void **state)
{
	struct profile p, q;
	struct buf a;

	fill(&p, 20);
	encoded(&p, &a);
	for (size_t n = 0; n < a.len; n++)
		assert_int_equal(profile_decode(a.data, n, &q), -EBADMSG);
	buf_u8(&a, 0); /* and one byte too many */
	assert_int_equal(profile_decode(a.data, a.len, &q), -EBADMSG);
	buf_free(&a);
	profile_free(&p);
}

/* Any bytes give an error or a profile whose every index is in range. */
static void flipped_bits(void **state)
{
	struct profile p, q;
	struct buf a;
	uint32_t seed = 1, accepted = 0;

	fill(&p, 20);
	encoded(&p, &a);
	for (size_t i = 0; i < 8 * a.len; i += 3) {
		size_t other;
		seed = seed * 1664525 + 1013904223;
		other = (seed >> 8) % a.len;
		a.data[i / 8] ^= (uint8_t)(1 << i % 8);
		if (i % 2)
			a.data[other] ^= 0xff;
		if (profile_decode(a.data, a.len, &q) == 0) {
			accepted++;
			assert_true(profile_valid(&q));
			profile_free(&q);
		}
		if (i % 2)
			a.data[other] ^= 0xff;
		a.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_not_equal(accepted, 0);
	buf_free(&a);
	profile_free(&p);
}

/* Each index of the arrays, moved out of range, is noticed. */
static void validity(void **state)
{
	struct profile p;

	fill(&p, 20);
#define NOTICES(field, value)                                                                      \
	do {                                                                                       \
		__typeof__(field) keep_ = field;                                                   \
		field = (value);                                                                   \
		assert_false(profile_valid(&p));                                                   \
		field = keep_;                                                                     \
		assert_true(profile_valid(&p));                                                    \
	} while (0)
	NOTICES(p.types.at[1].unit, p.strings.len);
	NOTICES(p.mappings.at[0].file, PROFILE_NONE);
	NOTICES(p.mappings.at[0].build_id, PROFILE_NONE);
	NOTICES(p.mappings.at[0].kind, 99);
	NOTICES(p.functions.at[2].name, p.strings.len);
	NOTICES(p.functions.at[2].file, p.strings.len);
	NOTICES(p.lines.at[3].function, p.functions.len);
	NOTICES(p.locations.at[1].mapping, p.mappings.len);
	NOTICES(p.locations.at[1].n_lines, UINT32_MAX);
	NOTICES(p.labels.at[0].key, p.strings.len);
	NOTICES(p.labels.at[0].unit, p.strings.len);
	NOTICES(p.stack.at[0], p.locations.len);
	NOTICES(p.samples.at[0].n_locations, p.stack.len + 1);
	NOTICES(p.samples.at[0].first_value, p.values.len - 1);
	NOTICES(p.samples.at[0].n_labels, UINT32_MAX);
	NOTICES(p.comments.at[0], p.strings.len);
	NOTICES(p.default_type, p.strings.len);
	NOTICES(p.period_type.unit, p.strings.len);
	profile_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_content_has_one_index),
		cmocka_unit_test(equal_samples_add_up),
		cmocka_unit_test(sums_do_not_overflow),
		cmocka_unit_test(types_come_before_samples),
		cmocka_unit_test(long_and_strange_names),
		cmocka_unit_test(decoding_gives_the_same),
		cmocka_unit_test(makers_work_on_a_decoded_profile),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(flipped_bits),
		cmocka_unit_test(validity),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
