/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/plt.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cursor.h"
#include "agent/base/vec.h"

enum {
	RELOCS_MAX_BYTES = 256 << 20,
	SLOTS_MAX = 1 << 20,
	NAME_LEN_MAX = 200,
	START_MAX = 64, /* bytes of the longest start code known */
};

struct slot { /* of the global offset table */
	uint64_t addr;
	uint32_t symbol;
};

struct plt {
	const struct image *img;
	VEC(struct slot) slots; /* sorted */
	struct image_sec stubs[3]; /* sections of stubs; size 0: not there */
	uint64_t symtab, strtab, strsz;
};

static bool is_slot(uint16_t machine, uint32_t type)
{
	if (machine == EM_X86_64)
		return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
	return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
}

static void read_relocs(struct plt *p, int64_t tag, int64_t size_tag)
{
	uint64_t at, size;
	struct cursor c = {0};

	if (!image_dynamic(p->img, tag, &at) || !image_dynamic(p->img, size_tag, &size) ||
	    size > RELOCS_MAX_BYTES)
		return;
	c = cursor_over(image_bytes(p->img, at, size), size);
	while (c.at && cursor_left(&c) >= sizeof(Elf64_Rela)) {
		Elf64_Rela r;
		struct slot *s;
		memcpy(&r, cursor_take(&c, sizeof(r)), sizeof(r));
		if (!is_slot(image_machine(p->img), ELF64_R_TYPE(r.r_info)))
			continue;
		s = vec_add_max(&p->slots, SLOTS_MAX);
		if (!s)
			return;
		*s = (struct slot){r.r_offset, ELF64_R_SYM(r.r_info)};
	}
}

