/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules from instructions against an oracle: the CFI of text that has some. The analysis is run as
 * if there were none; where it has an answer, CFI must say the same. And against text of random
 * bytes: whatever comes of it, nothing crashes or hangs.
 *
 * With arguments (files): all of their text, disagreements listed where LIST is set.
 */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/clock.h"
#include "symbolizer/code.h"
#include "symbolizer/insn.h"
#include "symbolizer/unwind.h"

struct tally {
	const char *path;
	struct rows_page page;
	uint64_t base;
	long agree, unknown, other, differ, saved_differ, ns;
	bool list;
};

static const struct rows_rule *rule_at(const struct rows_page *p, uint64_t pc)
{
	uint32_t low = 0, high = p->head.n_rows;

	while (high - low > 1) {
		uint32_t mid = (low + high) / 2;
		if (p->rows[mid].pc_low <= (pc & 0xffff))
			low = mid;
		else
			high = mid;
	}
	return &p->rules[p->rows[low].rule];
}

static bool nothing_known(void *arg, uint64_t pc, struct rows_rule *ret)
{
	return false;
}

/* A register that CFI has in its slot may as well be unchanged still, and the reverse; two
 * different slots may not be. */
static bool saved_differs(const struct rows_rule *a, const struct rows_rule *b)
{
	for (int i = 0; i < ROWS_SAVED; i++)
		if ((a->saved_kinds >> 2 * i & 3) == ROWS_SAVED_CFA &&
		    (b->saved_kinds >> 2 * i & 3) == ROWS_SAVED_CFA && a->saved[i] != b->saved[i])
			return true;
	return false;
}

static void compare(void *arg, uint64_t pc, const struct rows_rule *r)
{
	struct tally *t = arg;
	const struct rows_rule *want = rule_at(&t->page, pc);
	static const struct rows_rule none;

	if (want->cfa_kind != ROWS_CFA_REG || want->ra_kind != ROWS_RA_CFA ||
	    want->flags & ROWS_RULE_CODE)
		return;
	if (r->cfa_kind == ROWS_CFA_NONE || r->ra_kind == ROWS_RA_END) {
		t->unknown += r != &none;
		return;
	}
	/* By rsp or by rbp: two ways to say it, of which one cannot be checked by the other. */
	if (r->cfa_reg != want->cfa_reg)
		t->other++;
	else if (r->cfa_off == want->cfa_off && r->ra_off == want->ra_off)
		t->agree++;
	else if (++t->differ && (t->list || t->differ < 10))
		printf("%s: %#lx: CFA by %d %+d, CFI says %d %+d\n", t->path, (unsigned long)pc,
		       r->cfa_reg, r->cfa_off, want->cfa_reg, want->cfa_off);
	if (r->cfa_reg == want->cfa_reg && saved_differs(r, want))
		t->saved_differ++;
}

static void check_page(struct tally *t, struct unwind *u, struct code *c,
		       const struct image_seg *s, uint64_t base)
{
	struct code_gap g = {s->vaddr, s->vaddr + s->filesz, base, base + ROWS_PAGE_SIZE,
			     nothing_known, compare, t};
	struct buf b = BUF_INIT(16 << 20);
	uint64_t t0;

	g.low = g.low > g.begin ? g.low : g.begin;
	g.high = g.high < g.end ? g.high : g.end;
	assert_int_equal(unwind_rows(u, (uint32_t)(base >> ROWS_PAGE_BITS), &b), 0);
	assert_int_equal(rows_check(b.data, b.len, &t->page), 0);
	t0 = clock_mono();
	code_rules(c, &g);
	t->ns += (long)(clock_mono() - t0);
	buf_free(&b);
}

static bool check_file(struct tally *t, uint64_t step)
{
	const struct image_seg *s;
	struct image *img;
	struct unwind *u;
	struct code *c;
	int fd = open(t->path, O_RDONLY | O_CLOEXEC);
	uint64_t pages = 0;

	if (fd < 0 || image_open(fd, &img) < 0)
		return false;
	assert_int_equal(unwind_open(img, &u), 0);
	assert_int_equal(code_open(img, &c), 0);
	for (size_t i = 0; (s = image_seg(img, i)); i++) {
		uint64_t base = s->vaddr & ~(uint64_t)(ROWS_PAGE_SIZE - 1);
		if (s->type != PT_LOAD || !(s->flags & PF_X))
			continue;
		for (; base < s->vaddr + s->filesz; base += step * ROWS_PAGE_SIZE, pages++)
			check_page(t, u, c, s, base);
	}
	code_close(&c);
	unwind_close(&u);
	image_close(&img);
	printf("%s: %ld agree, %ld unknown, %ld by another register, %ld differ, %ld saved differ; "
	       "%.1f us a page\n", t->path, t->agree, t->unknown, t->other, t->differ, t->saved_differ,
	       (double)t->ns / 1e3 / (double)(pages + !pages));
	return true;
}

