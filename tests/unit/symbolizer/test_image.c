/* SPDX-License-Identifier: Apache-2.0
 *
 * ELF files as the symbolizer meets them: whole, without section headers, sparse, compressed, and
 * things that are none; and what of their text is known without any CFI.
 */
#include <elf.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/wire/rows.h"
#include "symbolizer/unwind.h"

static char dir[] = "/tmp/pmuscope-image-XXXXXX";

static int setup(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

__attribute__((format(printf, 1, 2))) static bool shell(const char *format, ...)
{
	char line[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	return system(line) == 0; /* our own words only */
}

static int teardown(void **state)
{
	return shell("rm -r %s", dir) ? 0 : -1;
}

static struct image *open_path(const char *path)
{
	struct image *img = NULL;

	assert_int_equal(image_open(open(path, O_RDONLY | O_CLOEXEC), &img), 0);
	return img;
}

static int memory_file(const void *bytes, size_t len)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes, len), 0);
	return fd;
}

static void page_of(struct unwind *u, uint32_t number, struct buf *b, struct rows_page *p)
{
	buf_reset(b);
	assert_int_equal(unwind_rows(u, number, b), 0);
	assert_int_equal(rows_check(b->data, b->len, p), 0);
}

static struct rows_rule rule_of(struct unwind *u, uint64_t pc)
{
	struct buf b = BUF_INIT(16 << 20);
	struct rows_page p;
	struct rows_rule r = {0};

	page_of(u, (uint32_t)(pc >> ROWS_PAGE_BITS), &b, &p);
	for (uint32_t i = 0; i < p.head.n_rows && p.rows[i].pc_low <= (pc & 0xffff); i++)
		r = p.rules[p.rows[i].rule];
	buf_free(&b);
	return r;
}

static void facts(void **state)
{
	struct image *img = open_path("/proc/self/exe");
	struct sym_info info;
	const void *id;
	ssize_t len;
	Elf *elf;
	Elf64_Ehdr *h;

	elf_version(EV_CURRENT);
	elf = elf_begin(image_fd(img), ELF_C_READ, NULL);
	h = elf64_getehdr(elf);
	len = dwelf_elf_gnu_build_id(elf, &id);
	image_info(img, &info);
	assert_int_equal(info.machine, h->e_machine);
	assert_int_equal(info.entry, h->e_entry);
	assert_int_equal(info.build_id_len, len > 0 ? len : 0);
	assert_memory_equal(info.build_id, id, info.build_id_len);
	assert_true(info.n_segs >= 1);
	assert_true(info.flags & SYM_HAS_SYMTAB && info.flags & SYM_HAS_CFI);
	assert_false(info.flags & SYM_IS_GO);
	assert_non_null(image_seg_at(img, info.entry, true));
	assert_non_null(image_bytes(img, info.entry, 16));
	assert_null(image_bytes(img, 0x7fff00000000, 1));
	assert_null(image_at(img, image_file_size(img), 1));
	assert_null(image_at(img, UINT64_MAX, 2));
	elf_end(elf);
	image_close(&img);
}

static void read_file(const char *path, struct buf *b)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*b = (struct buf)BUF_INIT(64 << 20);
	assert_int_equal(buf_read_fd(b, fd), 0);
	fd_close(&fd);
}

static const struct rows_rule *rule_at(const struct rows_page *p, uint32_t low)
{
	uint32_t i = 0;

	while (i + 1 < p->head.n_rows && p->rows[i + 1].pc_low <= low)
		i++;
	return &p->rules[p->rows[i].rule];
}

/* Rows that were made from instructions know more where there are symbols to bound them. */
static bool is_from_cfi(const struct rows_rule *r)
{
	return r->cfa_kind != ROWS_CFA_NONE && !(r->flags & ROWS_RULE_CODE) &&
	       r->ra_kind != ROWS_RA_END;
}

static void same_page(const struct rows_page *a, const struct rows_page *b)
{
	size_t compared = 0;

	for (uint32_t i = 0; i < a->head.n_rows; i++) {
		const struct rows_rule *x = &a->rules[a->rows[i].rule];
		const struct rows_rule *y = rule_at(b, a->rows[i].pc_low);
		if (!is_from_cfi(x) && !is_from_cfi(y))
			continue;
		assert_int_equal(x->cfa_kind, y->cfa_kind);
		assert_int_equal(x->ra_kind, y->ra_kind);
		assert_int_equal(x->saved_kinds, y->saved_kinds);
		if (x->cfa_kind == ROWS_CFA_REG)
			assert_memory_equal(x, y, sizeof(*x));
		compared++;
	}
	assert_true(compared > 0 || a->head.n_rows < 8);
}

