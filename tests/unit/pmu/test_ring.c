/* SPDX-License-Identifier: Apache-2.0
 *
 * Rings and their merge: wrap-around, hostile headers, order of time across CPUs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_ring.h"
#include "pmu/merge.h"

enum { SIZE = 4096 };

static void put_comm(struct ring *r, uint64_t time, const char *comm)
{
	struct fake f;
	size_t n = fake_comm(&f, 7, time, comm);

	fake_write(r, f.at, n);
}

static void test_wrap(void **state)
{
	uint8_t scratch[RECORD_MAX];
	struct ring_record rec;
	struct ring r;
	uint64_t seen = 0;

	(void)state;
	fake_ring(&r, SIZE);
	/* 64-byte records and a first one of 72 bytes: the records walk across the ring's end. */
	for (uint64_t i = 1; i <= 1000; i++) {
		struct fake f;
		fake_begin(&f, PERF_RECORD_THROTTLE, 0);
		for (unsigned k = 0; k < 3 + i % 5; k++)
			fake_word(&f, i * 1000 + k);
		fake_trailer(&f, 1, 1, i, 0, 1);
		fake_write(&r, f.at, fake_end(&f));
		ring_snapshot(&r);
		assert_true(ring_peek(&r, &rec));
		assert_int_equal(rec.time, i);
		assert_memory_equal(ring_bytes(&r, rec.size, scratch), f.at, rec.size);
		ring_skip(&r, rec.size);
		ring_release(&r);
		assert_int_equal(fake_page(&r)->data_tail, fake_page(&r)->data_head);
		seen++;
	}
	assert_int_equal(seen, 1000);
	assert_int_equal(r.corrupt, 0);
	fake_ring_free(&r);
}

static void hostile_header(uint16_t size, uint32_t type)
{
	struct perf_event_header h = {.type = type, .size = size};
	uint8_t record[64] = {0};
	struct ring_record rec;
	struct ring r;

	fake_ring(&r, SIZE);
	put_comm(&r, 5, "good");
	memcpy(record, &h, sizeof(h));
	fake_write(&r, record, sizeof(record));
	ring_snapshot(&r);
	assert_true(ring_peek(&r, &rec)); /* what was good before it survives */
	ring_skip(&r, rec.size);
	assert_false(ring_peek(&r, &rec));
	assert_int_equal(r.corrupt, 1);
	ring_release(&r);
	assert_int_equal(fake_page(&r)->data_tail, fake_page(&r)->data_head);
	put_comm(&r, 6, "later"); /* and so does what comes after */
	ring_snapshot(&r);
	assert_true(ring_peek(&r, &rec));
	assert_int_equal(rec.time, 6);
	fake_ring_free(&r);
}

static void test_hostile_headers(void **state)
{
	(void)state;
	hostile_header(0, PERF_RECORD_COMM);
	hostile_header(8, PERF_RECORD_COMM);
	hostile_header(72, PERF_RECORD_COMM);     /* runs past the end by one word */
	hostile_header(65528, PERF_RECORD_SAMPLE);
	hostile_header(61, PERF_RECORD_COMM);     /* not a multiple of 8 */
	hostile_header(32, PERF_RECORD_SAMPLE);   /* no room for its time */
	hostile_header(0, 4242);
}

static void test_hostile_head(void **state)
{
	struct ring_record rec;
	struct ring r;

	(void)state;
	fake_ring(&r, SIZE);
	fake_page(&r)->data_head = 10 * SIZE;
	ring_snapshot(&r);
	assert_false(ring_peek(&r, &rec));
	assert_int_equal(r.corrupt, 1);
	fake_ring_free(&r);
}

static void test_unknown_type_is_skipped(void **state)
{
	struct fake f;
	struct ring_record rec;
	struct ring r;

	(void)state;
	fake_ring(&r, SIZE);
	fake_begin(&f, 4242, 0);
	fake_trailer(&f, 1, 1, 3, 0, 1);
	fake_write(&r, f.at, fake_end(&f));
	put_comm(&r, 9, "next");
	ring_snapshot(&r);
	assert_true(ring_peek(&r, &rec));
	ring_skip(&r, rec.size);
	assert_true(ring_peek(&r, &rec));
	assert_int_equal(rec.time, 9);
	fake_ring_free(&r);
}

struct seen {
	uint64_t last, n;
	bool ordered;
};

static void see(void *arg, size_t ring, const void *bytes, size_t len)
{
	struct seen *s = arg;
	uint64_t time;

	(void)ring;
	memcpy(&time, (const uint8_t *)bytes + len - 24, sizeof(time));
	s->ordered &= time >= s->last;
	s->last = time;
	s->n++;
}

static void test_merge_orders_by_time(void **state)
{
	enum { RINGS = 5, RECORDS = 40 };
	struct ring rings[RINGS] = {0};
	struct seen s = {.ordered = true};
	struct merge *m;
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < RINGS; i++) {
		uint64_t t = 0;
		if (i == 3)
			continue; /* a CPU without a ring */
		fake_ring(&rings[i], 8192);
		for (int k = 0; k < RECORDS; k++) {
			seed = seed * 1664525 + 1013904223;
			put_comm(&rings[i], t += 1 + (seed >> 24), "x");
		}
	}
	assert_int_equal(merge_new(rings, RINGS, &m), 0);
	assert_true(merge_drain(m, 2000, see, &s) > 0);
	assert_true(s.last <= 2000);
	assert_true(s.n < 4 * RECORDS); /* what is younger stays */
	merge_drain(m, UINT64_MAX, see, &s);
	assert_int_equal(s.n, 4 * RECORDS);
	assert_true(s.ordered);
	merge_free(&m);
	for (int i = 0; i < RINGS; i++)
		fake_ring_free(&rings[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_hostile_headers),
		cmocka_unit_test(test_hostile_head),
		cmocka_unit_test(test_unknown_type_is_skipped),
		cmocka_unit_test(test_merge_orders_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
