/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/code_priv.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/sort.h"

static bool is_named(struct image_span strs, uint32_t name, const char *want)
{
	size_t len = strlen(want) + 1;

	return strs.at && name < strs.len && strs.len - name >= len &&
	       !memcmp(strs.at + name, want, len);
}

/* Functions of C libraries that never return; only read where CFI has nothing. */
static bool is_root(struct image_span strs, uint32_t name)
{
	static const char *const roots[] = {"__libc_start_main", "libc_start_main_stage2",
					    "_start_c", "_start", "start_c11"};

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (is_named(strs, name, roots[i]))
			return true;
	return false;
}

/* Of several at one address the largest remains; a root is one by any of its names. */
static int unite(struct code_symbols *s)
{
	int r = SORT_BY(&s->all, low);
	size_t n = 0;

	for (size_t i = 0; i < s->all.len && !r; i++) {
		const struct code_symbol *next = &s->all.at[i];
		struct code_symbol *last = n ? &s->all.at[n - 1] : NULL;
		if (!last || last->low != next->low) {
			s->all.at[n++] = *next;
			continue;
		}
		last->root |= next->root;
		last->high = next->high > last->high ? next->high : last->high;
	}
	s->all.len = n;
	return r;
}

static int read_table(const struct image *img, const char *name, struct code_symbols *ret)
{
	struct image_span syms = image_data(img, name), strs = {0};
	size_t thread = SIZE_MAX;
	bool is_musl = false;
	struct image_sec sec, link;

	if (image_sec_named(img, name, &sec) && image_sec(img, sec.link, &link))
		strs = (struct image_span){image_at(img, link.offset, link.size), link.size};
	for (size_t at = 0; syms.at && syms.len - at >= sizeof(Elf64_Sym); at += sizeof(Elf64_Sym)) {
		struct code_symbol *out;
		Elf64_Sym y;

		memcpy(&y, syms.at + at, sizeof(y));
		if (ELF64_ST_TYPE(y.st_info) != STT_FUNC || y.st_shndx == SHN_UNDEF)
			continue;
		if (ret->all.len >= CODE_SYMBOLS_MAX)
			break;
		out = vec_add(&ret->all);
		if (!out)
			return -ENOMEM;
		*out = (struct code_symbol){y.st_value, y.st_value, false};
		if (y.st_size <= UINT64_MAX - y.st_value)
			out->high += y.st_size;
		out->root = is_root(strs, y.st_name);
		is_musl |= is_named(strs, y.st_name, "start_c11");
		if (is_named(strs, y.st_name, "start") && ELF64_ST_BIND(y.st_info) == STB_LOCAL)
			thread = ret->all.len - 1;
	}
	/* musl's threads begin in these two; the one's name may well be another's elsewhere. */
	if (is_musl && thread != SIZE_MAX)
		ret->all.at[thread].root = true;
	return 0;
}

int code_symbols_read(const struct image *img, struct code_symbols *ret)
{
	int err = read_table(img, ".symtab", ret);

	if (!err && !ret->all.len)
		err = read_table(img, ".dynsym", ret);
	return err ? err : unite(ret);
}

/* How many begin at or below `pc`. */
static size_t count_to(const struct code_symbols *s, uint64_t pc)
{
	size_t low = 0, high = s->all.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->all.at[mid].low <= pc)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct code_symbol *code_symbol_at(const struct code_symbols *s, uint64_t pc)
{
	size_t n = count_to(s, pc);

	return n ? &s->all.at[n - 1] : NULL;
}

uint64_t code_symbol_after(const struct code_symbols *s, uint64_t pc)
{
	size_t n = count_to(s, pc);

	return n < s->all.len ? s->all.at[n].low : UINT64_MAX;
}

bool code_symbols_root(const struct code_symbols *s, uint64_t pc)
{
	const struct code_symbol *y = code_symbol_at(s, pc);

	return y && y->root && (pc < y->high || y->high == y->low);
}
