/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "symbolizer/names_priv.h"

int names_open(const struct image *img, struct names **ret)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->own = img;
	image_info(img, &n->info);
	*ret = n;
	return 0;
}

void names_close(struct names **np)
{
	struct names *n = *np;

	if (n) {
		names_trim(n);
		gopclntab_close(&n->go);
		image_close(&n->alt);
		image_close(&n->debug);
	}
	free(n);
	*np = NULL;
}

/* True once, and then never again: what could not be opened stays closed. */
static bool first(bool *tried)
{
	bool was = *tried;

	*tried = true;
	return !was;
}

static void ask_dwarf(struct names *n, uint64_t addr, uint64_t *budget, struct frames *ret)
{
	const struct image *img = names_dwarf_image(n);

	if (img && *budget && first(&n->dwarf_tried))
		debuginfo_open(image_fd(img), n->alt ? image_fd(n->alt) : -1, &n->dwarf);
	if (n->dwarf)
		debuginfo_at(n->dwarf, addr, budget, ret);
}

/* A debug file has the whole table, the stripped program's own is a part of it. */
static struct str ask_symtab(struct names *n, uint64_t addr)
{
	if (first(&n->symtab_tried)) {
		if (n->debug)
			symtab_of_image(n->debug, ".symtab", &n->debug_info, &n->symtab);
		if (!n->symtab)
			symtab_of_image(n->own, ".symtab", &n->info, &n->symtab);
	}
	return symtab_find(n->symtab, addr);
}

static struct str ask_minidebug(struct names *n, uint64_t addr)
{
	if (n->info.flags & SYM_HAS_MINI && first(&n->mini_tried))
		minidebug_open(image_stored(n->own, ".gnu_debugdata"), &n->info, &n->mini);
	return minidebug_find(n->mini, addr);
}

static struct str ask_dynsym(struct names *n, uint64_t addr)
{
	if (first(&n->dynsym_tried))
		symtab_of_image(n->own, ".dynsym", &n->info, &n->dynsym);
	return symtab_find(n->dynsym, addr);
}

static struct str ask_code(struct names *n, uint64_t addr, struct frames *ret)
{
	struct str s = {0};

	if (plt_is_start(n->own, addr))
		return (struct str){"_start", sizeof("_start") - 1};
	if (first(&n->plt_tried))
		plt_open(n->own, &n->plt);
	if (n->plt)
		s = plt_find(n->plt, addr);
	if (s.at) {
		int len = snprintf(ret->scratch, sizeof(ret->scratch), "%.*s@plt", (int)s.len,
				   s.at);
		s = (struct str){ret->scratch, (size_t)len};
	}
	return s;
}

static bool ask_go(struct names *n, uint64_t addr, struct frames *ret)
{
	struct gopclntab_func f;

	if (n->info.flags & SYM_IS_GO && first(&n->go_tried))
		gopclntab_open(n->own, &n->go);
	if (!n->go || !gopclntab_func(n->go, addr, &f) || !f.name || !*f.name)
		return false;
	ret->n = 1;
	ret->at[0] = (struct frame){.name = str_of(f.name), .file = str_of(f.file), .line = f.line,
				    .start_line = f.start_line};
	return true;
}

/* The tables that know names alone. */
static struct str ask_tables(struct names *n, uint64_t addr)
{
	struct str s = ask_symtab(n, addr);

	if (!s.at)
		s = ask_minidebug(n, addr);
	return s;
}

static bool is_code(const struct names *n, uint64_t addr)
{
	for (int i = 0; i < n->info.n_segs; i++)
		if (addr >= n->info.segs[i].vaddr &&
		    addr - n->info.segs[i].vaddr < n->info.segs[i].memsz)
			return true;
	return false;
}

/* Names the outermost function that DWARF knows: C's by what the library exports it as, which is
 * what people call and what a profile without debug files shows ("malloc", not "__libc_malloc");
 * a nameless one by its symbol. */
static void name_outermost(struct names *n, uint64_t addr, struct frames *ret)
{
	struct frame *f = &ret->at[ret->n - 1];
	struct str s = {0};

	if (!f->name.at)
		s = ask_tables(n, addr);
	if (!s.at && (!f->name.at || ret->is_c))
		s = ask_dynsym(n, addr);
	if (s.at)
		f->name = s;
	else if (!f->name.at)
		f->name = ret->place.name;
	ret->n -= !f->name.at;
}

void names_at(struct names *n, uint64_t addr, uint64_t *budget, struct frames *ret)
{
	struct str s;

	ret->n = 0;
	ret->place = (struct frame){0};
	if (!is_code(n, addr))
		return;
	ask_dwarf(n, addr, budget, ret);
	if (ret->n)
		name_outermost(n, addr, ret);
	/* Go's own table has lines too, so it comes before tables that know names alone. */
	if (ret->n || ask_go(n, addr, ret))
		return;
	s = ask_tables(n, addr);
	if (!s.at)
		s = ask_dynsym(n, addr);
	if (!s.at)
		s = ask_code(n, addr, ret);
	if (s.at) {
		ret->n = 1;
		ret->at[0] = ret->place;
		ret->at[0].name = s;
	}
}

bool names_trim(struct names *n)
{
	bool any = n->dwarf || n->symtab || n->dynsym || n->mini || n->plt;

	debuginfo_close(&n->dwarf);
	symtab_free(&n->symtab);
	symtab_free(&n->dynsym);
	minidebug_close(&n->mini);
	plt_close(&n->plt);
	n->dwarf_tried = n->symtab_tried = n->mini_tried = n->dynsym_tried = n->plt_tried = false;
	return any;
}
