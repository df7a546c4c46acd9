/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of perf.data: both byte orders, file and pipe, attributes of other sizes, compressed
 * records that a record spans, rounds, groups, killed recorders, every field of a sample, and
 * thousands of mutations.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <zstd.h>

#include "fake_file.h"
#include "pmu/perfdata/reader.h"

enum { MET_MAX = 256, FINISHED_ROUND = 68, COMPRESSED = 81, COMPRESSED2 = 83 };

struct met {
	size_t n;
	struct record r[MET_MAX];
	char text[MET_MAX][64]; /* path or name */
	uint64_t chain1[MET_MAX];
	struct perfdata_stats stats;
	struct perfdata_info info;
	struct event events[EVENTS_MAX];
	size_t n_events;
	uint8_t build_id[PERFDATA_BUILD_ID_MAX];
	size_t build_id_len; /* of /usr/bin/true */
	bool unfinished;
	uint64_t branches, data_src;
	int status;
	char why[512];
};

static void on_record(void *arg, const struct record *r)
{
	struct met *m = arg;

	if (m->n == MET_MAX)
		return;
	m->r[m->n] = *r;
	if (r->kind == RECORD_MMAP)
		snprintf(m->text[m->n], sizeof(m->text[0]), "%s", r->mmap.path);
	if (r->kind == RECORD_COMM)
		snprintf(m->text[m->n], sizeof(m->text[0]), "%s", r->comm.name);
	if (r->kind == RECORD_SAMPLE && r->sample.n_chain > 1)
		m->chain1[m->n] = r->sample.chain[1];
	m->n++;
}

static void on_watch(void *arg, const struct perfdata_record *p)
{
	struct met *m = arg;

	m->branches += p->n_branches;
	m->data_src = p->data_src;
}

static void read_fd(int fd, struct met *m)
{
	struct perfdata *p;
	const uint8_t *id;

	memset(m, 0, sizeof(*m));
	m->status = perfdata_open(fd, &p, m->why, sizeof(m->why));
	if (m->status)
		return;
	perfdata_watch(p, on_watch, m);
	m->status = perfdata_read(p, on_record, m);
	m->stats = *perfdata_stats(p);
	m->info = perfdata_head(p)->info;
	m->unfinished = perfdata_head(p)->unfinished;
	m->n_events = perfdata_events(p, m->events);
	m->build_id_len = head_build_id_of(perfdata_head(p), "/usr/bin/true", &id);
	if (m->build_id_len)
		memcpy(m->build_id, id, m->build_id_len);
	perfdata_close(&p);
}

static void read_bytes(const struct fake *f, size_t n, struct met *m)
{
	int fd = memory_file(f->bytes, n);

	read_fd(fd, m);
	close(fd);
}

static const uint64_t plain = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
			      PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD |
			      PERF_SAMPLE_CALLCHAIN;

static const struct fake_attr two[] = {
	{.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_CPU_CYCLES, .period = 99, .freq = true,
	 .sample_type = plain, .sample_id_all = true},
	{.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK, .period = 1000,
	 .sample_type = plain & ~(uint64_t)PERF_SAMPLE_PERIOD, .sample_id_all = true},
};

static struct fake f; /* large */
static struct met m;

static void trailer(uint64_t time, uint64_t id)
{
	u32(&f, 100);
	u32(&f, 101);
	u64(&f, time);
	u32(&f, 3);
	u32(&f, 0);
	u64(&f, id);
}