/* Every page of text of our own program and of `file` has the same rows from CFI. */
static void same_rows(int file)
{
	struct image *want = open_path("/proc/self/exe"), *have;
	struct buf a = BUF_INIT(16 << 20), b = BUF_INIT(16 << 20);
	struct sym_info info;
	struct unwind *u, *v;
	struct rows_page p, q;

	assert_int_equal(image_open(file, &have), 0);
	image_info(want, &info);
	assert_int_equal(unwind_open(want, &u), 0);
	assert_int_equal(unwind_open(have, &v), 0);
	for (uint64_t at = info.segs[0].vaddr; at < info.segs[0].vaddr + info.segs[0].memsz;
	     at += ROWS_PAGE_SIZE) {
		page_of(u, (uint32_t)(at >> ROWS_PAGE_BITS), &a, &p);
		page_of(v, (uint32_t)(at >> ROWS_PAGE_BITS), &b, &q);
		same_page(&p, &q);
	}
	unwind_close(&u);
	unwind_close(&v);
	buf_free(&a);
	buf_free(&b);
	image_close(&want);
	image_close(&have);
}

static void no_sections(void **state)
{
	struct image *img;
	struct sym_info info, bare;
	struct buf file;
	Elf64_Ehdr h;

	read_file("/proc/self/exe", &file);
	memcpy(&h, file.data, sizeof(h));
	h.e_shoff = h.e_shnum = h.e_shstrndx = 0;
	memcpy(file.data, &h, sizeof(h));
	img = open_path("/proc/self/exe");
	image_info(img, &info);
	image_close(&img);
	assert_int_equal(image_open(memory_file(file.data, file.len), &img), 0);
	image_info(img, &bare);
	image_close(&img);
	assert_int_equal(bare.build_id_len, info.build_id_len);
	assert_memory_equal(bare.build_id, info.build_id, info.build_id_len);
	assert_true(bare.flags & SYM_HAS_CFI && bare.flags & SYM_HAS_DYNSYM);
	assert_false(bare.flags & SYM_HAS_SYMTAB);
	same_rows(memory_file(file.data, file.len));
	buf_free(&file);
}

/* A search table of another encoding, out of order, or about other addresses is not believed. */
static void wrong_search_table(void **state)
{
	struct image *img = open_path("/proc/self/exe");
	struct image_sec hdr;
	struct buf file;

	assert_true(image_sec_named(img, ".eh_frame_hdr", &hdr));
	image_close(&img);
	read_file("/proc/self/exe", &file);
	file.data[hdr.offset + 3] = 0x1b; /* pcrel, sdata4 */
	same_rows(memory_file(file.data, file.len));
	file.data[hdr.offset + 3] = 0x3b;
	for (uint64_t at = 12; at + 8 <= hdr.size; at += 8)
		file.data[hdr.offset + at] ^= 1;
	same_rows(memory_file(file.data, file.len));
	for (uint64_t at = 12; at + 8 <= hdr.size; at += 8)
		memset(file.data + hdr.offset + at, 0, 8);
	same_rows(memory_file(file.data, file.len));
	file.data[hdr.offset] = 9; /* version */
	same_rows(memory_file(file.data, file.len));
	buf_free(&file);
}

/* The least that is an executable: one segment of text. */
struct tiny {
	Elf64_Ehdr h;
	Elf64_Phdr text;
};

static struct tiny tiny(uint16_t machine, uint64_t vaddr, uint64_t len)
{
	struct tiny t = {
		.h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		      .e_type = ET_EXEC, .e_machine = machine, .e_version = EV_CURRENT,
		      .e_phoff = sizeof(Elf64_Ehdr), .e_ehsize = sizeof(Elf64_Ehdr),
		      .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1},
		.text = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x1000,
			 .p_vaddr = vaddr, .p_filesz = len, .p_memsz = len},
	};

	return t;
}

