/* SPDX-License-Identifier: Apache-2.0
 *
 * One compilation unit: its tree of functions and inlined functions (DWARF 5, 3.3), and its lines.
 */
#include <dwarf.h>
#include <string.h>

#include "symbolizer/debuginfo_priv.h"

/* Younger than libdw's dwarf.h (dwarfstd.org, "Language Names"). */
enum { LANG_C17 = 0x2c, LANG_C23 = 0x3e };
enum { DEPTH_MAX = 64, NODES_MAX = 1 << 24, NODE_RANGES_MAX = 65536 };

struct walk {
	struct unit *u;
	uint64_t left; /* entries that may still be visited */
};

/* Adds the ranges of node `i`; true when any code is in it. */
static bool add_code(struct unit *u, Dwarf_Die *die, uint32_t i, unsigned depth)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t off = 0;
	bool any = false;

	for (int n = 0; n < NODE_RANGES_MAX; n++) {
		off = dwarf_ranges(die, off, &base, &low, &high);
		if (off <= 0)
			break;
		if (low < CODE_MIN || low >= high)
			continue;
		any = true;
		if (spans_add(&u->spans, low, high, depth, i))
			break;
	}
	return any;
}

static uint32_t number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute a;
	Dwarf_Word v;

	if (!dwarf_attr(die, name, &a) || dwarf_formudata(&a, &v) || v > UINT32_MAX)
		return 0;
	return (uint32_t)v;
}

/* The node for an entry that is a function with code; else NODE_NONE. */
static uint32_t add_node(struct unit *u, Dwarf_Die *die, uint32_t parent, unsigned depth)
{
	uint32_t i = (uint32_t)u->nodes.len;
	struct node *n;

	if (!add_code(u, die, i, depth))
		return NODE_NONE;
	n = vec_add_max(&u->nodes, NODES_MAX);
	if (!n)
		return NODE_NONE;
	n->die = *die;
	n->parent = parent;
	if (parent != NODE_NONE) {
		n->call_file = number_of(die, DW_AT_call_file);
		n->call_line = number_of(die, DW_AT_call_line);
	}
	return i;
}

static void walk_children(struct walk *w, Dwarf_Die *parent, uint32_t node, unsigned depth);

static void walk_die(struct walk *w, Dwarf_Die *die, uint32_t node, unsigned depth)
{
	uint32_t i;

	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
		/* Without code it is a declaration, or the abstract form of an inlined function;
		 * what is inlined there has no code either. */
		i = add_node(w->u, die, NODE_NONE, depth);
		if (i != NODE_NONE)
			walk_children(w, die, i, depth + 1);
		break;
	case DW_TAG_inlined_subroutine:
		if (node == NODE_NONE)
			break;
		i = add_node(w->u, die, node, depth);
		walk_children(w, die, i != NODE_NONE ? i : node, depth + 1);
		break;
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_with_stmt:
	case DW_TAG_entry_point:
		walk_children(w, die, node, depth + 1);
		break;
	case DW_TAG_structure_type: /* Rust and others define methods inside their types */
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		if (!w->u->plain_names && node == NODE_NONE)
			walk_children(w, die, NODE_NONE, depth + 1);
		break;
	}
}

/* A sibling may point back (cycles), so visits are counted, and the depth of the tree is the
 * file's choice, so that is bounded too. */
static void walk_children(struct walk *w, Dwarf_Die *parent, uint32_t node, unsigned depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || !dwarf_haschildren(parent) || dwarf_child(parent, &die))
		return;
	do {
		if (!w->left)
			return;
		w->left--;
		walk_die(w, &die, node, depth);
	} while (dwarf_siblingof(&die, &die) == 0);
}

/* Languages in which DW_AT_name alone names the function. */
static bool has_plain_names(int lang)
{
	switch (lang) {
	case DW_LANG_C89:
	case DW_LANG_C:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case LANG_C17:
	case LANG_C23:
	case DW_LANG_Mips_Assembler:
	case DW_LANG_Go:
		return true;
	}
	return false;
}

void unit_walk(struct debuginfo *d, struct unit *u, uint64_t *budget)
{
	struct walk w = {.u = u, .left = *budget < u->size ? *budget : u->size};
	uint64_t before = w.left;

	u->is_walked = true;
	if (!dwarf_offdie(d->dwarf, u->die, &u->cu))
		return;
	u->plain_names = has_plain_names(dwarf_srclang(&u->cu));
	walk_children(&w, &u->cu, NODE_NONE, 0);
	*budget -= before - w.left;
	spans_flatten(&u->spans);
}

static void read_lines(struct unit *u)
{
	size_t n;

	u->has_lines = true;
	if (dwarf_getsrclines(&u->cu, &u->lines, &n))
		u->lines = NULL;
	if (dwarf_getsrcfiles(&u->cu, &u->files, &n))
		u->files = NULL;
}

static void place_at(struct unit *u, uint64_t addr, struct frame *ret)
{
	Dwarf_Line *line = u->lines ? dwarf_getsrc_die(&u->cu, addr) : NULL;
	int n = 0;

	if (!line)
		return;
	dwarf_lineno(line, &n);
	ret->line = n > 0 ? (uint32_t)n : 0;
	ret->file = str_of(dwarf_linesrc(line, NULL, NULL));
}

static struct str string_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute a;
	const char *s = dwarf_attr_integrate(die, name, &a) ? dwarf_formstring(&a) : NULL;

	return str_of(s && *s ? s : NULL);
}

/* In C a linkage name is an alias of the compiler's or the library's ("__GI_setlocale"). */
static void read_node(struct unit *u, struct node *n)
{
	int line;

	n->known = true;
	if (!u->plain_names)
		n->name = string_of(&n->die, DW_AT_linkage_name);
	if (!u->plain_names && !n->name.at)
		n->name = string_of(&n->die, DW_AT_MIPS_linkage_name);
	n->qualified = n->name.at || u->plain_names;
	if (!n->name.at)
		n->name = string_of(&n->die, DW_AT_name);
	if (dwarf_decl_line(&n->die, &line) == 0 && line > 0)
		n->start_line = (uint32_t)line;
}

/* A function that C++ gave only a plain name is better named by its symbol: it is left nameless,
 * with the plain name in `place` for the case that there is no symbol. */
static void put_function(const struct node *n, const struct frame *at, struct frames *ret)
{
	struct frame *f = &ret->at[ret->n++];

	*f = *at;
	f->name = n->name;
	f->start_line = n->start_line;
	if (!n->qualified && n->parent == NODE_NONE) {
		ret->place.name = n->name;
		f->name = (struct str){0};
	}
}

void unit_at(struct unit *u, uint64_t addr, struct frames *ret)
{
	uint32_t i = spans_find(&u->spans, addr);
	struct frame at = {0};

	if (!u->has_lines)
		read_lines(u);
	place_at(u, addr, &at);
	ret->place = at;
	ret->is_c = u->plain_names;
	while (i != SPANS_NONE) {
		struct node *n = &u->nodes.at[i];
		bool is_outermost = n->parent == NODE_NONE;
		if (!n->known)
			read_node(u, n);
		/* The function itself is named even where too much is inlined into it. */
		if (is_outermost || (n->name.at && ret->n < SYM_FRAMES_MAX - 1))
			put_function(n, &at, ret);
		if (is_outermost)
			break;
		at.line = n->call_line;
		at.file = str_of(u->files ? dwarf_filesrc(u->files, n->call_file, NULL, NULL)
					  : NULL);
		i = n->parent;
	}
}

void unit_free(struct unit *u)
{
	vec_free(&u->nodes);
	spans_free(&u->spans);
}
