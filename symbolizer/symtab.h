/* SPDX-License-Identifier: Apache-2.0
 *
 * Function names from an ELF symbol table (.symtab, .dynsym; System V gABI, chapter 4).
 *
 * An address gets a name only if the table says so: a sized symbol covers [value, value + size);
 * one without a size (assembly) the bytes up to the next symbol of any kind, inside its section.
 * Of several names for one place a global one wins over a weak one over a local one.
 */
#ifndef SYMBOLIZER_SYMTAB_H
#define SYMBOLIZER_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbolizer/image.h"

struct symtab;

/* A piece of text that need not be terminated. */
struct str {
	const char *at; /* NULL: none */
	size_t len;
};

struct symtab_sec { /* by section index */
	uint64_t low, high;
	bool exec;
};

struct symtab_in {
	const void *syms; /* Elf64_Sym; any alignment */
	size_t syms_len;
	const char *strs; /* must outlive the symtab, as `syms` need not */
	size_t strs_len;
	const struct symtab_sec *secs; /* NULL where the file has no section headers: */
	size_t n_secs;
	const struct sym_seg *segs; /* then its executable segments bound the symbols */
	size_t n_segs;
	bool sized_only; /* a table that leaves out local functions says nothing about gaps */
};

/* 0 (also when nothing usable is in it), or -ENOMEM. */
int symtab_build(const struct symtab_in *in, struct symtab **ret);
void symtab_free(struct symtab **t);

/* .symtab or .dynsym of an image (the latter by PT_DYNAMIC where there are no section headers);
 * `segs` as in struct symtab_in. -ENOENT where there is none. The image must outlive `ret`. */
int symtab_of_image(const struct image *img, const char *section, const struct sym_info *info,
		    struct symtab **ret);

/* The symbol at `addr`, its version cut off; {NULL} where none is. */
struct str symtab_find(const struct symtab *t, uint64_t addr);

#endif
