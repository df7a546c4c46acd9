/* SPDX-License-Identifier: Apache-2.0
 *
 * The zstd stream that COMPRESSED and COMPRESSED2 records carry (perf record -z). It goes through
 * all of them: a record of the recording may begin in one and end in another.
 */
#ifndef PERFDATA_INFLATE_H
#define PERFDATA_INFLATE_H

#include <stddef.h>
#include <stdint.h>

/* Whole records and the beginning of one; returns how many of the bytes it has used, or -errno. */
typedef long (*inflate_fn)(void *arg, uint8_t *bytes, size_t len);

struct inflate;

int inflate_new(struct inflate **ret);
void inflate_free(struct inflate **z);

/* 0, -EBADMSG (not zstd, or broken), or what `fn` returned. Whatever it inflates to, it is held
 * in pieces of a bounded size. */
int inflate_feed(struct inflate *z, const void *bytes, size_t len, inflate_fn fn, void *arg);
size_t inflate_left(const struct inflate *z); /* bytes of a record that never ended */

#endif