static int by_addr(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void find_stubs(struct plt *p)
{
	static const char *const names[] = {".plt.sec", ".plt.got", ".plt"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!image_sec_named(p->img, names[i], &p->stubs[i]))
			p->stubs[i].size = 0;
}

int plt_open(const struct image *img, struct plt **ret)
{
	struct plt *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->img = img;
	if (image_dynamic(img, DT_SYMTAB, &p->symtab) &&
	    image_dynamic(img, DT_STRTAB, &p->strtab) &&
	    image_dynamic(img, DT_STRSZ, &p->strsz)) {
		read_relocs(p, DT_JMPREL, DT_PLTRELSZ);
		read_relocs(p, DT_RELA, DT_RELASZ);
	}
	find_stubs(p);
	if (p->slots.len)
		qsort(p->slots.at, p->slots.len, sizeof(*p->slots.at), by_addr);
	*ret = p;
	return 0;
}

void plt_close(struct plt **p)
{
	if (*p)
		vec_free(&(*p)->slots);
	free(*p);
	*p = NULL;
}

static int32_t le32(const uint8_t *at)
{
	int32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* jmp *slot(%rip), behind endbr64 and bnd where they are. */
static bool decode_x86(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret_slot)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t i = 0;

	if (len >= sizeof(endbr64) && !memcmp(code, endbr64, sizeof(endbr64)))
		i = sizeof(endbr64);
	if (i < len && code[i] == 0xf2)
		i++;
	if (len < 6 || i > len - 6 || code[i] != 0xff || code[i + 1] != 0x25)
		return false;
	*ret_slot = addr + i + 6 + (uint64_t)(int64_t)le32(code + i + 2);
	return true;
}

/* adrp x16, page; ldr x17, [x16, offset]; behind bti c where it is. */
static bool decode_arm(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret_slot)
{
	size_t i = len >= 4 && (uint32_t)le32(code) == 0xd503245f ? 4 : 0;
	uint32_t adrp, ldr;
	int64_t page;

	if (len < i + 8)
		return false;
	adrp = (uint32_t)le32(code + i);
	ldr = (uint32_t)le32(code + i + 4);
	if ((adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211)
		return false;
	page = (int64_t)(((uint64_t)(adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3)) << 43) >> 31;
	*ret_slot = ((addr + i) & ~UINT64_C(0xfff)) + (uint64_t)page + (ldr >> 10 & 0xfff) * 8;
	return true;
}

static struct str symbol_name(const struct plt *p, uint32_t symbol)
{
	const Elf64_Sym *raw = image_bytes(p->img, p->symtab + (uint64_t)symbol * sizeof(*raw),
					   sizeof(*raw));
	Elf64_Sym s;
	struct image_span text;
	const char *nul;

	if (!raw)
		return (struct str){0};
	memcpy(&s, raw, sizeof(s));
	if (s.st_name == 0 || s.st_name >= p->strsz)
		return (struct str){0};
	text = image_from(p->img, p->strtab + s.st_name, NAME_LEN_MAX);
	nul = text.at ? memchr(text.at, 0, text.len) : NULL;
	return nul ? (struct str){(const char *)text.at, (size_t)(nul - (const char *)text.at)}
		   : (struct str){0};
}

/* The stub that `addr` is in: linkers give their sections the stub's size as entry size. */
static bool stub_at(const struct plt *p, uint64_t addr, uint64_t *ret_start, size_t *ret_len)
{
	bool is_arm = image_machine(p->img) == EM_AARCH64;

	for (size_t i = 0; i < sizeof(p->stubs) / sizeof(p->stubs[0]); i++) {
		const struct image_sec *s = &p->stubs[i];
		uint64_t off = addr - s->vaddr, entry;
		if (addr < s->vaddr || off >= s->size)
			continue;
		entry = s->entsize == 8 || s->entsize == 24 ? s->entsize : 16;
		if (is_arm && off < 32) /* the lazy binding code */
			return false;
		off -= is_arm ? (off - 32) % entry : off % entry;
		*ret_start = s->vaddr + off;
		*ret_len = (size_t)entry;
		return true;
	}
	return false;
}

struct str plt_find(const struct plt *p, uint64_t addr)
{
	uint64_t start, slot_addr;
	const uint8_t *code;
	const struct slot *s;
	size_t len;

	if (!p->slots.len || !stub_at(p, addr, &start, &len))
		return (struct str){0};
	code = image_bytes(p->img, start, len);
	if (!code || !(image_machine(p->img) == EM_X86_64
			       ? decode_x86(code, len, start, &slot_addr)
			       : decode_arm(code, len, start, &slot_addr)))
		return (struct str){0};
	s = bsearch(&(struct slot){.addr = slot_addr}, p->slots.at, p->slots.len, sizeof(*s),
		    by_addr);
	return s ? symbol_name(p, s->symbol) : (struct str){0};
}

/* endbr64? xor %ebp,%ebp (or %rbp) … call, hlt: through __libc_start_main, or musl's own. */
static size_t start_len_x86(const uint8_t *code, size_t len)
{
	size_t i = len > 4 && code[0] == 0xf3 && code[1] == 0x0f ? 4 : 0;

	if (i + 3 > len || !((code[i] == 0x31 && code[i + 1] == 0xed) ||
			     (code[i] == 0x48 && code[i + 1] == 0x31 && code[i + 2] == 0xed)))
		return 0;
	for (; i + 6 <= len; i++) {
		if (code[i] == 0xe8)
			return i + 5;
		if (code[i] == 0xff && code[i + 1] == 0x15)
			return i + 6;
	}
	return 0;
}

/* bti c? mov x29, #0; mov x30, #0 … the first bl. */
static size_t start_len_arm(const uint8_t *code, size_t len)
{
	size_t i = len >= 4 && (uint32_t)le32(code) == 0xd503245f ? 4 : 0;

	if (i + 8 > len || (uint32_t)le32(code + i) != 0xd280001d ||
	    (uint32_t)le32(code + i + 4) != 0xd280001e)
		return 0;
	for (; i + 4 <= len; i += 4)
		if (((uint32_t)le32(code + i) & 0xfc000000) == 0x94000000)
			return i + 4;
	return 0;
}

bool plt_is_start(const struct image *img, uint64_t addr)
{
	uint64_t entry = image_entry(img);
	struct image_span s;

	if (!entry || addr < entry || addr - entry >= START_MAX)
		return false;
	s = image_from(img, entry, START_MAX);
	if (!s.at)
		return false;
	return addr - entry < (image_machine(img) == EM_X86_64 ? start_len_x86(s.at, s.len)
							       : start_len_arm(s.at, s.len));
}
