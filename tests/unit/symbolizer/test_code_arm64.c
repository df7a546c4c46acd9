/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules from A64 instructions: known pieces of text, an oracle (CFI of text that has some, which
 * the analysis is not shown), and text of random bytes.
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
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbolizer/code.h"
#include "symbolizer/unwind.h"

enum { LR = 30, SP = 31, TEXT_AT = 0x1000, TEXT_MAX = 2 * ROWS_PAGE_SIZE };

struct tally {
	const char *path;
	struct rows_page page;
	long agree, unknown, other, differ, saved_differ;
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

	if (want->cfa_kind != ROWS_CFA_REG || want->ra_kind == ROWS_RA_END ||
	    want->flags & ROWS_RULE_CODE)
		return;
	if (r->cfa_kind == ROWS_CFA_NONE) {
		t->unknown++;
		return;
	}
	/* Two ways to say it, of which one cannot be checked by the other: by sp or by x29, in its
	 * register or in memory. */
	if (r->cfa_reg != want->cfa_reg || r->ra_kind != want->ra_kind)
		t->other++;
	else if (r->cfa_off == want->cfa_off && r->ra_off == want->ra_off)
		t->agree++;
	else if (++t->differ && (t->list || t->differ < 10))
		printf("%s: %#lx: CFA by %d %+d, CFI says %d %+d\n", t->path, (unsigned long)pc,
		       r->cfa_reg, r->cfa_off, want->cfa_reg, want->cfa_off);
	if (r->cfa_reg == want->cfa_reg && saved_differs(r, want))
		t->saved_differ++;
}

static void check_page(struct tally *t, struct code *c, struct unwind *u,
		       const struct image_seg *s, uint64_t base)
{
	struct code_gap g = {s->vaddr, s->vaddr + s->filesz, base, base + ROWS_PAGE_SIZE, NULL,
			     compare, t};
	struct buf b = BUF_INIT(16 << 20);

	g.low = g.low > g.begin ? g.low : g.begin;
	g.high = g.high < g.end ? g.high : g.end;
	assert_int_equal(unwind_rows(u, (uint32_t)(base >> ROWS_PAGE_BITS), &b), 0);
	assert_int_equal(rows_check(b.data, b.len, &t->page), 0);
	code_rules(c, &g);
	buf_free(&b);
}

static bool check_file(struct tally *t)
{
	const struct image_seg *s;
	struct image *img;
	struct unwind *u;
	struct code *c;
	int fd = open(t->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || image_open(fd, &img) < 0)
		return false;
	assert_int_equal(unwind_open(img, &u), 0);
	assert_int_equal(code_open(img, &c), 0);
	for (size_t i = 0; (s = image_seg(img, i)); i++)
		if (s->type == PT_LOAD && s->flags & PF_X)
			for (uint64_t base = s->vaddr & ~(uint64_t)(ROWS_PAGE_SIZE - 1);
			     base < s->vaddr + s->filesz; base += ROWS_PAGE_SIZE)
				check_page(t, c, u, s, base);
	code_close(&c);
	unwind_close(&u);
	image_close(&img);
	printf("%s: %ld agree, %ld unknown, %ld said otherwise, %ld differ, %ld saved differ\n",
	       t->path, t->agree, t->unknown, t->other, t->differ, t->saved_differ);
	return true;
}

static void agrees(void **state)
{
	struct tally t = {.path = *state};

	if (access(t.path, R_OK) < 0)
		skip();
	assert_true(check_file(&t));
	assert_true(t.agree > 1000);
	assert_true(t.differ * 1000 <= t.agree);
	assert_true(t.saved_differ * 1000 <= t.agree);
}

/* ---- text of our own ---- */

static struct image *text_image(const void *text, size_t len)
{
	Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_DYN, .e_machine = EM_AARCH64, .e_version = EV_CURRENT,
			.e_phoff = sizeof(h), .e_ehsize = sizeof(h), .e_phnum = 1,
			.e_phentsize = sizeof(Elf64_Phdr)};
	Elf64_Phdr p = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = TEXT_AT,
			.p_vaddr = TEXT_AT, .p_filesz = len, .p_memsz = len, .p_align = TEXT_AT};
	int fd = memfd_create("text", MFD_CLOEXEC);
	struct image *img;

	assert_int_equal(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	assert_int_equal(pwrite(fd, &p, sizeof(p), sizeof(h)), sizeof(p));
	assert_int_equal(pwrite(fd, text, len, TEXT_AT), len);
	assert_int_equal(image_open(fd, &img), 0);
	return img;
}

