/* SPDX-License-Identifier: Apache-2.0
 *
 * Real ELF files with bytes changed and ends cut off, the same ones in every run: whatever comes
 * of it, nothing crashes or hangs, and every page of rows passes rows_check().
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/wire/rows.h"
#include "symbolizer/gopclntab.h"
#include "symbolizer/unwind.h"

enum { REGIONS_MAX = 16, PATCHES_MAX = 8, SEED_MAX = 64 << 20 };

struct region {
	uint64_t offset, size;
};

/* A file in memory that can be damaged and mended. */
struct seed {
	int fd;
	struct buf bytes;
	struct region regions[REGIONS_MAX];
	size_t n_regions;
	uint32_t pages[4];
	uint64_t entry, random;
	uint64_t slowest; /* ns of one round, of our own CPU time: the machine may be busy */
};

static uint64_t cpu_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t next_random(struct seed *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static void add_region(struct seed *s, uint64_t offset, uint64_t size)
{
	if (s->n_regions < REGIONS_MAX && size && offset < s->bytes.len)
		s->regions[s->n_regions++] = (struct region){
			offset, size < s->bytes.len - offset ? size : s->bytes.len - offset};
}

/* Where damage is interesting: headers, and the sections that are parsed. */
static void find_regions(struct seed *s, const struct image *img)
{
	static const char *const names[] = {".eh_frame_hdr", ".eh_frame", ".eh_frame", ".dynamic",
					    ".note.gnu.build-id", ".debug_frame", ".shstrtab",
					    ".gopclntab", ".go.module"};
	struct image_sec sec;

	add_region(s, 0, 64);
	add_region(s, 64, 1024);
	add_region(s, s->bytes.len > 4096 ? s->bytes.len - 4096 : 0, 4096);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (image_sec_named(img, names[i], &sec)) {
			add_region(s, sec.offset, sec.size);
			add_region(s, sec.offset, 256);
		}
}

static bool seed_open(struct seed *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	struct image *img;
	struct sym_info info;

	*s = (struct seed){.bytes = BUF_INIT(SEED_MAX), .random = 0x2545f4914f6cdd1d};
	if (fd < 0)
		return false;
	assert_int_equal(buf_read_fd(&s->bytes, fd), 0);
	fd_close(&fd);
	s->fd = memfd_create("seed", MFD_CLOEXEC);
	assert_true(s->fd >= 0);
	assert_int_equal(fd_write_all(s->fd, s->bytes.data, s->bytes.len), 0);
	err = image_open(dup(s->fd), &img);
	assert_int_equal(err, 0);
	find_regions(s, img);
	image_info(img, &info);
	assert_true(info.n_segs > 0);
	s->entry = info.entry;
	s->pages[0] = (uint32_t)(info.segs[0].vaddr >> ROWS_PAGE_BITS);
	s->pages[1] = (uint32_t)((info.segs[0].vaddr + info.segs[0].memsz / 2) >> ROWS_PAGE_BITS);
	s->pages[2] = (uint32_t)(info.entry >> ROWS_PAGE_BITS);
	s->pages[3] = UINT32_MAX;
	image_close(&img);
	return true;
}

static void seed_close(struct seed *s)
{
	fd_close(&s->fd);
	buf_free(&s->bytes);
}

static void ask_rows(struct seed *s, const struct image *img)
{
	struct buf b = BUF_INIT(64 << 20);
	struct rows_page page;
	struct unwind *u;

	if (unwind_open(img, &u) < 0)
		return;
	for (size_t i = 0; i < 4; i++) {
		buf_reset(&b);
		assert_int_equal(unwind_rows(u, s->pages[i], &b), 0);
		assert_int_equal(rows_check(b.data, b.len, &page), 0);
		assert_int_equal(page.head.page, s->pages[i]);
	}
	unwind_close(&u);
	buf_free(&b);
}

static void ask_go(struct seed *s, const struct image *img)
{
	struct gopclntab_func f;
	struct gopclntab *tab;

	if (gopclntab_open(img, &tab) < 0)
		return;
	for (int i = 0; i < 16; i++)
		if (gopclntab_func(tab, s->entry + (uint64_t)i * 99991, &f))
			assert_true(f.name && *f.name && f.entry < f.end);
	gopclntab_close(&tab);
}

static void ask_everything(struct seed *s)
{
	uint64_t t0 = cpu_time();
	struct sym_info info;
	struct image *img;
	const char *name;
	uint32_t crc;
	int err = image_open(dup(s->fd), &img);

	if (!err) {
		image_info(img, &info);
		assert_true(info.n_segs <= SYM_SEGS_MAX);
		assert_true(info.build_id_len <= SYM_BUILD_ID_MAX);
		if (image_debuglink(img, &name, &crc))
			assert_non_null(name);
		image_data(img, ".debug_frame");
		ask_rows(s, img);
		ask_go(s, img);
		image_close(&img);
	} else {
		assert_true(err == -ENOEXEC || err == -EBADMSG);
	}
	t0 = cpu_time() - t0;
	s->slowest = t0 > s->slowest ? t0 : s->slowest;
}

static uint8_t interesting(struct seed *s, uint8_t old)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, 0x0c, 0x40, 0xfe};
	uint64_t r = next_random(s);

	return r & 1 ? (uint8_t)(old ^ 1u << (r >> 8 & 7)) : values[r >> 8 & 7];
}

static void mutate(struct seed *s, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		uint64_t at[PATCHES_MAX];
		size_t n = next_random(s) % PATCHES_MAX + 1;

		for (size_t k = 0; k < n; k++) {
			const struct region *r = &s->regions[next_random(s) % s->n_regions];
			uint8_t v;
			at[k] = r->offset + next_random(s) % r->size;
			v = interesting(s, s->bytes.data[at[k]]);
			assert_int_equal(pwrite(s->fd, &v, 1, (off_t)at[k]), 1);
		}
		ask_everything(s);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(pwrite(s->fd, &s->bytes.data[at[k]], 1, (off_t)at[k]), 1);
	}
}

static void truncate_often(struct seed *s, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		uint64_t len = next_random(s) % (i & 1 ? s->bytes.len : 8192);
		assert_int_equal(ftruncate(s->fd, (off_t)len), 0);
		ask_everything(s);
		assert_int_equal(pwrite(s->fd, s->bytes.data + len, s->bytes.len - len, (off_t)len),
				 (ssize_t)(s->bytes.len - len));
	}
}

static void survives(const char *path, int mutations, int truncations)
{
	struct seed s;

	if (!seed_open(&s, path))
		skip();
	ask_everything(&s);
	mutate(&s, mutations);
	truncate_often(&s, truncations);
	printf("%s: slowest round %.1f ms\n", path, (double)s.slowest / 1e6);
	assert_true(s.slowest < (uint64_t)5 * NS_PER_S);
	seed_close(&s);
}

static void own_program(void **state)
{
	survives("/proc/self/exe", 4000, 300);
}

static void c_library(void **state)
{
	survives("/lib/x86_64-linux-gnu/libm.so.6", 2000, 100);
}

static void aarch64_library(void **state)
{
	survives("/usr/aarch64-linux-gnu/lib/libc.so.6", 1000, 50);
}

static void go_program(void **state)
{
	survives("/usr/local/go/bin/gofmt", 1500, 20);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_program),
		cmocka_unit_test(c_library),
		cmocka_unit_test(aarch64_library),
		cmocka_unit_test(go_program),
	};

	alarm(300); /* a hang is a failure */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
