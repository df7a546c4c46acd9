/* SPDX-License-Identifier: Apache-2.0
 *
 * Records: each kind by hand, samples in perf's order of fields, and thousands of mutations, none
 * of which may lead out of the record.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_ring.h"
#include "pmu/record.h"

enum { N_REGS = 18, STACK = 256, ID = 77 };

static const struct record_format formats[] = {
	{.id = 5, .event = 3, .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP |
					      PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU},
	{.id = ID, .event = 1, .n_regs = N_REGS,
	 .sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
			PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD |
			PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER},
};

static int decode(const struct fake *f, size_t n, struct record *r)
{
	return record_decode(f->at, n, formats, 2, r);
}

static size_t make_sample(struct fake *f)
{
	fake_begin(f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER | PERF_RECORD_MISC_EXACT_IP);
	fake_word(f, ID);
	fake_word(f, 0x401000);
	fake_pair(f, 100, 101);
	fake_word(f, 123456789);
	fake_pair(f, 2, 0);
	fake_word(f, 10101010);
	fake_word(f, 3);
	fake_word(f, PERF_CONTEXT_USER);
	fake_word(f, 0x401000);
	fake_word(f, 0x402000);
	fake_word(f, PERF_SAMPLE_REGS_ABI_64);
	for (uint64_t i = 0; i < N_REGS; i++)
		fake_word(f, 1000 + i);
	fake_word(f, STACK);
	for (uint64_t i = 0; i < STACK / 8; i++)
		fake_word(f, i);
	fake_word(f, 200);
	return fake_end(f);
}

static void test_sample(void **state)
{
	struct fake f;
	struct record r;

	(void)state;
	assert_int_equal(decode(&f, make_sample(&f), &r), 0);
	assert_int_equal(r.kind, RECORD_SAMPLE);
	assert_int_equal(r.sample.event, 1);
	assert_int_equal(r.pid, 100);
	assert_int_equal(r.tid, 101);
	assert_int_equal(r.cpu, 2);
	assert_int_equal(r.time, 123456789);
	assert_int_equal(r.sample.period, 10101010);
	assert_int_equal(r.sample.n_chain, 3);
	assert_true(record_is_user_mark(r.sample.chain[0]));
	assert_int_equal(r.sample.regs[17], 1017);
	assert_int_equal(r.sample.stack_len, 200);
	assert_int_equal(r.sample.stack_asked, STACK);
	assert_true(r.sample.exact_ip && r.sample.user && !r.sample.kernel);
}

static void test_sample_without_registers(void **state)
{
	struct fake f;
	struct record r;

	(void)state;
	fake_begin(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
	fake_word(&f, ID);
	fake_word(&f, UINT64_C(0xffffffff81000000));
	fake_pair(&f, 2, 2);
	fake_word(&f, 5);
	fake_word(&f, 0);
	fake_word(&f, 1);
	fake_word(&f, 0); /* no chain */
	fake_word(&f, PERF_SAMPLE_REGS_ABI_NONE);
	fake_word(&f, 0); /* no stack */
	assert_int_equal(decode(&f, fake_end(&f), &r), 0);
	assert_null(r.sample.regs);
	assert_null(r.sample.stack);
	assert_true(r.sample.kernel);
}

