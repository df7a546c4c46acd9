/* SPDX-License-Identifier: Apache-2.0
 *
 * Unwind rows against an oracle: libdw's reading of the same CFI. Both answers are evaluated on
 * made-up registers and a made-up memory, so that different spellings of one rule are equal.
 *
 * Without arguments: a sample of pages of whatever real files this machine has. With arguments
 * (files): every page of these, disagreements listed, and how long a page took.
 */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/clock.h"
#include "agent/wire/rows.h"
#include "symbolizer/unwind.h"

enum { LOST = 1, NOT_FOUND = 2 };

/* What a rule amounts to: a value, or one of the words above in its place. */
struct found {
	int word;
	uint64_t value;
};

static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 31) * 0x9e3779b97f4a7c15;
	return v ^ v >> 29;
}

static uint64_t reg_value(int reg)
{
	return mix((uint64_t)reg + 77) & 0x7ffffffffff8;
}

static uint64_t mem_value(uint64_t addr, unsigned int size)
{
	uint64_t v = mix(addr);

	return size >= 8 ? v : v & ((UINT64_C(1) << 8 * size) - 1);
}

static uint64_t binary(unsigned int op, uint64_t a, uint64_t b)
{
	int64_t sa = (int64_t)a, sb = (int64_t)b;

	switch (op) {
	case ROWS_OP_ADD: return a + b;
	case ROWS_OP_SUB: return a - b;
	case ROWS_OP_MUL: return a * b;
	case ROWS_OP_AND: return a & b;
	case ROWS_OP_OR: return a | b;
	case ROWS_OP_XOR: return a ^ b;
	case ROWS_OP_SHL: return b < 64 ? a << b : 0;
	case ROWS_OP_SHR: return b < 64 ? a >> b : 0;
	case ROWS_OP_SHRA: return (uint64_t)(sa >> (b < 64 ? b : 63));
	case ROWS_OP_EQ: return sa == sb;
	case ROWS_OP_NE: return sa != sb;
	case ROWS_OP_LT: return sa < sb;
	case ROWS_OP_LE: return sa <= sb;
	case ROWS_OP_GT: return sa > sb;
	default: return sa >= sb;
	}
}

static uint64_t eval_rows(const struct rows_op *o, uint64_t cfa)
{
	uint64_t st[ROWS_STACK_MAX + 2] = {0}, *sp = st; /* sp: one past the top */
	uint64_t t;

	for (; o->op != ROWS_OP_END; o++) {
		switch (o->op) {
		case ROWS_OP_CONST: *sp++ = (uint64_t)(int64_t)o->arg; break;
		case ROWS_OP_REG: *sp++ = reg_value(o->reg) + (uint64_t)(int64_t)o->arg; break;
		case ROWS_OP_CFA: *sp++ = cfa; break;
		case ROWS_OP_DEREF: sp[-1] = mem_value(sp[-1], (unsigned int)o->arg); break;
		case ROWS_OP_ADD_CONST: sp[-1] += (uint64_t)(int64_t)o->arg; break;
		case ROWS_OP_DUP: sp[0] = sp[-1]; sp++; break;
		case ROWS_OP_DROP: sp--; break;
		case ROWS_OP_SWAP: t = sp[-1]; sp[-1] = sp[-2]; sp[-2] = t; break;
		case ROWS_OP_OVER: sp[0] = sp[-2]; sp++; break;
		case ROWS_OP_NEG: sp[-1] = -sp[-1]; break;
		case ROWS_OP_NOT: sp[-1] = ~sp[-1]; break;
		default: sp--; sp[-1] = binary(o->op, sp[-1], sp[0]);
		}
	}
	return sp[-1];
}

/* libdw's operations; `addr_of`: the result is where the value stands, unless they say otherwise.
 * Written apart from the compiler under test. */
