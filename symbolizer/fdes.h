/* SPDX-License-Identifier: Apache-2.0
 *
 * The FDEs of one file in the order of their addresses: the linker's binary search table in
 * .eh_frame_hdr where it can be used, read in place; else our own list, built once at first use.
 *
 * Source: LSB 5.0 core, chapter 10.6.2 (.eh_frame_hdr).
 */
#ifndef SYMBOLIZER_FDES_H
#define SYMBOLIZER_FDES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/vec.h"
#include "symbolizer/cfi.h"
#include "symbolizer/image.h"

struct fde_ref {
	uint64_t begin;
	size_t offset; /* in the section */
};

struct fdes {
	const struct image *img;
	struct cfi_reader reader;
	struct image_span table; /* the linker's: pairs of i32, relative to `base`; or none */
	uint64_t base;
	VEC(struct fde_ref) own;
	bool scanned; /* `own` is complete */
	size_t n;
};

/* 0; -ENOENT where the file has no such section (that we could find). */
int fdes_open_eh(const struct image *img, enum rows_arch arch, struct fdes *ret);
int fdes_open_debug(const struct image *img, enum rows_arch arch, struct fdes *ret);
void fdes_close(struct fdes *f);

/* Makes sure that there is something to search in: 0 or -ENOMEM. */
int fdes_ready(struct fdes *f);
/* The linker's table has been found to be wrong: forget it, and scan at the next
 * fdes_ready(). False where it was not the linker's. */
bool fdes_distrust(struct fdes *f);

/* The last FDE that begins at or below `pc`; 0 where none does. */
size_t fdes_find(const struct fdes *f, uint64_t pc);
/* Number `i` < f->n. */
struct fde_ref fdes_at(const struct fdes *f, size_t i);

#endif
