/* SPDX-License-Identifier: Apache-2.0
 *
 * Between names.c, which looks up, and names_files.c, which knows whose file is whose.
 */
#ifndef SYMBOLIZER_NAMES_PRIV_H
#define SYMBOLIZER_NAMES_PRIV_H

#include "symbolizer/debuginfo.h"
#include "symbolizer/gopclntab.h"
#include "symbolizer/minidebug.h"
#include "symbolizer/names.h"
#include "symbolizer/plt.h"

/* Each source is opened when it is first asked; one that cannot be is not tried again. */
struct names {
	const struct image *own;
	struct image *debug; /* separate debug file, or NULL */
	struct image *alt;   /* dwz's supplementary file, or NULL */
	struct sym_info info, debug_info; /* of the two files alone */
	unsigned settled;    /* wishes, a bit per enum sym_want_kind */

	bool dwarf_tried, symtab_tried, mini_tried, go_tried, dynsym_tried, plt_tried;
	struct debuginfo *dwarf;
	struct symtab *symtab, *dynsym;
	struct minidebug *mini;
	struct gopclntab *go;
	struct plt *plt;
};

/* The file that has .debug_info; NULL. */
const struct image *names_dwarf_image(const struct names *n);

#endif