static struct found eval_libdw(const Dwarf_Op *ops, size_t n, uint64_t cfa, bool addr_of)
{
	static const uint8_t same_as[256] = {
		[DW_OP_plus] = ROWS_OP_ADD, [DW_OP_minus] = ROWS_OP_SUB,
		[DW_OP_mul] = ROWS_OP_MUL, [DW_OP_and] = ROWS_OP_AND, [DW_OP_or] = ROWS_OP_OR,
		[DW_OP_xor] = ROWS_OP_XOR, [DW_OP_shl] = ROWS_OP_SHL, [DW_OP_shr] = ROWS_OP_SHR,
		[DW_OP_shra] = ROWS_OP_SHRA, [DW_OP_eq] = ROWS_OP_EQ, [DW_OP_ne] = ROWS_OP_NE,
		[DW_OP_lt] = ROWS_OP_LT, [DW_OP_le] = ROWS_OP_LE, [DW_OP_gt] = ROWS_OP_GT,
		[DW_OP_ge] = ROWS_OP_GE,
	};
	uint64_t st[64] = {0}, *sp = st;

	for (size_t i = 0; i < n; i++) {
		unsigned int a = ops[i].atom;
		uint64_t x = ops[i].number, y = ops[i].number2;

		if (sp >= st + 60 || (sp < st + 2 && a < 256 && same_as[a]))
			return (struct found){NOT_FOUND, 0};
		if (a >= DW_OP_lit0 && a <= DW_OP_lit31)
			*sp++ = a - DW_OP_lit0;
		else if (a >= DW_OP_breg0 && a <= DW_OP_breg31)
			*sp++ = reg_value((int)(a - DW_OP_breg0)) + x;
		else if (a >= DW_OP_reg0 && a <= DW_OP_reg31)
			return (struct found){0, reg_value((int)(a - DW_OP_reg0))};
		else if (a == DW_OP_regx)
			return (struct found){0, reg_value((int)x)};
		else if (a == DW_OP_bregx)
			*sp++ = reg_value((int)x) + y;
		else if (a == DW_OP_call_frame_cfa)
			*sp++ = cfa;
		else if (a >= DW_OP_const1u && a <= DW_OP_consts)
			*sp++ = x;
		else if (a == DW_OP_plus_uconst)
			sp[-1] += x;
		else if (a == DW_OP_deref)
			sp[-1] = mem_value(sp[-1], 8);
		else if (a == DW_OP_stack_value)
			addr_of = false;
		else if (same_as[a])
			sp--, sp[-1] = binary(same_as[a], sp[-1], sp[0]);
		else if (a != DW_OP_nop)
			return (struct found){NOT_FOUND, 0};
	}
	if (sp == st)
		return (struct found){NOT_FOUND, 0};
	return (struct found){0, addr_of ? mem_value(sp[-1], 8) : sp[-1]};
}

static struct found libdw_cfa(Dwarf_Frame *frame)
{
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) != 0)
		return (struct found){NOT_FOUND, 0};
	return n ? eval_libdw(ops, n, 0, false) : (struct found){NOT_FOUND, 0};
}

static struct found libdw_reg(Dwarf_Frame *frame, int reg, uint64_t cfa)
{
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, reg, mem, &ops, &n) != 0)
		return (struct found){NOT_FOUND, 0};
	if (n == 0)
		return ops ? (struct found){LOST, 0} : (struct found){0, reg_value(reg)};
	return eval_libdw(ops, n, cfa, true);
}

static struct found our_ra(const struct rows_page *p, const struct rows_rule *r, uint64_t cfa)
{
	switch (r->ra_kind) {
	case ROWS_RA_CFA:
		return (struct found){0, mem_value(cfa + (uint64_t)(int64_t)r->ra_off, 8)};
	case ROWS_RA_REG:
		return (struct found){0, reg_value(r->ra_off)};
	case ROWS_RA_EXPR:
		return (struct found){0, mem_value(eval_rows(p->ops + r->ra_off, cfa), 8)};
	default:
		return (struct found){LOST, 0};
	}
}