static void refused(void **state)
{
	struct tiny t = tiny(EM_X86_64, 0x400000, 16);
	struct image *img;

	assert_int_equal(image_open(-1, &img), -EBADF);
	assert_int_equal(image_open(memory_file("", 0), &img), -ENOEXEC);
	assert_int_equal(image_open(memory_file("#!/bin/sh\n", 10), &img), -ENOEXEC);
	assert_int_equal(image_open(memory_file(&t, 63), &img), -ENOEXEC);
	assert_int_equal(image_open(memory_file(&t, 64), &img), -EBADMSG);
	t.h.e_phentsize = 1;
	assert_int_equal(image_open(memory_file(&t, sizeof(t)), &img), -EBADMSG);
	t = tiny(EM_S390, 0x400000, 16);
	assert_int_equal(image_open(memory_file(&t, sizeof(t)), &img), -ENOEXEC);
	t = tiny(EM_X86_64, 0x400000, 16);
	t.h.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(image_open(memory_file(&t, sizeof(t)), &img), -ENOEXEC);
	t.h.e_ident[EI_CLASS] = ELFCLASS64;
	t.h.e_ident[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(image_open(memory_file(&t, sizeof(t)), &img), -ENOEXEC);
}

/* 10 GB of hole that says it is text: nothing is read but what is asked for. */
static void sparse(void **state)
{
	const uint64_t size = (uint64_t)10 << 30;
	struct tiny t = tiny(EM_X86_64, 0x400000, size - 0x1000);
	int fd = memory_file(&t, sizeof(t));
	uint64_t t0 = clock_mono();
	struct sym_info info;
	struct unwind *u;
	struct image *img;

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(image_open(fd, &img), 0);
	image_info(img, &info);
	assert_int_equal(unwind_open(img, &u), 0);
	for (uint64_t pc = 0x400000; pc < size; pc += size / 64)
		assert_int_equal(rule_of(u, pc).cfa_kind, ROWS_CFA_NONE);
	assert_null(image_at(img, 0, (size_t)2 << 30));
	assert_non_null(image_bytes(img, 0x400000 + size / 2, 64));
	unwind_close(&u);
	image_close(&img);
	assert_true(clock_mono() - t0 < (uint64_t)2 * NS_PER_S);
}

/* Text with rt_sigreturn at `at`, nothing else. */
static struct image *with_sigreturn(uint16_t machine, uint64_t vaddr, uint64_t len, uint64_t at)
{
	static const uint8_t x86_64[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	static const uint8_t aarch64[] = {0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4};
	struct tiny t = tiny(machine, vaddr, len);
	int fd = memory_file(&t, sizeof(t));
	off_t offset = (off_t)(t.text.p_offset + at - vaddr);
	struct image *img;

	if (machine == EM_X86_64)
		assert_int_equal(pwrite(fd, x86_64, sizeof(x86_64), offset), sizeof(x86_64));
	else
		assert_int_equal(pwrite(fd, aarch64, sizeof(aarch64), offset), sizeof(aarch64));
	assert_int_equal(ftruncate(fd, (off_t)(t.text.p_offset + len)), 0);
	assert_int_equal(image_open(fd, &img), 0);
	return img;
}

static void check_sigreturn(uint16_t machine, uint64_t at)
{
	uint64_t len = machine == EM_X86_64 ? 9 : 8;
	/* Inside the system call, pc stands behind the last instruction; unless a function may. */
	uint64_t end = at + len + ((at + len) % 16 != 0);
	struct image *img = with_sigreturn(machine, 0x400100, 0x20000, at);
	struct unwind *u;

	assert_int_equal(unwind_open(img, &u), 0);
	for (uint64_t pc = at - 4; pc < at + len + 4; pc++)
		assert_int_equal(rule_of(u, pc).cfa_kind, pc + 1 >= at && pc < end
								  ? ROWS_CFA_SIGFRAME
								  : ROWS_CFA_NONE);
	unwind_close(&u);
	image_close(&img);
}

static void sigreturn(void **state)
{
	check_sigreturn(EM_X86_64, 0x401000);
	check_sigreturn(EM_X86_64, 0x410000); /* the byte before is on another page */
	check_sigreturn(EM_X86_64, 0x40fffc); /* across two pages */
	check_sigreturn(EM_AARCH64, 0x401000);
	check_sigreturn(EM_AARCH64, 0x410000);
	check_sigreturn(EM_AARCH64, 0x40fffc);
}

static void entry_without_cfi(void **state)
{
	struct tiny t = tiny(EM_X86_64, 0x400000, 0x1000);
	struct unwind *u;
	struct image *img;
	int fd;

	t.h.e_entry = 0x400800;
	fd = memory_file(&t, sizeof(t));
	assert_int_equal(ftruncate(fd, 0x2000), 0);
	assert_int_equal(image_open(fd, &img), 0);
	assert_int_equal(unwind_open(img, &u), 0);
	assert_int_equal(rule_of(u, 0x4007ff).cfa_kind, ROWS_CFA_NONE);
	assert_int_equal(rule_of(u, 0x400800).cfa_kind, ROWS_CFA_REG);
	assert_int_equal(rule_of(u, 0x400800).ra_kind, ROWS_RA_END);
	assert_int_equal(rule_of(u, 0x400805).ra_kind, ROWS_RA_END);
	assert_int_equal(rule_of(u, 0x400900).cfa_kind, ROWS_CFA_NONE);
	assert_int_equal(rule_of(u, 0xffffffffffff).cfa_kind, ROWS_CFA_NONE);
	unwind_close(&u);
	image_close(&img);
}

/* The C library's _start: the first bytes too. */
static void entry_with_cfi(void **state)
{
	struct image *img = open_path("/proc/self/exe");
	struct unwind *u;

	assert_int_equal(unwind_open(img, &u), 0);
	for (int i = 0; i < 6; i++) {
		struct rows_rule r = rule_of(u, image_entry(img) + (uint64_t)i);
		assert_int_equal(r.cfa_kind, ROWS_CFA_REG);
		assert_int_equal(r.ra_kind, ROWS_RA_END);
	}
	unwind_close(&u);
	image_close(&img);
}

/* A program whose only CFI is a .debug_frame, compressed or not. */
static void debug_frame(const char *flags)
{
	char path[128];
	struct image *img;
	struct unwind *u;
	struct image_span cfi;
	struct image_sec text;
	int known = 0;

	if (!shell("cd %s && echo 'int f(int a){return a+1;}' >f.c && gcc -O0 -g %s "
		   "-fno-asynchronous-unwind-tables -fno-unwind-tables -nostdlib -shared -fPIC "
		   "-o f.so f.c 2>/dev/null", dir, flags))
		skip();
	snprintf(path, sizeof(path), "%s/f.so", dir);
	img = open_path(path);
	cfi = image_data(img, ".debug_frame");
	assert_true(cfi.len >= 40 && cfi.len < 400);
	assert_true(image_sec_named(img, ".text", &text));
	assert_int_equal(unwind_open(img, &u), 0);
	for (uint64_t pc = text.vaddr; pc < text.vaddr + text.size; pc++)
		known += rule_of(u, pc).cfa_kind == ROWS_CFA_REG;
	assert_true(known >= 8);
	unwind_close(&u);
	image_close(&img);
}

static void debug_frame_plain(void **state)
{
	debug_frame("-gz=none");
}

static void debug_frame_zlib(void **state)
{
	debug_frame("-gz=zlib");
}

static void debuglink(void **state)
{
	struct image *img;
	const char *name;
	char path[128];
	uint32_t crc;

	if (!shell("cd %s && echo hello >hello.debug && objcopy --add-gnu-debuglink=hello.debug "
		   "/proc/%d/exe linked 2>/dev/null", dir, (int)getpid()))
		skip();
	snprintf(path, sizeof(path), "%s/linked", dir);
	img = open_path(path);
	assert_true(image_debuglink(img, &name, &crc));
	assert_string_equal(name, "hello.debug");
	assert_int_equal(crc, 0x363a3020); /* crc32 of "hello\n" */
	image_close(&img);
	img = open_path("/proc/self/exe");
	assert_false(image_debuglink(img, &name, &crc));
	image_close(&img);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts),
		cmocka_unit_test(no_sections),
		cmocka_unit_test(wrong_search_table),
		cmocka_unit_test(refused),
		cmocka_unit_test(sparse),
		cmocka_unit_test(sigreturn),
		cmocka_unit_test(entry_without_cfi),
		cmocka_unit_test(entry_with_cfi),
		cmocka_unit_test(debug_frame_plain),
		cmocka_unit_test(debug_frame_zlib),
		cmocka_unit_test(debuglink),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