static void sample(uint64_t time, uint64_t id, uint64_t ip)
{
	begin(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	u64(&f, id);
	u64(&f, ip);
	u32(&f, 100);
	u32(&f, 101);
	u64(&f, time);
	u32(&f, 3);
	u32(&f, 0);
	if (id == 10)
		u64(&f, 7777);
	u64(&f, 2);
	u64(&f, PERF_CONTEXT_USER);
	u64(&f, ip);
	end(&f);
}

static void mmap2(uint64_t time, const char *path)
{
	begin(&f, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
	u32(&f, 100);
	u32(&f, 100);
	u64(&f, 0x400000);
	u64(&f, 0x1000);
	u64(&f, 0x2000);
	u32(&f, 8);
	u32(&f, 1);
	u64(&f, 4711);
	u64(&f, 0);
	u32(&f, PROT_READ | PROT_EXEC);
	u32(&f, 2);
	text(&f, path);
	trailer(time, 10);
	end(&f);
}

static void comm(uint64_t time, const char *name)
{
	begin(&f, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	u32(&f, 100);
	u32(&f, 100);
	text(&f, name);
	trailer(time, 10);
	end(&f);
}

static void round_ends(void)
{
	begin(&f, FINISHED_ROUND, 0);
	end(&f);
}

static void records(void)
{
	comm(5, "true");
	mmap2(6, "/usr/bin/true");
	sample(30, 10, 0x400010);
	sample(20, 11, 0x400020);
}

static void check_records(void)
{
	assert_int_equal(m.status, 0);
	assert_int_equal(m.n, 4);
	assert_int_equal(m.r[0].kind, RECORD_COMM);
	assert_string_equal(m.text[0], "true");
	assert_true(m.r[0].comm.exec);
	assert_int_equal(m.r[1].kind, RECORD_MMAP);
	assert_string_equal(m.text[1], "/usr/bin/true");
	assert_int_equal(m.r[1].mmap.inode, 4711);
	assert_int_equal(m.r[1].mmap.pgoff, 0x2000);
	assert_int_equal(m.r[1].time, 6);
	/* The older one first, though it was written later. */
	assert_int_equal(m.r[2].sample.event, 1);
	assert_int_equal(m.r[2].sample.ip, 0x400020);
	assert_int_equal(m.r[2].sample.period, 1000);
	assert_int_equal(m.r[3].sample.event, 0);
	assert_int_equal(m.r[3].sample.period, 7777);
	assert_int_equal(m.r[3].pid, 100);
	assert_int_equal(m.r[3].tid, 101);
	assert_int_equal(m.r[3].cpu, 3);
	assert_true(m.r[3].sample.user);
	assert_int_equal(m.chain1[3], 0x400010);
	assert_int_equal(m.n_events, 2);
	assert_string_equal(m.events[0].sample_type, "cycles");
	assert_string_equal(m.events[1].sample_type, "cpu-clock");
	assert_string_equal(m.events[1].unit, "nanoseconds");
	assert_int_equal(m.stats.bad + m.stats.strangers + m.stats.late, 0);
}

static void test_file(void **state)
{
	(void)state;
	for (int swap = 0; swap < 2; swap++) {
		file_begin(&f, swap, two, 2);
		records();
		file_end(&f);
		read_bytes(&f, f.n, &m);
		check_records();
		assert_null(m.stats.ended);
	}
}

static void attr_record(const struct fake_attr *a, uint64_t id)
{
	begin(&f, 64, 0);
	attr(&f, a);
	u64(&f, id);
	end(&f);
}

static void feature(uint64_t number, const char *word)
{
	begin(&f, 80, 0);
	u64(&f, number);
	u32(&f, 16);
	put(&f, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	memcpy(f.bytes + f.n - 16, word, strlen(word));
	u32(&f, 0);
	end(&f);
}

static void test_pipe(void **state)
{
	(void)state;
	for (int swap = 0; swap < 2; swap++) {
		pipe_begin(&f, swap);
		attr_record(&two[0], 10);
		attr_record(&two[1], 11);
		feature(FEATURE_HOSTNAME, "somewhere");
		feature(FEATURE_ARCH, "riscv64");
		records();
		read_bytes(&f, f.n, &m);
		check_records();
		assert_string_equal(m.info.host, "somewhere");
		assert_string_equal(m.info.arch, "riscv64");
	}
}

/* Through a real pipe, whose bytes come when they come. */
static void test_through_a_pipe(void **state)
{
	int fds[2];

	(void)state;
	pipe_begin(&f, false);
	attr_record(&two[0], 10);
	attr_record(&two[1], 11);
	records();
	assert_int_equal(pipe(fds), 0);
	assert_true(f.n < 4096);
	assert_int_equal(write(fds[1], f.bytes, f.n), f.n);
	close(fds[1]);
	read_fd(fds[0], &m);
	close(fds[0]);
	check_records();
}

static void test_file_through_a_pipe_is_refused(void **state)
{
	int fds[2];

	(void)state;
	file_begin(&f, false, two, 2);
	records();
	file_end(&f);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], f.bytes, f.n), f.n);
	close(fds[1]);
	read_fd(fds[0], &m);
	close(fds[0]);
	assert_int_equal(m.status, -ESPIPE);
}

static void test_attributes_of_other_sizes(void **state)
{
	static const size_t sizes[] = {64, 72, 96, 112, 128, 136, 144, 256};
	struct fake_attr other[2];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		other[0] = two[0];
		other[1] = two[1];
		other[0].len = other[1].len = sizes[i];
		file_begin(&f, i % 2, other, 2);
		records();
		file_end(&f);
		read_bytes(&f, f.n, &m);
		check_records();
	}
}

