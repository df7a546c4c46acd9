/* SPDX-License-Identifier: Apache-2.0
 *
 * `test_pprof --write FILE` writes the tests' profile, for tests that let others read it.
 */
#include "tests/unit/exporters/fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "exporters/gzip.h"
#include "exporters/pprof.h"

static void unpacked(const struct buf *gz, struct buf *plain)
{
	size_t at;

	*plain = BUF_INIT(GUNZIP_MAX);
	assert_int_equal(gunzip(gz->data, gz->len, plain, &at), 0);
}

static void reading_gives_what_was_written(void **state)
{
	struct pprof_fault fault;
	struct profile p, q, plain_q;
	struct buf gz, again, plain;

	fixture(&p);
	assert_int_equal(written(pprof_write, &p, &gz), 0);
	assert_int_equal(pprof_read(gz.data, gz.len, &q, &fault), 0);
	assert_same(&p, &q);
	unpacked(&gz, &plain);
	assert_int_equal(pprof_read(plain.data, plain.len, &plain_q, &fault), 0);
	assert_same(&p, &plain_q);
	/* and once more, to the byte */
	assert_int_equal(written(pprof_write, &q, &again), 0);
	assert_int_equal(again.len, gz.len);
	assert_memory_equal(again.data, gz.data, gz.len);
	buf_free(&gz);
	buf_free(&again);
	buf_free(&plain);
	profile_free(&p);
	profile_free(&q);
	profile_free(&plain_q);
}

static void mappings_say_what_holds_for_all_of_them(void **state)
{
	struct pprof_fault fault;
	struct profile p, q;
	struct buf gz;

	fixture(&p);
	assert_int_equal(written(pprof_write, &p, &gz), 0);
	assert_int_equal(pprof_read(gz.data, gz.len, &q, &fault), 0);
	assert_string_equal(profile_str(&q, q.mappings.at[0].file), "/usr/bin/demo");
	assert_true(q.mappings.at[0].has_functions && q.mappings.at[0].has_filenames);
	assert_true(q.mappings.at[0].has_lines && q.mappings.at[0].has_inline_frames);
	assert_true(q.mappings.at[1].has_functions && !q.mappings.at[1].has_lines);
	assert_false(q.mappings.at[3].has_functions); /* libvendor.so: names are places */
	buf_free(&gz);
	profile_free(&p);
	profile_free(&q);
}

static void names_become_valid_text(void **state)
{
	static const char bad[] = "a\xff\xfe\n\x1b[31m\xc3\xa9;\xed\xa0\x80";
	struct pprof_fault fault;
	struct profile p, q;
	struct buf gz;
	char *big = malloc((1 << 20) + 1);

	memset(big, 'x', 1 << 20);
	big[1 << 20] = '\0';
	fixture(&p);
	fixture_location(&p, 0, 0x2000, 0, bad, big);
	fixture_sample(&p, (uint32_t[]){F_BARE + 1}, 1, "\x80", 1, 1);
	assert_int_equal(written(pprof_write, &p, &gz), 0);
	assert_int_equal(pprof_read(gz.data, gz.len, &q, &fault), 0);
	assert_string_equal(profile_str(&q, q.functions.at[q.functions.len - 1].name),
			    "a????[31m\xc3\xa9;???");
	assert_int_equal(strlen(profile_str(&q, q.functions.at[q.functions.len - 2].name)), 1 << 20);
	buf_free(&gz);
	free(big);
	profile_free(&p);
	profile_free(&q);
}

static void a_bare_number_keeps_its_zero(void **state)
{
	struct profile p, q;
	struct pprof_fault fault;
	struct profile_label l = {0};
	struct buf gz;
	int64_t v[] = {1, 1};

	fixture(&p);
	l.key = profile_string(&p, "cpu");
	assert_int_equal(profile_add_sample(&p, NULL, 0, &l, 1, v), 0);
	assert_int_equal(written(pprof_write, &p, &gz), 0);
	assert_int_equal(pprof_read(gz.data, gz.len, &q, &fault), 0);
	assert_string_equal(profile_str(&q, q.labels.at[q.labels.len - 1].unit), "cpu");
	buf_free(&gz);
	profile_free(&p);
	profile_free(&q);
}

static void an_empty_profile(void **state)
{
	struct profile p, q;
	struct pprof_fault fault;
	struct buf gz;

	assert_int_equal(profile_init(&p), 0);
	profile_add_type(&p, "samples", "count");
	assert_int_equal(written(pprof_write, &p, &gz), 0);
	assert_int_equal(pprof_read(gz.data, gz.len, &q, &fault), 0);
	assert_same(&p, &q);
	profile_free(&q);
	assert_int_equal(pprof_read("", 0, &q, &fault), -EBADMSG);
	assert_string_equal(fault.what, "no string table");
	buf_free(&gz);
	profile_free(&p);
}

