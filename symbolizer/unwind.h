/* SPDX-License-Identifier: Apache-2.0
 *
 * Unwind rows of one module, compiled one 64 KiB page of text at a time from what its file says:
 * .eh_frame first, then Go's .gopclntab, then .debug_frame, then the instructions of rt_sigreturn.
 * Nothing of a page that was not asked for is read, except for the sorted list of FDEs where the
 * file brings no usable .eh_frame_hdr.
 */
#ifndef SYMBOLIZER_UNWIND_H
#define SYMBOLIZER_UNWIND_H

#include <stdint.h>

#include "agent/base/buf.h"
#include "symbolizer/image.h"

struct unwind;

/* The image stays the caller's and must outlive `ret`. 0, -ENOMEM, or -ENOTSUP for a machine that
 * rows cannot describe. A file without any CFI is fine: all its rows say ROWS_CFA_NONE. */
int unwind_open(const struct image *img, struct unwind **ret);
void unwind_close(struct unwind **u);

/* Appends the blob of agent/wire/rows.h for the page [page << 16, (page + 1) << 16) to `b`, which
 * must be 4-byte aligned in length. Broken CFI is not an error: its range says ROWS_CFA_BAD.
 * 0, or -ENOMEM (also when the ceiling of `b` is reached). */
int unwind_rows(struct unwind *u, uint32_t page, struct buf *b);

#endif