static void test_build_ids(void **state)
{
	static const uint8_t id[20] = {0xab, 0xcd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
				       16, 17, 18};

	(void)state;
	file_begin(&f, false, two, 2);
	records();
	file_end(&f);
	patch64(&f, 72, UINT64_C(1) << FEATURE_BUILD_ID);
	u64(&f, f.n + 16);
	u64(&f, 0);
	begin(&f, 0, PERF_RECORD_MISC_USER);
	u32(&f, UINT32_MAX);
	put(&f, id, 20);
	u32(&f, 0);
	text(&f, "/usr/bin/true");
	end(&f);
	patch64(&f, f.record - 8, f.n - f.record);
	read_bytes(&f, f.n, &m);
	check_records();
	assert_int_equal(m.build_id_len, 20);
	assert_memory_equal(m.build_id, id, 20);
}

/* The records as one zstd stream, cut at every `piece` bytes, whatever stands there. */
static size_t compress(uint8_t *out, size_t room, size_t from)
{
	size_t n = ZSTD_compress(out, room, f.bytes + from, f.n - from, 3);

	assert_false(ZSTD_isError(n));
	return n;
}

static void compressed(uint32_t type, size_t piece)
{
	static uint8_t packed[65536];
	size_t n = compress(packed, sizeof(packed), f.data);

	f.n = f.data;
	for (size_t at = 0; at < n; at += piece) {
		size_t part = n - at < piece ? n - at : piece;
		begin(&f, type, 0);
		if (type == COMPRESSED2)
			u64(&f, part);
		put(&f, packed + at, part);
		while (type == COMPRESSED2 && (f.n - f.record) % 8)
			u8(&f, 0);
		end(&f);
	}
}

static void test_compressed(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 200; piece += 13)
		for (int i = 0; i < 4; i++) {
			file_begin(&f, i & 1, two, 2);
			records();
			compressed(i & 2 ? COMPRESSED2 : COMPRESSED, piece);
			file_end(&f);
			read_bytes(&f, f.n, &m);
			check_records();
			assert_null(m.stats.ended);
		}
}

/* Each record in a frame of its own half: one spans two frames of zstd. */
static void test_compressed_spans(void **state)
{
	static uint8_t packed[2][65536];
	size_t half, n[2];

	(void)state;
	file_begin(&f, false, two, 2);
	records();
	half = (f.n - f.data) / 2 + 3;
	n[0] = ZSTD_compress(packed[0], 65536, f.bytes + f.data, half, 1);
	n[1] = ZSTD_compress(packed[1], 65536, f.bytes + f.data + half, f.n - f.data - half, 1);
	f.n = f.data;
	for (int i = 0; i < 2; i++) {
		begin(&f, COMPRESSED, 0);
		put(&f, packed[i], n[i]);
		end(&f);
	}
	file_end(&f);
	read_bytes(&f, f.n, &m);
	check_records();
}

static void test_rounds(void **state)
{
	(void)state;
	file_begin(&f, false, two, 2);
	sample(10, 10, 1);
	sample(30, 10, 3);
	round_ends();
	sample(20, 10, 2);
	sample(50, 10, 5);
	round_ends();
	sample(40, 10, 4);
	round_ends();
	sample(25, 10, 25); /* too late by the rules: still delivered, and counted */
	file_end(&f);
	read_bytes(&f, f.n, &m);
	assert_int_equal(m.n, 6);
	for (int i = 0; i < 3; i++)
		assert_int_equal(m.r[i].sample.ip, i + 1);
	assert_int_equal(m.stats.records[FINISHED_ROUND], 3);
	assert_int_equal(m.stats.late, 1);
}