/* What holds before the instruction `at` of `text`. */
static struct rows_rule rule_of(const uint32_t *text, size_t n, size_t at)
{
	struct image *img = text_image(text, n * 4);
	struct buf b = BUF_INIT(1 << 20);
	struct unwind *u;
	struct rows_page page;
	struct rows_rule r;

	assert_int_equal(unwind_open(img, &u), 0);
	assert_int_equal(unwind_rows(u, 0, &b), 0);
	assert_int_equal(rows_check(b.data, b.len, &page), 0);
	r = *rule_at(&page, TEXT_AT + 4 * at);
	unwind_close(&u);
	image_close(&img);
	buf_free(&b);
	return r;
}

#define RULE(text, at) rule_of(text, sizeof(text) / sizeof(*(text)), at)

static void is_at(struct rows_rule r, int reg, int off, int ra)
{
	assert_int_equal(r.cfa_kind, ROWS_CFA_REG);
	assert_int_equal(r.cfa_reg, reg);
	assert_int_equal(r.cfa_off, off);
	assert_int_equal(r.ra_kind, ra == LR ? ROWS_RA_REG : ROWS_RA_CFA);
	assert_int_equal(r.ra_off, ra);
	assert_int_equal(r.flags, ROWS_RULE_CODE);
}

static void plt(void **state)
{
	static const uint32_t text[] = {
		0xa9bf7bf0, /* stp x16, x30, [sp, #-16]! */
		0x90000bd0, /* adrp x16, … */
		0xf947fe11, /* ldr x17, [x16, #4088] */
		0x913fe210, /* add x16, x16, #0xff8 */
		0xd61f0220, /* br x17 */
		0xd503201f, 0xd503201f, 0xd503201f, /* nop */
		0xd503245f, /* bti c */
		0xb0000bd0, 0xf9400211, 0x91000210,
		0xd503219f, /* autia1716 */
		0xd61f0220,
	};

	is_at(RULE(text, 0), SP, 0, LR);
	is_at(RULE(text, 1), SP, 16, LR);
	is_at(RULE(text, 4), SP, 16, LR);
	for (size_t i = 8; i < 14; i++)
		is_at(RULE(text, i), SP, 0, LR);
}

static void frame(void **state)
{
	static const uint32_t text[] = {
		0xd503233f, /* paciasp */
		0xa9bd7bfd, /* stp x29, x30, [sp, #-48]! */
		0x910003fd, /* mov x29, sp */
		0xa90153f3, /* stp x19, x20, [sp, #16] */
		0xd10083ff, /* sub sp, sp, #32 */
		0x94001000, /* bl … */
		0xb5ffffe0, /* cbnz x0, to the bl */
		0x910083ff, /* add sp, sp, #32 */
		0xa94153f3, /* ldp x19, x20, [sp, #16] */
		0xa8c37bfd, /* ldp x29, x30, [sp], #48 */
		0xd50323bf, /* autiasp */
		0xd65f03c0, /* ret */
	};
	struct rows_rule r;

	is_at(RULE(text, 0), SP, 0, LR);
	is_at(RULE(text, 1), SP, 0, LR);
	is_at(RULE(text, 2), SP, 48, -40);
	is_at(RULE(text, 4), SP, 48, -40);
	is_at(RULE(text, 5), SP, 80, -40);
	is_at(RULE(text, 7), SP, 80, -40);
	is_at(RULE(text, 9), SP, 48, -40);
	is_at(RULE(text, 10), SP, 0, LR);
	r = RULE(text, 5);
	assert_int_equal(r.saved[rows_reg_slot(ROWS_AARCH64, 19)], -32);
	assert_int_equal(r.saved[rows_reg_slot(ROWS_AARCH64, 20)], -24);
	assert_int_equal(r.saved[rows_reg_slot(ROWS_AARCH64, 29)], -48);
	assert_int_equal(RULE(text, 3).saved_kinds, ROWS_SAVED_CFA << 2 * 10); /* x29 alone */
}