static struct found our_saved(const struct rows_page *p, const struct rows_rule *r, int slot,
			      uint64_t cfa)
{
	int32_t at = r->saved[slot];

	switch (r->saved_kinds >> 2 * slot & 3) {
	case ROWS_SAVED_SAME:
		return (struct found){0, reg_value(rows_slot_reg(p->head.arch, slot))};
	case ROWS_SAVED_CFA:
		return (struct found){0, mem_value(cfa + (uint64_t)(int64_t)at, 8)};
	case ROWS_SAVED_EXPR:
		return (struct found){0, mem_value(eval_rows(p->ops + at, cfa), 8)};
	default:
		return (struct found){LOST, 0};
	}
}

struct tally {
	const char *path;
	bool list;
	long pages, rows, rules, ops, compared, differ, sigframes, ends, bad, extra, lost;
	uint64_t ns, worst_ns;
};

struct subject {
	int fd;
	Elf *elf;
	Dwarf *dwarf;
	Dwarf_CFI *eh, *debug;
	struct image *img;
	struct unwind *unwind;
	bool go;
	struct tally *t;
};

static void differ(struct subject *s, uint64_t pc, const char *what, uint64_t a, uint64_t b)
{
	s->t->differ++;
	if (s->t->list || s->t->differ < 10)
		printf("%s: %#lx: %s: ours %#lx libdw %#lx\n", s->t->path, (unsigned long)pc, what,
		       (unsigned long)a, (unsigned long)b);
}

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

/* One pc that libdw knows a frame for. */
static void compare(struct subject *s, const struct rows_page *p, uint64_t pc, Dwarf_Frame *frame)
{
	const struct rows_rule *r = rule_at(p, pc);
	int ra = p->head.arch == ROWS_X86_64 ? 16 : 30, sp = p->head.arch == ROWS_X86_64 ? 7 : 31;
	struct found cfa = libdw_cfa(frame), want, have;
	uint64_t ours;

	s->t->compared++;
	if (r->cfa_kind == ROWS_CFA_SIGFRAME) {
		s->t->sigframes++;
		return;
	}
	if (r->ra_kind == ROWS_RA_END && r->cfa_kind == ROWS_CFA_REG) {
		s->t->ends++;
		return;
	}
	want = cfa.word ? cfa : libdw_reg(frame, sp, cfa.value);
	if (r->cfa_kind == ROWS_CFA_BAD && (s->go || want.word || want.value != cfa.value)) {
		s->t->bad++; /* nor can rows say it; few, see agrees() */
		return;
	}
	if (r->cfa_kind != ROWS_CFA_REG && r->cfa_kind != ROWS_CFA_EXPR) {
		differ(s, pc, "kind", r->cfa_kind, (uint64_t)cfa.word);
		return;
	}
	ours = r->cfa_kind == ROWS_CFA_REG ? reg_value(r->cfa_reg) + (uint64_t)(int64_t)r->cfa_off
					   : eval_rows(p->ops + r->cfa_off, 0);
	if (cfa.word || ours != cfa.value)
		differ(s, pc, "CFA", ours, cfa.value);
	want = libdw_reg(frame, ra, cfa.value);
	have = our_ra(p, r, ours);
	if (want.word != have.word || want.value != have.value)
		differ(s, pc, "RA", have.value, want.value);
	for (int i = 0; i < ROWS_SAVED && rows_slot_reg(p->head.arch, i) >= 0 && !s->go; i++) {
		want = libdw_reg(frame, rows_slot_reg(p->head.arch, i), cfa.value);
		have = our_saved(p, r, i, ours);
		/* libdw 0.188's table of the ABI has %rbx as register 0: lost, it thinks. */
		if (rows_slot_reg(p->head.arch, i) == 3 && want.word == LOST &&
		    have.value == reg_value(3))
			continue;
		/* "In another register" is nothing that rows can say; OpenSSL's cpuid does it. */
		if (have.word == LOST && !want.word) {
			s->t->lost++;
			continue;
		}
		if (want.word != have.word || want.value != have.value)
			differ(s, pc, "register", have.value, want.value);
	}
}

