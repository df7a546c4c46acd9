/* SPDX-License-Identifier: Apache-2.0
 *
 * Registers of a recording in the order in which the rings of this machine deliver them: that is
 * what stacks are unwound from.
 */
#ifndef PERFDATA_REGS_H
#define PERFDATA_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PERFDATA_REGS_MAX = 64 };

enum perfdata_machine { MACHINE_OURS, MACHINE_OTHER, MACHINE_UNKNOWN };

/* `arch` as in uname(2), "" unknown; the mask of registers then has to tell. */
enum perfdata_machine machine_of(const char *arch, bool swap);

/* False where some that unwinding needs were not recorded (`mask`: which were, ascending). */
bool regs_to_ours(const uint64_t *regs, uint64_t mask, uint64_t *out);

#endif