static void full_disks_and_closed_pipes(void **state)
{
	struct rlimit old, small = {.rlim_cur = 100};
	struct profile p;
	int full = open("/dev/full", O_WRONLY), fds[2], fd = memfd_create("limit", MFD_CLOEXEC);

	fixture(&p);
	assert_int_equal(pprof_write(&p, full), -ENOSPC);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pprof_write(&p, fds[1]), -EPIPE);
	signal(SIGXFSZ, SIG_IGN); /* a short write first, then the error */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(pprof_write(&p, fd), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	close(full);
	close(fd);
	close(fds[1]);
	profile_free(&p);
}

/* Whatever the bytes, the reader says no or yields a profile without an index out of range. */
static unsigned try_bytes(const uint8_t *bytes, size_t len)
{
	struct pprof_fault fault;
	struct profile p;
	int r = pprof_read(bytes, len, &p, &fault);

	if (r) {
		assert_true(r == -EBADMSG || r == -EFBIG);
		assert_non_null(fault.what);
		assert_true(fault.in_gzip || fault.at <= len);
		assert_null(p.index);
		return 0;
	}
	assert_true(profile_valid(&p));
	profile_free(&p);
	return 1;
}

static unsigned mutate(struct buf *b, unsigned rounds)
{
	unsigned accepted = 0;
	uint32_t seed = 7;

	for (size_t n = 0; n < b->len; n++)
		accepted += try_bytes(b->data, n);
	for (size_t bit = 0; bit < 8 * b->len; bit++) {
		b->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		accepted += try_bytes(b->data, b->len);
		b->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (unsigned i = 0; i < rounds; i++) {
		uint8_t keep[4], *at;
		seed = seed * 1664525 + 1013904223;
		at = b->data + (seed >> 8) % (b->len - sizeof(keep));
		memcpy(keep, at, sizeof(keep));
		for (unsigned k = 0; k < sizeof(keep); k++) {
			seed = seed * 1664525 + 1013904223;
			at[k] = seed & 1 ? 0xff : (uint8_t)(seed >> 24);
		}
		accepted += try_bytes(b->data, b->len);
		memcpy(at, keep, sizeof(keep));
	}
	return accepted;
}

static void mutations(void **state)
{
	struct profile p;
	struct buf gz, plain;

	fixture(&p);
	assert_int_equal(written(pprof_write, &p, &gz), 0);
	unpacked(&gz, &plain);
	assert_int_not_equal(mutate(&plain, 5000), 0); /* another name or number is a profile too */
	mutate(&gz, 5000);
	buf_free(&gz);
	buf_free(&plain);
	profile_free(&p);
}

/* The smallest profiles that break one rule each: bytes of protobuf, by hand. */
static void broken_rules(void **state)
{
#define TABLE "\x32\x00\x32\x01x"       /* string_table: "", "x" */
#define TYPE "\x0a\x02\x08\x01"         /* sample_type { type: 1 } */
	static const struct {
		const char *bytes;
		size_t len;
		const char *what;
	} cases[] = {
#define CASE(s, what) {s, sizeof(s) - 1, what}
		CASE(TYPE, "no string table"),
		CASE("\x32\x01x", "the string table does not begin with \"\""),
		CASE("\x30\x01", "a string that is a number"),
		CASE(TABLE, "no sample types"),
		CASE(TABLE "\x0a\x02\x08\x02", "a name outside the string table"),
		CASE(TABLE TYPE "\x1a\x00", "an id is 0"),
		CASE(TABLE TYPE "\x1a\x02\x08\x01\x1a\x02\x08\x01", "two mappings have one id"),
		CASE(TABLE TYPE "\x2a\x02\x08\x01\x2a\x02\x08\x01", "two functions have one id"),
		CASE(TABLE TYPE "\x22\x02\x08\x01\x22\x02\x08\x01", "two locations have one id"),
		CASE(TABLE TYPE "\x22\x04\x08\x01\x10\x09", "a location in an unknown mapping"),
		CASE(TABLE TYPE "\x22\x06\x08\x01\x22\x02\x08\x05", "a line of an unknown function"),
		CASE(TABLE TYPE "\x12\x04\x08\x05\x10\x01", "a sample at an unknown location"),
		CASE(TABLE TYPE "\x12\x00",
		     "a sample with more or fewer values than sample types"),
		CASE(TABLE TYPE "\x12\x04\x10\x01\x10\x02",
		     "a sample with more or fewer values than sample types"),
		CASE(TABLE TYPE "\x6a\x01\x07", "a name outside the string table"),
		CASE(TABLE TYPE "\x6a\x01\x80", "a damaged list of numbers"),
		CASE(TABLE TYPE "\x12\x7f", "cut off"),
		CASE(TABLE TYPE "\x13\x13", "no field that protobuf knows"),
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pprof_fault fault;
		struct profile p;
		assert_int_equal(pprof_read(cases[i].bytes, cases[i].len, &p, &fault), -EBADMSG);
		assert_string_equal(fault.what, cases[i].what);
		assert_true(fault.at < cases[i].len);
	}
}

static void ids_in_any_order(void **state)
{
	struct pprof_fault fault;
	struct profile p;
	/* Samples first, then locations with ids far apart, then the tables. */
	static const uint8_t whole[] = {
		0x12, 0x07, 0x08, 0xb9, 0x60, 0x08, 0x07, 0x10, 0x05, /* 12345, 7; value 5 */
		0x22, 0x03, 0x08, 0xb9, 0x60,                         /* location 12345 */
		0x22, 0x02, 0x08, 0x07,                               /* location 7 */
		0x0a, 0x02, 0x08, 0x01, 0x32, 0x00, 0x32, 0x01, 'x',
	};

	assert_int_equal(pprof_read(whole, sizeof(whole), &p, &fault), 0);
	assert_int_equal(p.samples.len, 1);
	assert_int_equal(p.stack.at[0], 0);
	assert_int_equal(p.stack.at[1], 1);
	assert_int_equal(p.values.at[0], 5);
	profile_free(&p);
}

/* `n` zeros in gzip. */
static void zeros(struct buf *b, size_t n)
{
	void *none = calloc(1, n);
	int fd = memfd_create("bomb", MFD_CLOEXEC);

	assert_non_null(none);
	assert_int_equal(gzip_write(fd, none, n, 9), 0);
	free(none);
	*b = BUF_INIT(1 << 30);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(buf_read_fd(b, fd), 0);
	close(fd);
}

static void bombs(void **state)
{
	struct pprof_fault fault;
	struct profile p;
	struct buf gz, many = BUF_INIT(1 << 30), small = BUF_INIT(1 << 20);
	size_t at;

	zeros(&gz, 256 << 20);
	assert_true(gz.len < 300000);
	assert_int_equal(pprof_read(gz.data, gz.len, &p, &fault), -EFBIG);
	assert_int_equal(gunzip(gz.data, gz.len, &small, &at), -EFBIG); /* the buffer's ceiling */
	buf_free(&gz);
	/* Many members do not get round the bound. */
	zeros(&gz, 16 << 20);
	for (int i = 0; i < 16; i++)
		buf_put(&many, gz.data, gz.len);
	assert_int_equal(pprof_read(many.data, many.len, &p, &fault), -EFBIG);
	buf_free(&gz);
	buf_free(&many);
	buf_free(&small);
}

/* One message of nothing but empty lines: four bytes ask for a hundred. */
static void greedy_messages(void **state)
{
	struct buf b = BUF_INIT(1 << 30);
	struct pprof_fault fault;
	struct profile p;
	size_t n = 8 << 20;

	buf_put(&b, TABLE TYPE "\x22\x80\x80\x80\x08", sizeof(TABLE TYPE) - 1 + 5);
	for (size_t i = 0; i < n; i++)
		buf_put(&b, "\x22\x00", 2);
	assert_int_equal(pprof_read(b.data, b.len, &p, &fault), -EBADMSG);
	buf_free(&b);
}

static void members_and_trailing_bytes(void **state)
{
	struct profile p, q;
	struct pprof_fault fault;
	struct buf gz;

	fixture(&p);
	assert_int_equal(written(pprof_write, &p, &gz), 0);
	buf_put(&gz, "\0\0\0\0", 4);
	assert_int_equal(pprof_read(gz.data, gz.len, &q, &fault), 0);
	profile_free(&q);
	assert_int_equal(pprof_read(gz.data, gz.len - 8, &q, &fault), -EBADMSG);
	assert_string_equal(fault.what, "cut off");
	buf_free(&gz);
	profile_free(&p);
}

static int write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct profile p;
	int r;

	if (fd < 0)
		return 1;
	fixture(&p);
	r = pprof_write(&p, fd);
	profile_free(&p);
	close(fd);
	return r != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_gives_what_was_written),
		cmocka_unit_test(mappings_say_what_holds_for_all_of_them),
		cmocka_unit_test(names_become_valid_text),
		cmocka_unit_test(a_bare_number_keeps_its_zero),
		cmocka_unit_test(an_empty_profile),
		cmocka_unit_test(full_disks_and_closed_pipes),
		cmocka_unit_test(mutations),
		cmocka_unit_test(broken_rules),
		cmocka_unit_test(ids_in_any_order),
		cmocka_unit_test(bombs),
		cmocka_unit_test(greedy_messages),
		cmocka_unit_test(members_and_trailing_bytes),
	};
	if (argc == 3 && !strcmp(argv[1], "--write"))
		return write_file(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
