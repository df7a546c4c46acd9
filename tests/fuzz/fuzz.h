/* SPDX-License-Identifier: Apache-2.0
 *
 * What fuzz harnesses share. A harness is one function: it hands the bytes to one parser, asserts
 * what that parser promises, and frees everything. It links with libFuzzer (`make fuzz`) or with
 * replay.c, which runs the kept inputs once (`make check`).
 *
 * No harness touches the file system: files are memfds, helpers are socketpairs or stand-ins of
 * the harness' own (a function that it defines keeps the archive's member out of the link).
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#undef NDEBUG
#include <assert.h>
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next part of the input: u16 length, and that many bytes or what is left of them. */
static inline struct cursor fuzz_part(struct cursor *in)
{
	size_t n = cursor_left(in) < 2 ? 0 : cursor_u16(in);

	return cursor_sub(in, n < cursor_left(in) ? n : cursor_left(in));
}

/* A copy that ends where the memory ends, so that a sanitizer sees reads behind it, and that is
 * aligned as malloc aligns. */
static inline void *fuzz_copy(const void *bytes, size_t len)
{
	void *p = malloc(len ? len : 1);

	assert(p);
	if (len)
		memcpy(p, bytes, len);
	return p;
}

/* A descriptor of a file with these bytes. It is one file for the whole process, so that a run
 * costs no more than a write: what was got before must be closed by then. */
static inline int fuzz_file(const void *bytes, size_t len)
{
	static int file = -1;
	int fd;

	if (file < 0)
		file = memfd_create("fuzz", MFD_CLOEXEC);
	assert(file >= 0 && ftruncate(file, (off_t)len) == 0);
	assert(pwrite(file, bytes, len, 0) == (ssize_t)len);
	assert(lseek(file, 0, SEEK_SET) == 0);
	fd = dup(file);
	assert(fd >= 0);
	return fd;
}

/* ---- ELF files around hostile sections ---- */

/* A section; each but .shstrtab is loaded by a segment of its own, where `vaddr` is not 0. */
struct fuzz_sec {
	const char *name;
	uint32_t type;
	uint64_t flags, vaddr;
	struct cursor bytes;
	uint32_t segment; /* a further program header for it: PT_GNU_EH_FRAME, …; or 0 */
	uint32_t link;    /* index of a section, counted from 1 */
};

static inline void fuzz_elf_segment(struct buf *b, const struct fuzz_sec *s, uint32_t type,
				    uint64_t at)
{
	uint64_t len = cursor_left(&s->bytes);
	Elf64_Phdr p = {.p_type = type, .p_flags = PF_R, .p_offset = at, .p_vaddr = s->vaddr,
			.p_filesz = len, .p_memsz = len};

	if (s->flags & SHF_EXECINSTR)
		p.p_flags |= PF_X;
	buf_put(b, &p, sizeof(p));
}

/* Where the bytes of section `i` go: behind the headers, each aligned to 8. */
static inline uint64_t fuzz_elf_at(const struct fuzz_sec *secs, size_t n, size_t i)
{
	uint64_t at = sizeof(Elf64_Ehdr) + (2 * n) * sizeof(Elf64_Phdr);

	for (size_t k = 0; k < i; k++)
		at += (cursor_left(&secs[k].bytes) + 7) & ~UINT64_C(7);
	return at;
}

/* Appends a well-formed ELF64 file of these `n` sections to `b`. */
static inline void fuzz_elf(struct buf *b, uint16_t type, uint16_t machine, uint64_t entry,
			    const struct fuzz_sec *secs, size_t n)
{
	struct buf names = BUF_INIT(4096), headers = BUF_INIT(65536);
	Elf64_Shdr strs = {.sh_type = SHT_STRTAB};
	Elf64_Ehdr h = {.e_ident = ELFMAG, .e_type = type, .e_machine = machine, .e_version = 1,
			.e_entry = entry, .e_phoff = sizeof(h), .e_ehsize = sizeof(h),
			.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = (uint16_t)(2 * n),
			.e_shentsize = sizeof(Elf64_Shdr), .e_shnum = (uint16_t)(n + 2),
			.e_shstrndx = (uint16_t)(n + 1)};

	h.e_ident[EI_CLASS] = ELFCLASS64;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	h.e_ident[EI_VERSION] = EV_CURRENT;
	strs.sh_offset = fuzz_elf_at(secs, n, n);
	buf_u8(&names, 0);
	buf_put(&headers, &(Elf64_Shdr){0}, sizeof(Elf64_Shdr));
	for (size_t i = 0; i < n; i++) {
		Elf64_Shdr s = {.sh_name = (uint32_t)names.len, .sh_type = secs[i].type,
				.sh_flags = secs[i].flags, .sh_addr = secs[i].vaddr,
				.sh_offset = fuzz_elf_at(secs, n, i), .sh_link = secs[i].link,
				.sh_size = cursor_left(&secs[i].bytes), .sh_addralign = 1};
		buf_str(&names, secs[i].name);
		buf_put(&headers, &s, sizeof(s));
	}
	strs.sh_name = (uint32_t)names.len;
	buf_str(&names, ".shstrtab");
	strs.sh_size = names.len;
	buf_put(&headers, &strs, sizeof(strs));
	h.e_shoff = (strs.sh_offset + names.len + 7) & ~UINT64_C(7);
	buf_put(b, &h, sizeof(h));
	for (size_t i = 0; i < n; i++) {
		uint64_t at = fuzz_elf_at(secs, n, i);
		fuzz_elf_segment(b, &secs[i], secs[i].vaddr ? PT_LOAD : PT_NULL, at);
		fuzz_elf_segment(b, &secs[i], secs[i].segment, at);
	}
	for (size_t i = 0; i < n; i++) {
		size_t len = cursor_left(&secs[i].bytes);
		buf_put(b, secs[i].bytes.at, len);
		buf_put(b, "\0\0\0\0\0\0\0", -len & 7);
	}
	buf_put(b, names.data, names.len);
	buf_put(b, "\0\0\0\0\0\0\0", -names.len & 7);
	buf_put(b, headers.data, headers.len);
	assert(!b->bad && !names.bad && !headers.bad);
	buf_free(&names);
	buf_free(&headers);
}

#endif
