/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a profile that matters most, for a file that has no room for all of it.
 */
#ifndef EXPORTERS_HEAVIEST_H
#define EXPORTERS_HEAVIEST_H

#include "agent/wire/profile.h"

enum { HEAVIEST_WHOLE = 10000 };

/* The n heaviest samples of `p`, by its default type, with what they refer to and a comment that
 * says so. `ret_share`: their part of the weight, of HEAVIEST_WHOLE. 0 (profile_free() it) or
 * -ENOMEM. */
int profile_heaviest(const struct profile *p, size_t n, struct profile *ret, uint32_t *ret_share);

#endif
