/* SPDX-License-Identifier: Apache-2.0
 *
 * The first half of tree.h: from locations to names. Used by tree.c alone.
 */
#ifndef EXPORTERS_TREE_NAMES_H
#define EXPORTERS_TREE_NAMES_H

#include "exporters/tree.h"

struct tree_names {
	uint32_t *first; /* per location, into `all`; one more at the end */
	VEC(uint32_t) all; /* names, outermost line first */
	uint32_t *process; /* per sample its process' name, or NULL where there are not several */
};

/* Fills t->text, modules, functions, names (in order of first use; [0] is the root's). 0, -ENOMEM
 * or -E2BIG; free `ret` in any case. */
int tree_names_make(const struct profile *p, struct tree *t, struct tree_names *ret);
void tree_names_free(struct tree_names *n);

#endif
