/* SPDX-License-Identifier: Apache-2.0
 *
 * What the collector hands to the exporter: outputs (a format and a descriptor each), then a
 * finished profile to be written to all of them. Replies as in wire/sym.h: the same `seq`,
 * type | EXP_REPLY, `i32 status` first.
 */
#ifndef WIRE_EXP_H
#define WIRE_EXP_H

#include <stdint.h>

enum exp_msg {
	/* u32 format (enum exp_format), u32 flags (zero); one descriptor, open for writing, at
	 * offset 0. Reply: status only. At most EXP_OUTPUTS_MAX. */
	EXP_OUTPUT = 1,
	/* one descriptor: a memfd that holds profile_encode()'s bytes from offset 0 to its end.
	 * Reply: status (0 when all outputs were written), u32 n_outputs, n × (i32 status,
	 * u64 bytes written, u32 kept: the share of the samples' weight that is in it, of
	 * EXP_WHOLE; where there was no room for all, a status of -ENOSPC or the like); then the report: u32 length and that many bytes of UTF-8 text
	 * (the "top self" lines of the closing summary, ready to print). */
	EXP_PROFILE = 2,
	EXP_REPLY = 0x80,
};

enum exp_format { EXP_PPROF = 0, EXP_HTML = 1, EXP_FOLDED = 2, EXP_FORMATS };

enum { EXP_OUTPUTS_MAX = 16, EXP_WHOLE = 10000 };

#endif
