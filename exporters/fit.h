/* SPDX-License-Identifier: Apache-2.0
 *
 * An output is written, whatever room there is: all of the profile, else as many of its heaviest
 * stacks as fit. What is in the file is always whole in its format.
 */
#ifndef EXPORTERS_FIT_H
#define EXPORTERS_FIT_H

#include <stdint.h>

#include "agent/wire/exp.h"
#include "agent/wire/profile.h"

/* As format_write(). Where it finds no room in a file (-ENOSPC, -EDQUOT, -EFBIG) that is still the
 * answer, but `ret_kept` is the share that was written then, of EXP_WHOLE; 0: nothing good is in
 * the file. */
int fit_write(enum exp_format format, const struct profile *p, int fd, uint64_t *ret_bytes,
	      uint32_t *ret_kept);

#endif