/* A frame of variable size ends by its frame pointer. */
static void by_frame_pointer(void **state)
{
	static const uint32_t text[] = {
		0xa9be7bfd, /* stp x29, x30, [sp, #-32]! */
		0x910003fd, /* mov x29, sp */
		0xcb2063ff, /* sub sp, sp, x0 */
		0x94001000, /* bl … */
		0x910003bf, /* mov sp, x29 */
		0xa8c27bfd, /* ldp x29, x30, [sp], #32 */
		0xd65f03c0, /* ret */
	};

	is_at(RULE(text, 1), SP, 32, -24);
	is_at(RULE(text, 3), 29, 32, -24);
	is_at(RULE(text, 5), SP, 32, -24);
}

/* Comparisons write to the zero register, which has the stack pointer's number. */
static void comparisons(void **state)
{
	static const uint32_t text[] = {
		0xf100403f, /* cmp x1, #16 */
		0xf240081f, /* tst x0, #7 */
		0xeb02003f, /* cmp x1, x2 */
		0xea02001f, /* tst x0, x2 */
		0xeb22603f, /* cmp x1, x2, uxtx */
		0xd65f03c0, /* ret */
	};
	static const uint32_t aligns[] = {0x927cec1f, 0xd65f03c0}; /* and sp, x0, #-16 */

	for (size_t i = 0; i < 6; i++)
		is_at(RULE(text, i), SP, 0, LR);
	assert_int_equal(RULE(aligns, 0).cfa_kind, ROWS_CFA_NONE);
}

static void unknown(void **state)
{
	static const uint32_t noreturn[] = {0xa9bf7bfd, 0x94001000, 0x00000000};
	static const uint32_t table[] = {0xd10043ff, 0xd61f0020, 0x910043ff, 0xd65f03c0};
	static const uint32_t contradiction[] = {0xb4000060, 0xd10043ff, 0xd503201f, 0xd65f03c0};

	assert_int_equal(RULE(noreturn, 0).cfa_kind, ROWS_CFA_NONE);
	assert_int_equal(RULE(noreturn, 1).cfa_kind, ROWS_CFA_NONE);
	assert_int_equal(RULE(table, 1).cfa_kind, ROWS_CFA_NONE); /* br x1 */
	is_at(RULE(table, 2), SP, 16, LR);
	assert_int_equal(RULE(contradiction, 0).cfa_kind, ROWS_CFA_NONE);
}

static void any_words(void **state)
{
	uint32_t *text = malloc(TEXT_MAX), kinds[] = {0x14000000, 0x54000000, 0xa8c07bfd, 0xd65f03c0};
	uint64_t seed = 1;

	assert_non_null(text);
	for (int round = 0; round < 12; round++) {
		struct buf b = BUF_INIT(16 << 20);
		struct rows_page page;
		struct unwind *u;
		struct image *img;

		for (size_t i = 0; i < TEXT_MAX / 4; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text[i] = (uint32_t)(seed >> 32);
			if (round % 2) /* branches to and fro, loads and returns */
				text[i] = kinds[seed >> 62] | (text[i] & 0x3ff0);
		}
		img = text_image(text, TEXT_MAX - (size_t)round * 1001);
		assert_int_equal(unwind_open(img, &u), 0);
		for (uint32_t p = 0; p < 3; p++) {
			buf_reset(&b);
			assert_int_equal(unwind_rows(u, p, &b), 0);
			assert_int_equal(rows_check(b.data, b.len, &page), 0);
		}
		buf_free(&b);
		unwind_close(&u);
		image_close(&img);
	}
	free(text);
}

#define FILE_TEST(path) {path, agrees, NULL, NULL, (void *)(uintptr_t)path}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plt),
		cmocka_unit_test(frame),
		cmocka_unit_test(by_frame_pointer),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(unknown),
		cmocka_unit_test(any_words),
		FILE_TEST("/usr/aarch64-linux-gnu/lib/libc.so.6"),
		FILE_TEST("/usr/aarch64-linux-gnu/lib/libm.so.6"),
	};

	for (int i = 1; i < argc; i++) {
		struct tally t = {.path = argv[i], .list = getenv("LIST") != NULL};
		if (!check_file(&t))
			printf("%s: not usable\n", argv[i]);
	}
	if (argc > 1)
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