static Dwarf_Frame *libdw_frame(struct subject *s, uint64_t pc)
{
	Dwarf_Frame *frame = NULL;

	if (s->eh && dwarf_cfi_addrframe(s->eh, pc, &frame) == 0)
		return frame;
	if (s->debug && dwarf_cfi_addrframe(s->debug, pc, &frame) == 0)
		return frame;
	return NULL;
}

static void compare_gap(struct subject *s, const struct rows_page *p, uint64_t pc)
{
	const struct rows_rule *r = rule_at(p, pc);

	if (r->cfa_kind == ROWS_CFA_SIGFRAME)
		s->t->sigframes++;
	else if (r->ra_kind == ROWS_RA_END && r->cfa_kind == ROWS_CFA_REG)
		s->t->ends++;
	else if (r->cfa_kind == ROWS_CFA_REG && (s->go || r->flags & ROWS_RULE_CODE))
		s->t->extra++;
	else if (r->cfa_kind == ROWS_CFA_BAD && s->go)
		s->t->bad++;
	else if (r->cfa_kind != ROWS_CFA_NONE)
		differ(s, pc, "gap", r->cfa_kind, 0);
}

/* Walks libdw's rows over [low, high): each is compared at both ends, and at our rows between. */
static void compare_range(struct subject *s, const struct rows_page *p, uint64_t low, uint64_t high)
{
	uint64_t pc = low, base = (uint64_t)p->head.page << ROWS_PAGE_BITS;
	uint32_t row = 0;

	while (pc < high) {
		Dwarf_Frame *frame = libdw_frame(s, pc);
		Dwarf_Addr start, end;

		if (!frame) {
			compare_gap(s, p, pc++);
			continue;
		}
		if (dwarf_frame_info(frame, &start, &end, NULL) < 0 || end <= pc || end > high)
			end = high;
		compare(s, p, pc, frame);
		if (end - 1 > pc)
			compare(s, p, end - 1, frame);
		for (; row < p->head.n_rows && base + p->rows[row].pc_low < end; row++)
			if (base + p->rows[row].pc_low > pc)
				compare(s, p, base + p->rows[row].pc_low, frame);
		free(frame);
		pc = end;
	}
}

static void compare_page(struct subject *s, uint32_t page)
{
	uint64_t base = (uint64_t)page << ROWS_PAGE_BITS, t0 = clock_mono(), ns;
	struct buf b = BUF_INIT(16 << 20);
	const struct image_seg *seg;
	struct rows_page p;

	assert_int_equal(unwind_rows(s->unwind, page, &b), 0);
	ns = clock_mono() - t0;
	assert_int_equal(rows_check(b.data, b.len, &p), 0);
	assert_int_equal(p.head.page, page);
	s->t->ns += ns;
	s->t->worst_ns = ns > s->t->worst_ns ? ns : s->t->worst_ns;
	s->t->pages++;
	s->t->rows += p.head.n_rows;
	s->t->rules += p.head.n_rules;
	s->t->ops += p.head.n_ops;
	for (size_t i = 0; (seg = image_seg(s->img, i)); i++) {
		uint64_t low = seg->vaddr, high = seg->vaddr + seg->filesz;
		if (seg->type != PT_LOAD || !(seg->flags & PF_X))
			continue;
		low = low > base ? low : base;
		high = high < base + ROWS_PAGE_SIZE ? high : base + ROWS_PAGE_SIZE;
		if (low < high)
			compare_range(s, &p, low, high);
	}
	buf_free(&b);
}

static bool subject_open(struct subject *s, struct tally *t)
{
	struct sym_info info;
	int fd = open(t->path, O_RDONLY | O_CLOEXEC);

	*s = (struct subject){.fd = fd, .t = t};
	if (fd < 0)
		return false;
	elf_version(EV_CURRENT);
	s->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	s->dwarf = dwarf_begin_elf(s->elf, DWARF_C_READ, NULL);
	s->eh = dwarf_getcfi_elf(s->elf);
	s->debug = s->dwarf ? dwarf_getcfi(s->dwarf) : NULL;
	if (image_open(dup(fd), &s->img) < 0 || unwind_open(s->img, &s->unwind) < 0)
		return false;
	image_info(s->img, &info);
	s->go = info.flags & SYM_IS_GO;
	return true;
}

