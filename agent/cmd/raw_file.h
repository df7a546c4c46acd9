/* SPDX-License-Identifier: Apache-2.0
 *
 * `record -o FILE.perf.data`: the recording itself, in perf's format, beside the profiles that are
 * made of it.
 */
#ifndef AGENT_CMD_RAW_FILE_H
#define AGENT_CMD_RAW_FILE_H

#include "agent/cmd/recording.h"

const struct output *raw_file_output(const struct recording *r); /* NULL: none is asked for */

/* If one of the outputs is such a file: writes its head and taps the rings. Before anything is read
 * from them. 0 or -errno with r->why. */
int raw_file_start(struct recording *r);
void raw_file_round(struct recording *r); /* after each drain */
/* After the last drain. 0, or the -errno that output gets; what was written up to it is valid. */
int raw_file_end(struct recording *r, uint64_t *ret_bytes);

#endif
