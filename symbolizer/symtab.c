/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/symtab.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cursor.h"
#include "agent/base/sort.h"
#include "symbolizer/spans.h"

enum { SYMBOLS_MAX = SPANS_MAX, NAME_LEN_MAX = 65536 };

struct symtab {
	struct spans spans; /* value: offset of the name */
	const char *strs;
	size_t strs_len;
};

struct symbol {
	uint64_t low, size;
	uint32_t name;
	uint16_t sec;
	uint8_t rank;  /* higher is the better name */
	bool is_named; /* else it only ends an unsized one before it */
};

typedef VEC(struct symbol) symbols;

/* A string of a section that has been cut behind its last NUL, so that each one ends inside. */
static const char *name_at(const char *strs, size_t len, uint32_t off)
{
	return off < len ? strs + off : NULL;
}

static size_t up_to_last_nul(const char *strs, size_t len)
{
	const char *nul = len ? memrchr(strs, 0, len) : NULL;

	return nul ? (size_t)(nul - strs) + 1 : 0;
}

/* $x, $d: mapping symbols (AAELF64, 5.5.4); .L: an assembler's own labels that were kept. */
static bool is_label(const char *s)
{
	return (s[0] == '$' && strchr("adtx", s[1]) && s[1] && (s[2] == '\0' || s[2] == '.')) ||
	       (s[0] == '.' && s[1] == 'L');
}

static uint8_t binding_rank(const Elf64_Sym *s)
{
	unsigned bind = ELF64_ST_BIND(s->st_info);
	uint8_t rank = bind == STB_WEAK ? 2 : bind == STB_LOCAL ? 0 : 4;

	return rank + (ELF64_ST_TYPE(s->st_info) != STT_NOTYPE);
}

static bool bounds(const struct symtab_in *in, uint16_t sec, uint64_t at, uint64_t *ret_high)
{
	if (sec < in->n_secs) {
		*ret_high = in->secs[sec].high;
		return in->secs[sec].exec && at >= in->secs[sec].low && at < in->secs[sec].high;
	}
	for (size_t i = 0; i < in->n_segs; i++) {
		const struct sym_seg *g = &in->segs[i];
		*ret_high = g->vaddr + g->memsz;
		if (at >= g->vaddr && at - g->vaddr < g->memsz)
			return true;
	}
	return false;
}

static void add_symbol(symbols *all, const struct symtab_in *in, size_t strs_len,
		       const Elf64_Sym *s)
{
	unsigned type = ELF64_ST_TYPE(s->st_info);
	const char *name = name_at(in->strs, strs_len, s->st_name);
	bool is_code = type == STT_FUNC || type == STT_NOTYPE || type == STT_GNU_IFUNC;
	struct symbol *y;
	uint64_t high;

	if (s->st_shndx == SHN_UNDEF ||
	    (s->st_shndx >= SHN_LORESERVE && s->st_shndx != SHN_XINDEX) ||
	    type == STT_SECTION || type == STT_FILE || type == STT_TLS || !name ||
	    !bounds(in, s->st_shndx, s->st_value, &high) || !*name || is_label(name))
		return;
	y = vec_add_max(all, SYMBOLS_MAX);
	if (y)
		*y = (struct symbol){s->st_value, s->st_size, s->st_name, s->st_shndx,
				     binding_rank(s), is_code};
}

static unsigned underscores(const char *s)
{
	unsigned n = 0;

	while (s[n] == '_')
		n++;
	return n;
}

/* Among names that are otherwise equal, the one that people type: fewer leading underscores, then
 * shorter; at last by their bytes, so that every run says the same. */
static int by_name(const char *a, const char *b)
{
	unsigned ua = underscores(a), ub = underscores(b);
	size_t la = strnlen(a, NAME_LEN_MAX), lb = strnlen(b, NAME_LEN_MAX);

	if (ua != ub)
		return ua > ub ? -1 : 1;
	if (la != lb)
		return la > lb ? -1 : 1;
	return -strncmp(a, b, NAME_LEN_MAX);
}

/* Of one address: the best name comes last. */
static int by_merit(const void *a, const void *b, void *strs)
{
	const struct symbol *x = a, *y = b;

	if (!x->is_named != !y->is_named)
		return x->is_named ? 1 : -1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return by_name((const char *)strs + x->name, (const char *)strs + y->name);
}

static int sort_symbols(symbols *all, const char *strs)
{
	int r = SORT_BY(all, low);

	for (size_t i = 0, next; i < all->len && !r; i = next) {
		for (next = i + 1; next < all->len && all->at[next].low == all->at[i].low; next++)
			;
		if (next - i > 1)
			qsort_r(&all->at[i], next - i, sizeof(*all->at), by_merit, (void *)strs);
	}
	return r;
}

static int add_spans(struct spans *spans, const symbols *all, const struct symtab_in *in)
{
	uint64_t sized_until = 0;
	size_t group = 0;
	int r = 0;

	for (size_t i = 0; i < all->len && !r; i++) {
		const struct symbol *s = &all->at[i];
		uint64_t high = 0, end;

		bounds(in, s->sec, s->low, &high);
		end = s->size && s->size < high - s->low ? s->low + s->size : high;
		/* All of one address are seen before the unsized among them are judged. */
		for (; group < all->len && all->at[group].low <= s->low; group++)
			if (all->at[group].size &&
			    all->at[group].low + all->at[group].size > sized_until)
				sized_until = all->at[group].low + all->at[group].size;
		if (!s->is_named)
			continue;
		if (!s->size) {
			if (in->sized_only || s->low < sized_until)
				continue;
			/* Up to the next symbol, or with its section. */
			end = group < all->len && all->at[group].low < high
				      ? all->at[group].low : high;
		}
		r = spans_add(spans, s->low, end, s->low, s->name);
	}
	return r;
}

int symtab_build(const struct symtab_in *in, struct symtab **ret)
{
	struct cursor c = cursor_over(in->syms, in->syms_len);
	struct symtab *t = calloc(1, sizeof(*t));
	symbols all = {0};
	const void *at;
	int r;

	if (!t)
		return -ENOMEM;
	t->strs = in->strs;
	t->strs_len = up_to_last_nul(in->strs, in->strs_len);
	while ((at = cursor_take(&c, sizeof(Elf64_Sym)))) {
		Elf64_Sym s;
		memcpy(&s, at, sizeof(s));
		add_symbol(&all, in, t->strs_len, &s);
	}
	r = sort_symbols(&all, in->strs);
	if (!r)
		r = add_spans(&t->spans, &all, in);
	vec_free(&all);
	if (!r)
		r = spans_flatten(&t->spans);
	if (r)
		symtab_free(&t);
	else
		*ret = t;
	return r;
}

void symtab_free(struct symtab **t)
{
	if (*t)
		spans_free(&(*t)->spans);
	free(*t);
	*t = NULL;
}

struct str symtab_find(const struct symtab *t, uint64_t addr)
{
	uint32_t off = t ? spans_find(&t->spans, addr) : SPANS_NONE;
	const char *s = off == SPANS_NONE ? NULL : name_at(t->strs, t->strs_len, off);
	const char *version = s && *s ? strchr(s + 1, '@') : NULL;

	return (struct str){s, !s ? 0 : version ? (size_t)(version - s) : strnlen(s, NAME_LEN_MAX)};
}