static void subject_close(struct subject *s)
{
	unwind_close(&s->unwind);
	image_close(&s->img);
	if (s->eh)
		dwarf_cfi_end(s->eh);
	if (s->dwarf)
		dwarf_end(s->dwarf);
	if (s->elf)
		elf_end(s->elf);
	if (s->fd >= 0)
		close(s->fd);
}

/* Compares every `step`th page of text. False where the file cannot be had. */
static bool check_file(struct tally *t, uint32_t max_pages)
{
	struct subject s;
	struct sym_info info;
	uint32_t total = 0, n = 0;

	if (!subject_open(&s, t)) {
		subject_close(&s);
		return false;
	}
	image_info(s.img, &info);
	for (int i = 0; i < info.n_segs; i++)
		total += (uint32_t)(info.segs[i].memsz >> ROWS_PAGE_BITS) + 2;
	for (int i = 0; i < info.n_segs; i++) {
		uint64_t low = info.segs[i].vaddr >> ROWS_PAGE_BITS;
		uint64_t high = (info.segs[i].vaddr + info.segs[i].memsz - 1) >> ROWS_PAGE_BITS;
		for (uint64_t p = low; p <= high; p++, n++)
			if (n % (total / max_pages + 1) == 0 || p == high)
				compare_page(&s, (uint32_t)p);
	}
	subject_close(&s);
	printf("%s: %ld pages, %ld rows, %ld rules, %ld ops; %ld compared, %ld differ, %ld end, "
	       "%ld sigframe, %ld bad, %ld lost, %ld from Go or code alone; %.1f us a page, worst %.1f\n",
	       t->path, t->pages, t->rows, t->rules, t->ops, t->compared, t->differ, t->ends,
	       t->sigframes, t->bad, t->lost, t->extra,
	       (double)t->ns / 1e3 / (double)(t->pages + !t->pages), (double)t->worst_ns / 1e3);
	return true;
}

static void agrees(void **state)
{
	struct tally t = {.path = *state};

	if (access(t.path, R_OK) < 0)
		skip();
	assert_true(check_file(&t, 6));
	assert_int_equal(t.differ, 0);
	assert_true(t.compared + t.extra > 0);
	assert_true(t.bad <= 64);
	assert_true(t.lost <= 8);
}

#define FILE_TEST(path) {path, agrees, NULL, NULL, (void *)(uintptr_t)path}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		FILE_TEST("/lib/x86_64-linux-gnu/libc.so.6"),
		FILE_TEST("/lib64/ld-linux-x86-64.so.2"),
		FILE_TEST("/usr/lib/x86_64-linux-gnu/libcrypto.so.3"),
		FILE_TEST("/usr/lib/x86_64-linux-gnu/libstdc++.so.6"),
		FILE_TEST("/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus"),
		FILE_TEST("/usr/sbin/nginx"),
		FILE_TEST("/usr/bin/redis-server"),
		FILE_TEST("/usr/bin/node"),
		FILE_TEST("/usr/bin/python3.11"),
		FILE_TEST("/usr/lib/postgresql/15/bin/postgres"),
		FILE_TEST("/usr/bin/perf"),
		FILE_TEST("/usr/local/go/bin/go"),
		FILE_TEST("/usr/aarch64-linux-gnu/lib/libc.so.6"),
		FILE_TEST("/usr/aarch64-linux-gnu/lib/libstdc++.so.6"),
		FILE_TEST("/proc/self/exe"),
	};
	long differ_total = 0;

	for (int i = 1; i < argc; i++) {
		struct tally t = {.path = argv[i], .list = getenv("LIST") != NULL};
		if (!check_file(&t, 1 << 30))
			printf("%s: not usable\n", argv[i]);
		differ_total += t.differ;
	}
	if (argc > 1)
		return differ_total != 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