static void agrees(void **state)
{
	struct tally t = {.path = *state};

	if (access(t.path, R_OK) < 0)
		skip();
	assert_true(check_file(&t, 7));
	assert_true(t.agree > 0);
	assert_true(t.differ * 10000 <= t.agree);
}

#define FILE_TEST(path) {path, agrees, NULL, NULL, (void *)(uintptr_t)path}

/* What objdump says of them; 0: not for us. */
static void lengths(void **state)
{
	static const struct {
		uint8_t len, kind;
		const char *bytes;
	} cases[] = {
		{1, INSN_RET, "\xc3"},
		{2, INSN_RET, "\xf3\xc3"},
		{5, INSN_CALL, "\xe8\x01\x02\x03\x04"},
		{6, INSN_JCC, "\x0f\x84\x01\x02\x03\x04"},
		{2, INSN_PUSH, "\x41\x57"},
		{4, INSN_MOVE, "\x48\x83\xec\x18"},
		{7, INSN_MOVE, "\x48\x81\xc4\x88\x01\x00\x00"},
		{5, INSN_LOAD, "\x48\x8b\x5c\x24\x10"},
		{5, INSN_STORE, "\x48\x89\x5c\x24\x10"},
		{10, INSN_PLAIN, "\x49\xbb\x01\x02\x03\x04\x05\x06\x07\x08"},
		{4, INSN_PLAIN, "\xc5\xfd\x6f\x07"},
		{6, INSN_PLAIN, "\xc4\xe3\x7d\x39\xc1\x01"},
		{7, INSN_PLAIN, "\x62\xf1\xfe\x48\x6f\x47\x01"},
		{5, INSN_PLAIN, "\xc4\xe2\xfb\xf6\xc1"},
		{9, INSN_PAD, "\x66\x0f\x1f\x84\x00\x00\x00\x00\x00"},
		{1, INSN_STOP, "\xf4"},
		{2, INSN_STOP, "\xff\xe0"},
		{0, 0, "\x06\x00\x00"},
		{0, 0, "\x48\x48\x90"},
		{0, 0, "\x66\xe8\x01\x02\x03\x04"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct insn in = {0};
		size_t room = cases[i].len ? cases[i].len : 6;
		bool ok = insn_decode((const uint8_t *)cases[i].bytes, room, &in);
		assert_int_equal(ok, cases[i].len != 0);
		if (!ok)
			continue;
		assert_int_equal(in.len, cases[i].len);
		assert_int_equal(in.kind, cases[i].kind);
		/* Cut short, it is none. */
		assert_false(insn_decode((const uint8_t *)cases[i].bytes, room - 1, &in) &&
			     in.len == cases[i].len);
	}
}

/* ---- text of our own ---- */

enum { TEXT_AT = 0x1000, TEXT_MAX = 3 * ROWS_PAGE_SIZE };

static int write_elf(const void *text, size_t len)
{
	Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_DYN, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
			.e_phoff = sizeof(h), .e_ehsize = sizeof(h), .e_phnum = 1,
			.e_phentsize = sizeof(Elf64_Phdr)};
	Elf64_Phdr p = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = TEXT_AT,
			.p_vaddr = TEXT_AT, .p_filesz = len, .p_memsz = len};
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fwrite(&h, sizeof(h), 1, f);
	fwrite(&p, sizeof(p), 1, f);
	fseek(f, TEXT_AT, SEEK_SET);
	fwrite(text, len, 1, f);
	fflush(f);
	fd = dup(fileno(f));
	fclose(f);
	return fd;
}

struct subject {
	struct image *img;
	struct unwind *u;
	struct buf b;
	struct rows_page page;
};

static void subject_open(struct subject *s, const void *text, size_t len)
{
	*s = (struct subject){.b = BUF_INIT(16 << 20)};
	assert_int_equal(image_open(write_elf(text, len), &s->img), 0);
	assert_int_equal(unwind_open(s->img, &s->u), 0);
}

static void subject_page(struct subject *s, uint32_t page)
{
	s->b.len = 0;
	assert_int_equal(unwind_rows(s->u, page, &s->b), 0);
	assert_int_equal(rows_check(s->b.data, s->b.len, &s->page), 0);
}

static void subject_close(struct subject *s)
{
	unwind_close(&s->u);
	image_close(&s->img);
	buf_free(&s->b);
}

static void expect(const struct subject *s, uint64_t at, int reg, int off)
{
	const struct rows_rule *r = rule_at(&s->page, TEXT_AT + at);

	assert_int_equal(r->cfa_kind, ROWS_CFA_REG);
	assert_int_equal(r->flags, ROWS_RULE_CODE);
	assert_int_equal(r->cfa_reg, reg);
	assert_int_equal(r->cfa_off, off);
}

static void expect_none(const struct subject *s, uint64_t at)
{
	assert_int_equal(rule_at(&s->page, TEXT_AT + at)->cfa_kind, ROWS_CFA_NONE);
}