static void test_events_are_told_apart(void **state)
{
	struct fake f;
	struct record r;

	(void)state;
	fake_begin(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	fake_word(&f, 5);
	fake_word(&f, 1);
	fake_pair(&f, 1, 1);
	fake_word(&f, 9);
	fake_pair(&f, 0, 0);
	assert_int_equal(decode(&f, fake_end(&f), &r), 0);
	assert_int_equal(r.sample.event, 3);
	f.at[1] = 6; /* nobody's id */
	assert_int_equal(decode(&f, f.n * 8, &r), -EBADMSG);
}

static void test_mmap(void **state)
{
	struct fake f;
	struct record r;
	char path[16] = "/lib/x.so";

	(void)state;
	fake_begin(&f, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
	fake_pair(&f, 10, 11);
	fake_word(&f, 0x7f0000000000);
	fake_word(&f, 0x2000);
	fake_word(&f, 0x1000);
	fake_pair(&f, 8, 1);
	fake_word(&f, 4242);
	fake_word(&f, 1);
	fake_pair(&f, 5, 2);
	fake_word(&f, 0);
	fake_word(&f, 0);
	memcpy(&f.at[f.n - 2], path, sizeof(path));
	fake_trailer(&f, 10, 11, 77, 1, 1);
	assert_int_equal(decode(&f, fake_end(&f), &r), 0);
	assert_int_equal(r.kind, RECORD_MMAP);
	assert_int_equal(r.time, 77);
	assert_int_equal(r.mmap.inode, 4242);
	assert_int_equal(r.mmap.prot, 5);
	assert_string_equal(r.mmap.path, "/lib/x.so");
	memset(&f.at[f.n - 6], 'x', 16); /* a path without an end */
	assert_int_equal(decode(&f, f.n * 8, &r), -EBADMSG);
}

static void test_comm_fork_lost(void **state)
{
	struct fake f;
	struct record r;

	(void)state;
	assert_int_equal(decode(&f, fake_comm(&f, 12, 9, "nginx"), &r), 0);
	assert_string_equal(r.comm.name, "nginx");
	fake_begin(&f, PERF_RECORD_FORK, 0);
	fake_pair(&f, 20, 10);
	fake_pair(&f, 21, 11);
	fake_word(&f, 55);
	fake_trailer(&f, 10, 11, 55, 0, 1);
	assert_int_equal(decode(&f, fake_end(&f), &r), 0);
	assert_int_equal(r.kind, RECORD_FORK);
	assert_int_equal(r.pid, 20);
	assert_int_equal(r.fork.ppid, 10);
	assert_int_equal(r.tid, 21);
	fake_begin(&f, PERF_RECORD_LOST, 0);
	fake_word(&f, ID);
	fake_word(&f, 17);
	fake_trailer(&f, 0, 0, 60, 0, ID);
	assert_int_equal(decode(&f, fake_end(&f), &r), 0);
	assert_int_equal(r.kind, RECORD_LOST);
	assert_int_equal(r.lost.lost, 17);
}

/* Whatever a record says, what comes out lies inside it. */
static void check_inside(const struct record *r, const uint8_t *from, const uint8_t *to)
{
	const struct record_sample *s = &r->sample;

	if (r->kind != RECORD_SAMPLE)
		return;
	if (s->chain)
		assert_true((const uint8_t *)s->chain >= from &&
			    (const uint8_t *)(s->chain + s->n_chain) <= to);
	if (s->regs)
		assert_true((const uint8_t *)s->regs >= from &&
			    (const uint8_t *)(s->regs + N_REGS) <= to);
	if (s->stack)
		assert_true(s->stack >= from && s->stack_len <= s->stack_asked &&
			    s->stack + s->stack_asked <= to);
}

static void test_mutations(void **state)
{
	uint64_t seed = 42;
	struct fake good, f;
	size_t n = make_sample(&good);

	(void)state;
	for (int i = 0; i < 50000; i++) {
		struct perf_event_header h;
		struct record r;
		uint64_t *exact;
		size_t len = n;

		memcpy(f.at, good.at, n);
		for (int k = 0; k <= i % 4; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			((uint8_t *)f.at)[8 + (seed >> 33) % (n - 8)] ^= (uint8_t)(1 << (seed >> 60) % 8);
		}
		if (i % 3 == 0)
			len = 8 * (1 + (seed >> 40) % (n / 8));
		memcpy(&h, f.at, sizeof(h));
		h.size = (uint16_t)len;
		h.type = i % 7 ? h.type : (uint32_t)(i / 7 % 24);
		memcpy(f.at, &h, sizeof(h));
		exact = malloc(len); /* so that a sanitizer sees one byte too many */
		memcpy(exact, f.at, len);
		if (record_decode(exact, len, formats, 2, &r) == 0)
			check_inside(&r, (uint8_t *)exact, (uint8_t *)exact + len);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_sample_without_registers),
		cmocka_unit_test(test_events_are_told_apart),
		cmocka_unit_test(test_mmap),
		cmocka_unit_test(test_comm_fork_lost),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
