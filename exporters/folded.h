/* SPDX-License-Identifier: Apache-2.0
 *
 * Folded stacks (github.com/brendangregg/FlameGraph, stackcollapse-*.pl): one line a stack,
 * "comm;root;…;leaf count". The first frame is the sample's "comm" label where there is one;
 * inlined functions are frames of their own. Kernel frames end in _[k], JIT code in _[j], inlined
 * functions in _[i], as FlameGraph's colours expect. ';', control characters and invalid UTF-8 in
 * names are made harmless. The count is the default sample type's value; lines that would say 0
 * or less are left out.
 */
#ifndef EXPORTERS_FOLDED_H
#define EXPORTERS_FOLDED_H

#include "agent/wire/profile.h"

/* Writes `p` (valid: profile_valid()) to `fd`: 0, -ENOMEM, or the write's -errno. */
int folded_write(const struct profile *p, int fd);

#endif
