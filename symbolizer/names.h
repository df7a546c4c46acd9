/* SPDX-License-Identifier: Apache-2.0
 *
 * Names, inlined functions and lines of one ELF module: DWARF, Go's table, .symtab,
 * MiniDebugInfo, .dynsym, what can be concluded for sure (PLT stubs, _start), in this order, from
 * the file itself and from separate debug files that the collector hands over.
 */
#ifndef SYMBOLIZER_NAMES_H
#define SYMBOLIZER_NAMES_H

#include "symbolizer/frames.h"
#include "symbolizer/image.h"

struct names;

/* Reads nothing but the section headers yet. The image stays the caller's and must outlive `ret`.
 * 0 or -ENOMEM. */
int names_open(const struct image *img, struct names **ret);
void names_close(struct names **n);

/* The image's info, the flags of debug files added, and the wishes that are open. */
void names_info(const struct names *n, struct sym_info *ret);

/* Answers a wish. `fd` is taken over; -1: the file could not be had. A file that does not match
 * (build ID, CRC) is not used; the wish is settled all the same. 0, -EINVAL for a wish that was
 * never made, or -errno. */
int names_debug(struct names *n, uint32_t kind, int fd);

/* What stands at `addr`; ret->n is 0 where nothing is known. Valid until the next call on `n`.
 * `budget` is the number of DWARF entries that may still be visited, shared by a request; where it
 * is 0, debug information is not opened. */
void names_at(struct names *n, uint64_t addr, uint64_t *budget, struct frames *ret);

/* Gives back the memory of what can be read again: true when there was any. */
bool names_trim(struct names *n);

#endif
