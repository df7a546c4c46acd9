/* SPDX-License-Identifier: Apache-2.0
 *
 * The output formats, a row each. A new one is a new enum exp_format (wire/exp.h), a row here and
 * a file.
 */
#ifndef EXPORTERS_FORMAT_H
#define EXPORTERS_FORMAT_H

#include <stdint.h>

#include "agent/wire/exp.h"
#include "agent/wire/profile.h"

/* Writes `p` to `fd`, which stays the caller's: 0, -EINVAL (no such format), or the writer's
 * -errno. `ret_bytes` is what was written where `fd` is a file, else 0. */
int format_write(enum exp_format format, const struct profile *p, int fd, uint64_t *ret_bytes);

#endif
