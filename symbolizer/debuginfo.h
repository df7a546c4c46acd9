/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions, inlined functions and lines from DWARF (versions 2 to 5), by libdw. A unit's tree is
 * walked once, when an address in it is first asked for.
 *
 * The DWARF is hostile: how many entries are visited, how deep, and how many ranges are taken is
 * bounded here; what libdw itself does with it is why this runs in a process of its own.
 */
#ifndef SYMBOLIZER_DEBUGINFO_H
#define SYMBOLIZER_DEBUGINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "symbolizer/frames.h"

struct debuginfo;

/* Opens the DWARF of the ELF file behind `fd`, which stays the caller's and must outlive `ret`, as
 * `alt_fd` (dwz's supplementary file; -1: none) must. 0; -ENOENT without .debug_info; -EBADMSG. */
int debuginfo_open(int fd, int alt_fd, struct debuginfo **ret);
void debuginfo_close(struct debuginfo **d);

/* Fills in the frames at `addr`, or only ret->place where a unit has lines but no function there.
 * Strings live as long as the debuginfo. `budget` counts down by the entries visited; at 0 nothing
 * more is opened. */
void debuginfo_at(struct debuginfo *d, uint64_t addr, uint64_t *budget, struct frames *ret);

#endif
