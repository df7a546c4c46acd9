/* SPDX-License-Identifier: Apache-2.0
 *
 * Symbol tables that are text: the kernel's (/proc/kallsyms; kernel/kallsyms.c) and those that
 * JIT compilers leave in perf-PID.map (the kernel's tools/perf/Documentation/jit-interface.txt).
 */
#ifndef SYMBOLIZER_TEXTSYMS_H
#define SYMBOLIZER_TEXTSYMS_H

#include <stdbool.h>
#include <stdint.h>

#include "symbolizer/symtab.h"

enum {
	TEXTSYMS_FILE_MAX = 64 << 20, /* bytes of a text that are read */
	TEXTSYMS_NAME_MAX = 4096,     /* bytes of a line that are kept */
};

struct textsyms;

/* Takes `fd` over, also on failure. Nothing is read before a name is asked for. 0 or -ENOMEM. */
int kallsyms_open(int fd, struct textsyms **ret);
int perfmap_open(int fd, struct textsyms **ret);
void textsyms_close(struct textsyms **t);

/* Takes in what is new in the file: a perf map grows while the program runs, and an entry
 * replaces older ones that it overlaps, as code memory is used again. kallsyms is read once.
 * 0, or -errno of reading (what was read is kept). */
int textsyms_refresh(struct textsyms *t);

/* The function at `addr`, and the kernel module that it is in ({NULL}: none). Valid until the next
 * refresh. Kallsyms without addresses (kernel.kptr_restrict) names nothing. */
struct str textsyms_find(const struct textsyms *t, uint64_t addr, struct str *ret_module);

#endif
