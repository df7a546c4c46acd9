/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that have no room for all of a profile (a size limit stands for a full disk).
 */
#include "tests/unit/exporters/fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "exporters/fit.h"
#include "exporters/heaviest.h"
#include "exporters/pprof.h"

enum { STACKS = 3000 };

static void limit_files(rlim_t bytes)
{
	struct rlimit l;

	getrlimit(RLIMIT_FSIZE, &l);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* Stack i weighs i * i + 1, and has a function of its own. */
static void many(struct profile *p)
{
	uint32_t mapping;

	assert_int_equal(profile_init(p), 0);
	profile_add_type(p, "samples", "count");
	profile_add_type(p, "cpu_clock", "nanoseconds");
	p->default_type = p->types.at[1].type;
	mapping = fixture_mapping(p, "/usr/bin/demo", 0, PROFILE_MAP_FILE);
	for (uint32_t i = 0; i < STACKS; i++) {
		char name[64];
		uint64_t noise = i * UINT64_C(0x9e3779b97f4a7c15);
		snprintf(name, sizeof(name), "function_%u_%llx", i, (unsigned long long)noise);
		fixture_location(p, mapping, 0x1000 + 16 * i, 0, name, NULL);
		assert_int_equal(profile_add_sample(p, &(uint32_t){i}, 1, NULL, 0,
						    (int64_t[]){1, (int64_t)i * i + 1}), 0);
	}
	profile_comment(p, "quality: A");
	assert_true(profile_valid(p));
}

static double weight(const struct profile *p)
{
	double sum = 0;

	for (size_t i = 0; i < p->samples.len; i++)
		sum += (double)p->values.at[p->samples.at[i].first_value + 1];
	return sum;
}

static size_t fit(enum exp_format format, const struct profile *p, size_t limit, int *ret_fd,
		  uint32_t *ret_kept)
{
	char name[] = "/tmp/pmuscope-fit.XXXXXX";
	struct stat st;
	uint64_t bytes;
	int r;

	*ret_fd = mkstemp(name);
	assert_true(*ret_fd >= 0);
	unlink(name);
	limit_files(limit);
	r = fit_write(format, p, *ret_fd, &bytes, ret_kept);
	limit_files(RLIM_INFINITY);
	assert_int_equal(r, *ret_kept == EXP_WHOLE ? 0 : -EFBIG);
	assert_int_equal(fstat(*ret_fd, &st), 0);
	if (*ret_kept)
		assert_int_equal(bytes, st.st_size);
	else
		assert_int_equal(bytes, 0);
	return (size_t)bytes;
}

static void check_part(const struct profile *whole, int fd, uint32_t kept)
{
	struct buf b = BUF_INIT((size_t)1 << 30);
	struct pprof_fault fault;
	struct profile part;
	const char *cut;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_fd(&b, fd), 0);
	assert_int_equal(pprof_read(b.data, b.len, &part, &fault), 0);
	assert_true(part.samples.len > 0 && part.samples.len < STACKS);
	assert_int_equal(part.functions.len, part.samples.len); /* and nothing of the others */
	for (size_t i = 0; i < part.samples.len; i++) { /* the heaviest, each with its own name */
		const struct profile_sample *s = &part.samples.at[i];
		const struct profile_location *l = &part.locations.at[part.stack.at[s->first_location]];
		uint32_t n = STACKS - 1 - (uint32_t)i;
		char start[32];
		snprintf(start, sizeof(start), "function_%u_", n);
		assert_int_equal(part.values.at[s->first_value + 1], (int64_t)n * n + 1);
		assert_ptr_equal(strstr(profile_str(&part, part.functions.at[part.lines.at[
							    l->first_line].function].name), start),
				 profile_str(&part, part.functions.at[part.lines.at[
						     l->first_line].function].name));
	}
	assert_true(weight(&part) / weight(whole) * EXP_WHOLE - kept < 1.01);
	assert_string_equal(profile_comment_get(&part, "quality"), "A");
	cut = profile_comment_get(&part, "cut");
	assert_non_null(cut);
	assert_non_null(strstr(cut, "of 3000 stacks"));
	profile_free(&part);
	buf_free(&b);
}

static void as_much_as_fits(void **state)
{
	uint32_t kept, last = EXP_WHOLE;
	struct profile p;
	size_t whole;
	int fd;

	many(&p);
	whole = fit(EXP_PPROF, &p, RLIM_INFINITY, &fd, &kept);
	assert_int_equal(kept, EXP_WHOLE);
	close(fd);
	for (size_t limit = whole - 1; limit > 400; limit = limit * 2 / 3) {
		size_t bytes = fit(EXP_PPROF, &p, limit, &fd, &kept);
		assert_true(kept > 0 && kept <= last && kept < EXP_WHOLE);
		assert_true(bytes <= limit && bytes > limit / 3);
		check_part(&p, fd, kept);
		last = kept;
		close(fd);
	}
	fit(EXP_PPROF, &p, 10, &fd, &kept);
	assert_int_equal(kept, 0);
	close(fd);
	profile_free(&p);
}

static void other_formats(void **state)
{
	uint32_t kept;
	struct profile p;
	size_t whole;
	int fd;

	many(&p);
	whole = fit(EXP_FOLDED, &p, RLIM_INFINITY, &fd, &kept);
	close(fd);
	assert_true(fit(EXP_FOLDED, &p, whole / 2, &fd, &kept) > whole / 5);
	assert_true(kept > 5000);
	close(fd);
	fit(EXP_HTML, &p, 5000, &fd, &kept); /* the page itself is larger */
	assert_int_equal(kept, 0);
	close(fd);
	profile_free(&p);
}

/* Everything that a sample refers to comes along: kernel, JIT, inlined functions, labels. */
static void all_of_it_is_the_same(void **state)
{
	struct profile p, part;
	uint32_t share;

	fixture(&p);
	assert_int_equal(profile_heaviest(&p, 100, &part, &share), 0);
	assert_int_equal(share, HEAVIEST_WHOLE);
	assert_true(profile_valid(&part));
	assert_int_equal(part.samples.len, p.samples.len);
	assert_int_equal(part.functions.len, p.functions.len);
	assert_int_equal(part.locations.len, p.locations.len);
	assert_int_equal(part.labels.len, p.labels.len);
	assert_true(weight(&part) == weight(&p));
	profile_free(&part);
	assert_int_equal(profile_heaviest(&p, 0, &part, &share), 0);
	assert_int_equal(part.samples.len, 0);
	assert_int_equal(share, 0);
	profile_free(&part);
	profile_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_much_as_fits),
		cmocka_unit_test(other_formats),
		cmocka_unit_test(all_of_it_is_the_same),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
