/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes on their way to a file, written by a thread of their own: who puts them there never waits
 * for the disk. What finds no room is refused.
 */
#ifndef PERFDATA_SPOOL_H
#define PERFDATA_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPOOL_BLOCK = 1024 * 1024, SPOOL_BLOCKS = 64 };

struct spool;

/* From the descriptor's offset on; it stays the caller's. 0 or -errno. */
int spool_start(int fd, struct spool **ret);
/* All of it or nothing (at most SPOOL_BLOCK bytes). False: the disk is that far behind, or full. */
bool spool_put(struct spool *s, const void *bytes, size_t len);
void spool_push(struct spool *s); /* lets go what has been put so far */
/* Waits until all is written and ends the thread. `ret_written`: bytes up to the last block that is
 * there as a whole. 0 or the first error. */
int spool_end(struct spool **s, uint64_t *ret_written);

#endif
