/* SPDX-License-Identifier: Apache-2.0
 *
 * The modules that the collector has handed over, by the id that it chose: an ELF file with its
 * names and unwind rows, or a table of symbols as text.
 */
#ifndef SYMBOLIZER_MODULE_H
#define SYMBOLIZER_MODULE_H

#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/wire/sym.h"
#include "symbolizer/frames.h"

struct module;
struct modules;

enum {
	MODULES_MAX = 1 << 20,
	MODULES_KEPT = 24 << 20, /* libc's debug information, decompressed, is 20 MB */
	/* DWARF entries that one SYM_NAMES request may visit: more than any unit has that a
	 * compiler wrote, and about a second's work. */
	MODULE_VISITS = 16 << 20,
};

int modules_new(struct modules **ret); /* 0 or -ENOMEM */
void modules_free(struct modules **ms);

/* Adds a module, or replaces the one of this id; `fd` is taken over. On a failure (-ENOEXEC,
 * -EBADMSG, -EINVAL, -ENOMEM) no module has the id. */
int modules_add(struct modules *ms, uint32_t id, uint32_t kind, int fd, struct module **ret);
struct module *modules_find(struct modules *ms, uint32_t id); /* NULL */
void modules_forget(struct modules *ms, uint32_t id);

/* Flags and open wishes; zeros for a table of text. */
void module_info(const struct module *m, struct sym_info *ret);
/* Answers a wish; `fd` is taken over, -1: could not be had. 0, -EINVAL, -ENOMEM. */
int module_debug(struct module *m, uint32_t kind, int fd);
/* Appends the rows of a page (wire/rows.h) to `b`: 0, -ENOTSUP for text, -ENOMEM. */
int module_rows(struct module *m, uint32_t page, struct buf *b);

/* To be called before a batch of module_at(): takes in what is new in a growing table. */
void module_refresh(struct module *m);
/* See names_at(). Strings stay valid until the next modules_trim(). */
void module_at(struct module *m, uint64_t addr, uint64_t *budget, struct frames *ret);

/* Where the process holds more than MODULES_KEPT bytes of heap, gives back what can be read again
 * of all modules but `keep`. */
void modules_trim(struct modules *ms, const struct module *keep);

#endif
