/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for one protobuf message at a time: protobuf-c asks for many small pieces, all of which
 * are forgotten together.
 */
#ifndef EXPORTERS_SCRATCH_H
#define EXPORTERS_SCRATCH_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

struct scratch_block;

struct scratch {
	ProtobufCAllocator allocator; /* to be handed to protobuf-c; its free does nothing */
	struct scratch_block *blocks; /* the one being filled in front */
	size_t total; /* bytes taken; a message that needs over 256 MiB is refused */
};

void scratch_init(struct scratch *s); /* not to be moved afterwards */
void scratch_reset(struct scratch *s);
void scratch_free(struct scratch *s);

#endif
