/* SPDX-License-Identifier: Apache-2.0
 *
 * Names for code that no table names: stubs of the procedure linkage table ("read@plt"), found by
 * decoding the stub's jump and the relocation of the slot that it jumps through, and `_start`,
 * recognized by its instructions at the entry point.
 *
 * Source: x86-64 psABI 5.2 (PLT, with and without IBT), AAELF64; glibc's and musl's start code.
 */
#ifndef SYMBOLIZER_PLT_H
#define SYMBOLIZER_PLT_H

#include "symbolizer/image.h"
#include "symbolizer/symtab.h"

struct plt;

/* The image must outlive `ret`. 0 or -ENOMEM; an image without relocations has no stubs. */
int plt_open(const struct image *img, struct plt **ret);
void plt_close(struct plt **p);

/* The symbol whose stub `addr` is in, without "@plt"; {NULL}. */
struct str plt_find(const struct plt *p, uint64_t addr);

/* True when `addr` is in the start code at the entry point. */
bool plt_is_start(const struct image *img, uint64_t addr);

#endif