static void test_group(void **state)
{
	struct fake_attr g[2] = {two[0], two[0]};

	(void)state;
	g[1].config = PERF_COUNT_HW_INSTRUCTIONS;
	g[0].sample_type = g[1].sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP |
					      PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_READ;
	g[0].read_format = g[1].read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID |
					      PERF_FORMAT_TOTAL_TIME_ENABLED |
					      PERF_FORMAT_TOTAL_TIME_RUNNING | PERF_FORMAT_LOST;
	file_begin(&f, false, g, 2);
	for (uint64_t i = 1; i <= 2; i++) {
		begin(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
		u64(&f, 10);
		u64(&f, 0x1000);
		u32(&f, 1);
		u32(&f, 1);
		u64(&f, i);
		u64(&f, 2); /* counters */
		u64(&f, 0);
		u64(&f, 0);
		for (uint64_t k = 0; k < 2; k++) {
			u64(&f, 100 * i * i * (k + 1));
			u64(&f, 10 + k);
			u64(&f, 0);
		}
		end(&f);
	}
	file_end(&f);
	read_bytes(&f, f.n, &m);
	assert_int_equal(m.n, 4);
	assert_int_equal(m.r[0].sample.period, 100);
	assert_int_equal(m.r[1].sample.event, 1);
	assert_int_equal(m.r[1].sample.period, 200);
	assert_int_equal(m.r[2].sample.period, 300);
	assert_int_equal(m.r[3].sample.period, 600);
}

/* Every bit of sample_type that Linux 6.1 has, each with what it brings, in the kernel's order. */
static void whole_sample(void)
{
	begin(&f, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
	u64(&f, 10); /* IDENTIFIER */
	u64(&f, UINT64_C(0xffffffff81000000));
	u32(&f, 100);
	u32(&f, 101);
	u64(&f, 42);
	u64(&f, 0xadd);
	u64(&f, 10); /* ID */
	u64(&f, 1);  /* STREAM_ID */
	u32(&f, 2);
	u32(&f, 0);
	u64(&f, 5555);
	u64(&f, 9); /* READ, one counter */
	u64(&f, 10);
	u64(&f, 1);
	u64(&f, PERF_CONTEXT_KERNEL);
	u32(&f, 12); /* RAW */
	put(&f, "raw-raw-raw-", 12);
	u64(&f, 2); /* BRANCH_STACK */
	u64(&f, 0);
	for (int i = 0; i < 6; i++)
		u64(&f, 0xb);
	u64(&f, PERF_SAMPLE_REGS_ABI_64);
	for (uint64_t i = 0; i < 3; i++)
		u64(&f, 0x70 + i);
	u64(&f, 16); /* STACK_USER */
	u64(&f, 1);
	u64(&f, 2);
	u64(&f, 8);
	u64(&f, 77);     /* WEIGHT_STRUCT */
	u64(&f, 0xda7a); /* DATA_SRC */
	u64(&f, 0);      /* TRANSACTION */
	u64(&f, PERF_SAMPLE_REGS_ABI_NONE);
	for (int i = 0; i < 4; i++)
		u64(&f, 1); /* PHYS_ADDR, CGROUP, DATA_PAGE_SIZE, CODE_PAGE_SIZE */
	u64(&f, 8); /* AUX */
	u64(&f, 0xa);
	end(&f);
}

static void test_every_field(void **state)
{
	struct fake_attr all = {
		.sample_type = ((UINT64_C(1) << 25) - 1) & ~(uint64_t)PERF_SAMPLE_WEIGHT,
		.read_format = PERF_FORMAT_ID, .branch_type = PERF_SAMPLE_BRANCH_HW_INDEX,
		.regs_user = 7, .sample_id_all = true, .freq = true};

	(void)state;
	for (int swap = 0; swap < 2; swap++) {
		file_begin(&f, swap, &all, 1);
		whole_sample();
		file_end(&f);
		read_bytes(&f, f.n, &m);
		assert_int_equal(m.status, 0);
		assert_int_equal(m.stats.bad, 0);
		assert_int_equal(m.n, 1);
		assert_int_equal(m.r[0].sample.period, 5555);
		assert_int_equal(m.r[0].sample.addr, 0xadd);
		assert_int_equal(m.r[0].sample.stack_len, 8);
		assert_int_equal(m.r[0].sample.stack_asked, 16);
		assert_true(m.r[0].sample.kernel);
		assert_int_equal(m.branches, 2);
		assert_int_equal(m.data_src, 0xda7a);
	}
}

static void test_unfinished(void **state)
{
	(void)state;
	file_begin(&f, false, two, 2);
	records();
	patch64(&f, 40, f.data); /* its length stays 0 */
	u64(&f, UINT64_C(9) | UINT64_C(400) << 48); /* the begin of one more */
	read_bytes(&f, f.n, &m);
	check_records();
	assert_true(m.unfinished);
	assert_non_null(m.stats.ended);
	assert_int_equal(m.stats.end_at, f.n - 8);
}

static void test_cut_off_anywhere(void **state)
{
	(void)state;
	file_begin(&f, false, two, 2);
	records();
	file_end(&f);
	for (size_t n = 0; n < f.n; n++) {
		read_bytes(&f, n, &m);
		if (n < f.data)
			assert_true(m.status < 0 || m.n == 0);
		else
			assert_int_equal(m.status, 0);
		assert_true(m.status == 0 || m.why[0]);
	}
	assert_int_equal(m.n, 3); /* all but the last byte: all but the last record */
}

static void test_unknown_records_are_passed_over(void **state)
{
	(void)state;
	file_begin(&f, false, two, 2);
	begin(&f, 33, 0);
	u64(&f, 1);
	end(&f);
	begin(&f, 40000, 0);
	end(&f);
	begin(&f, 71, 0); /* AUXTRACE: its data follows it */
	u64(&f, 24);
	for (int i = 0; i < 4; i++)
		u64(&f, 0);
	end(&f);
	u64(&f, 0);
	u64(&f, UINT64_MAX);
	u64(&f, 0);
	records();
	file_end(&f);
	read_bytes(&f, f.n, &m);
	check_records();
	assert_int_equal(m.stats.unknown, 1);
}

static void test_no_recording(void **state)
{
	(void)state;
	memset(f.bytes, 'x', 4096);
	read_bytes(&f, 4096, &m);
	assert_int_equal(m.status, -EMEDIUMTYPE);
	read_bytes(&f, 0, &m);
	assert_int_equal(m.status, -EMEDIUMTYPE);
}

static void corpus(int kind)
{
	if (kind == 2) {
		pipe_begin(&f, false);
		attr_record(&two[0], 10);
		attr_record(&two[1], 11);
		feature(FEATURE_HOSTNAME, "somewhere");
	} else {
		file_begin(&f, kind == 1, two, 2);
	}
	records();
	round_ends();
	records();
	if (kind == 3)
		compressed(COMPRESSED2, 50);
	if (kind != 2)
		file_end(&f);
}

/* As the first inputs of the fuzz harness: test_reader --write FOLDER. */
static int write_corpus(const char *folder)
{
	for (int kind = 0; kind < 4; kind++) {
		char path[512];
		FILE *out;

		corpus(kind);
		snprintf(path, sizeof(path), "%s/recording-%d", folder, kind);
		out = fopen(path, "w");
		if (!out || fwrite(f.bytes, 1, f.n, out) != f.n || fclose(out))
			return 1;
	}
	return 0;
}

/* A quarter of them in the first bytes, where the sizes and offsets stand. */
static void test_mutations(void **state)
{
	static struct fake good;
	uint64_t seed = 42;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n;

		if (i % 5000 == 0) {
			corpus(i / 5000);
			good = f;
		}
		memcpy(f.bytes, good.bytes, good.n);
		n = good.n;
		for (int k = 0; k <= i % 4; k++) {
			size_t span = i % 4 ? n : FAKE_HEADER;
			seed = seed * UINT64_C(6364136223846793005) + 1;
			f.bytes[(seed >> 33) % span] = (uint8_t)(seed >> 56);
		}
		if (i % 7 == 0)
			n = 1 + (seed >> 40) % n;
		read_bytes(&f, n, &m);
		assert_true(m.status <= 0);
		for (size_t k = 0; k < m.n; k++)
			if (m.r[k].kind == RECORD_SAMPLE)
				assert_true(m.r[k].sample.stack_len <= m.r[k].sample.stack_asked);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_through_a_pipe),
		cmocka_unit_test(test_file_through_a_pipe_is_refused),
		cmocka_unit_test(test_attributes_of_other_sizes),
		cmocka_unit_test(test_build_ids),
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_compressed_spans),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_cut_off_anywhere),
		cmocka_unit_test(test_unknown_records_are_passed_over),
		cmocka_unit_test(test_no_recording),
		cmocka_unit_test(test_mutations),
	};

	if (argc == 3 && !strcmp(argv[1], "--write"))
		return write_corpus(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
