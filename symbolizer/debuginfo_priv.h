/* SPDX-License-Identifier: Apache-2.0
 *
 * Between debuginfo.c, which finds the unit, and debuginfo_unit.c, which finds what is in it.
 */
#ifndef SYMBOLIZER_DEBUGINFO_PRIV_H
#define SYMBOLIZER_DEBUGINFO_PRIV_H

#include <elfutils/libdw.h>

#include "agent/base/vec.h"
#include "symbolizer/debuginfo.h"
#include "symbolizer/inflate.h"
#include "symbolizer/spans.h"

enum {
	/* No code starts inside the ELF header: linkers leave 0 and small numbers in the DWARF of
	 * functions that they dropped. */
	CODE_MIN = 64,
};
#define NODE_NONE UINT32_MAX

struct node { /* a function, or one inlined into its parent */
	Dwarf_Die die;
	uint32_t parent; /* NODE_NONE: a function that really stands there */
	uint32_t call_file, call_line;
	bool known; /* the rest has been read */
	bool qualified; /* the name tells the function from its overloads and namesakes */
	struct str name;
	uint32_t start_line;
};

struct unit {
	Dwarf_Off die; /* of its first entry */
	uint64_t size; /* bytes, which bounds the number of its entries */
	bool has_ranges, is_walked, has_lines;
	bool plain_names; /* the language has no overloading */
	VEC(struct node) nodes;
	struct spans spans; /* value: node */
	Dwarf_Die cu;
	Dwarf_Lines *lines;
	Dwarf_Files *files;
};

struct debuginfo {
	struct inflated inflated; /* sections of the Elfs below */
	Elf *elf, *alt_elf;
	Dwarf *dwarf, *alt;
	VEC(struct unit) units; /* by offset */
	struct spans spans;     /* value: unit */
};

/* Walks the unit's tree, once; entries visited are taken off `budget`. */
void unit_walk(struct debuginfo *d, struct unit *u, uint64_t *budget);
void unit_at(struct unit *u, uint64_t addr, struct frames *ret);
void unit_free(struct unit *u);

#endif
