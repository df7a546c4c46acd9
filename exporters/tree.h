/* SPDX-License-Identifier: Apache-2.0
 *
 * The call tree of a profile: stacks merged from the root, inlined lines as frames of their own,
 * labels dropped but for the process name, which is the first level where there are several.
 */
#ifndef EXPORTERS_TREE_H
#define EXPORTERS_TREE_H

#include "agent/base/buf.h"
#include "agent/base/vec.h"
#include "agent/wire/profile.h"

enum tree_flag { /* of a name; at most 15 in all */
	TREE_KIND = 7, /* mask of enum tree_kind */
	TREE_INLINED = 8,
};

enum tree_kind {
	TREE_USER = 0,
	TREE_KERNEL,
	TREE_JIT,
	TREE_UNNAMED, /* no symbol: a place in a module */
	TREE_PROCESS, /* not a frame: a process name */
	TREE_ROOT,    /* not a frame: everything */
};

struct tree_function {
	uint32_t text, module;
};

struct tree_name { /* what a box is labelled with */
	uint32_t text, function;
	uint32_t flags;
};

struct tree_node {
	uint32_t depth, name;
	uint32_t self; /* row in `selfs`, or TREE_NO_SELF */
};

#define TREE_NO_SELF UINT32_MAX

/* Texts are offsets into `text`: NUL-terminated, valid UTF-8 without control characters. */
struct tree {
	struct buf text;
	VEC(uint32_t) modules;
	VEC(struct tree_function) functions;
	VEC(struct tree_name) names;    /* by falling number of nodes; [0] is the root's */
	VEC(struct tree_node) nodes;    /* preorder, heaviest child first; [0] is the root */
	VEC(uint64_t) selfs;            /* n_types each */
	uint32_t n_types, main_type;    /* `main_type`: the one that orders children */
	uint64_t n_negative;            /* values below 0, taken as 0 */
};

/* 0, -ENOMEM, -E2BIG; on an error `ret` is left freed. */
int tree_build(const struct profile *p, struct tree *ret);
void tree_free(struct tree *t);

static inline const char *tree_text(const struct tree *t, uint32_t text)
{
	return (const char *)t->text.data + text;
}

/* Self and total weight of each function in main_type, recursion once; functions.len each. 0 or
 * -ENOMEM. */
int tree_functions(const struct tree *t, uint64_t *self, uint64_t *total);

#endif
