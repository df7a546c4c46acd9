/* SPDX-License-Identifier: Apache-2.0
 *
 * The collector's side of pmuscope-exporter (messages: wire/exp.h).
 */
#ifndef AGENT_HELPERS_EXPORTER_H
#define AGENT_HELPERS_EXPORTER_H

#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/wire/exp.h"
#include "agent/wire/profile.h"

struct exporter;

/* As symbolizer_start(): opens the executable now; the process itself is started by the first
 * exporter_write(), since a recording needs it only at its end. 0 or -errno. */
int exporter_prepare(struct exporter **ret);
void exporter_stop(struct exporter **e);

struct exporter_output {
	enum exp_format format;
	int fd;           /* open for writing; stays the caller's */
	int status;       /* out: 0 or -errno */
	uint64_t written; /* out: bytes */
	uint32_t kept;    /* out: of EXP_WHOLE; less where the status tells of no room: then the
			   * file holds the heaviest stacks, whole in its format; 0: nothing good */
};

/* Writes a finished profile to all outputs. `report` receives the closing summary's lines (with a
 * NUL). 0, or the first error; each output has its own status. A helper that dies is started again
 * once. Waits at most `seconds`. */
int exporter_write(struct exporter *e, const struct profile *p, struct exporter_output *outputs,
		   unsigned n, struct buf *report, unsigned seconds);

#endif