/* push %rbx; sub $16,%rsp; xor %ebx,%ebx; call; test %eax,%eax; je 1f; mov $1,%eax;
 * 1: add $16,%rsp; pop %rbx; ret */
static void stack_pointer(void **state)
{
	static const char text[] = "\x53\x48\x83\xec\x10\x31\xdb\xe8\x00\x01\x00\x00\x85\xc0"
				   "\x74\x05\xb8\x01\x00\x00\x00\x48\x83\xc4\x10\x5b\xc3";
	const struct rows_rule *r;
	struct subject s;

	subject_open(&s, text, sizeof(text) - 1);
	subject_page(&s, 0);
	expect(&s, 0, 7, 8);
	expect(&s, 1, 7, 16);
	expect(&s, 5, 7, 32);
	expect(&s, 7, 7, 32);
	expect(&s, 11, 7, 32); /* a return address is looked up one byte before */
	expect(&s, 16, 7, 32);
	expect(&s, 25, 7, 16);
	expect(&s, 26, 7, 8);
	assert_int_equal(rule_at(&s.page, TEXT_AT)->saved_kinds, 0);
	r = rule_at(&s.page, TEXT_AT + 7);
	assert_int_equal(r->saved_kinds, ROWS_SAVED_CFA);
	assert_int_equal(r->saved[0], -16);
	subject_close(&s);
}

/* push %rbp; mov %rsp,%rbp; and $-16,%rsp; sub %rax,%rsp; leave; ret */
static void frame_pointer(void **state)
{
	static const char text[] = "\x55\x48\x89\xe5\x48\x83\xe4\xf0\x48\x29\xc4\xc9\xc3"
				   "\x90\x90\x90\x90\x90";
	struct subject s;

	subject_open(&s, text, sizeof(text) - 1);
	subject_page(&s, 0);
	expect(&s, 0, 7, 8);
	expect(&s, 1, 7, 16);
	expect(&s, 4, 6, 16);
	expect(&s, 8, 6, 16);
	expect(&s, 11, 6, 16);
	expect(&s, 12, 7, 8);
	subject_close(&s);
}

/* No answer: a jump to anywhere; a call before padding; paths that disagree; a stack pointer that
 * comes from nowhere; one that would leave the return address below it. */
static void unknown(void **state)
{
	static const struct {
		size_t len;
		const char *bytes;
	} cases[] = {
		{19, "\xff\xe0\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"},
		{19, "\xe8\x00\x01\x00\x00\x0f\x1f\x00\xc3\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"},
		{19, "\x74\x01\x58\xc3\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"},
		{19, "\x48\x29\xc4\xc3\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"},
		{19, "\x50\xc3\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct subject s;
		subject_open(&s, cases[i].bytes, cases[i].len);
		subject_page(&s, 0);
		expect_none(&s, 0);
		subject_close(&s);
	}
}

static void any_bytes(void **state)
{
	static const uint8_t liked[] = {0x53, 0x5b, 0xc3, 0x74, 0x75, 0xeb, 0x48, 0x55, 0xc9, 0x50,
					0x58, 0xe8, 0xe9, 0x0f, 0x90, 0x89, 0x8b, 0x24, 0x41, 0x83};
	uint64_t seed = 1, slowest = 0;
	uint8_t *text = malloc(TEXT_MAX);

	for (int round = 0; round < 24; round++) {
		struct subject s;
		for (size_t i = 0; i < TEXT_MAX; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			text[i] = round % 3 ? (uint8_t)(seed >> 56)
					    : liked[(seed >> 33) % sizeof(liked)];
		}
		subject_open(&s, text, TEXT_MAX - (size_t)round * 999);
		for (uint32_t page = 0; page < 4; page++) {
			uint64_t t0 = clock_mono();
			subject_page(&s, page);
			t0 = clock_mono() - t0;
			slowest = t0 > slowest ? t0 : slowest;
		}
		subject_close(&s);
	}
	free(text);
	print_message("slowest page: %lu us\n", (unsigned long)(slowest / 1000));
	assert_true(slowest < 1000000000);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(stack_pointer),
		cmocka_unit_test(frame_pointer),
		cmocka_unit_test(unknown),
		cmocka_unit_test(any_bytes),
		FILE_TEST("/lib/x86_64-linux-gnu/libc.so.6"),
		FILE_TEST("/usr/lib/x86_64-linux-gnu/libcrypto.so.3"),
		FILE_TEST("/usr/bin/bash"),
		FILE_TEST("/usr/bin/python3.11"),
		FILE_TEST("/usr/lib/postgresql/15/bin/postgres"),
	};

	for (int i = 1; i < argc; i++) {
		struct tally t = {.path = argv[i], .list = getenv("LIST") != NULL};
		if (!check_file(&t, 1))
			printf("%s: not usable\n", argv[i]);
	}
	if (argc > 1)
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
