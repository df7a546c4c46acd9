/* SPDX-License-Identifier: Apache-2.0
 *
 * MiniDebugInfo: an xz-compressed ELF file in .gnu_debugdata whose .symtab has the function names
 * that .dynsym lacks (sourceware.org/gdb, "Debugging information in a special section").
 */
#ifndef SYMBOLIZER_MINIDEBUG_H
#define SYMBOLIZER_MINIDEBUG_H

#include <stdint.h>

#include "symbolizer/symtab.h"

enum { MINIDEBUG_MAX = 64 << 20 }; /* bytes, decompressed */

struct minidebug;

/* `xz` is the section's content and need not live on. 0; -EBADMSG; -EFBIG; -ENOMEM. */
int minidebug_open(struct image_span xz, const struct sym_info *info, struct minidebug **ret);
void minidebug_close(struct minidebug **m);
struct str minidebug_find(const struct minidebug *m, uint64_t addr);

#endif
