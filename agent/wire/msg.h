/* SPDX-License-Identifier: Apache-2.0
 *
 * Framed messages, with descriptors, between pmuscope's processes over a socketpair(2) of
 * SOCK_STREAM: a 16-byte header, `len` bytes of payload, and up to MSG_FDS descriptors that ride
 * on the header (SCM_RIGHTS, unix(7)). Both ends are on one machine and of one build, so numbers
 * are in its byte order; but neither end trusts the other: every payload is read with a cursor.
 *
 * One request, one reply, matched by `seq`; a process answers in the order of asking.
 */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/cursor.h"

enum {
	MSG_FDS = 8,               /* descriptors a message may carry */
	MSG_MAX = 256 * 1024 * 1024, /* hard ceiling of any payload, bytes */
};

struct msg {
	uint16_t type; /* enum sym_msg (wire/sym.h) or enum exp_msg (wire/exp.h) */
	uint16_t n_fds;
	uint32_t seq;
	struct buf payload; /* owned */
	int fds[MSG_FDS];   /* owned; taken with fd_take(), the rest closed by msg_free() */
};

/* An empty message that accepts at most `max` bytes of payload. */
void msg_init(struct msg *m, size_t max);
void msg_free(struct msg *m);

/* Sends a message; `fds` stay the caller's. Blocks until `deadline` (clock_mono() ns, 0 = for
 * ever). 0, -ETIMEDOUT, -EPIPE (the other end is gone), or another -errno. After -ETIMEDOUT the
 * stream is cut in mid-message: close it. */
int msg_send(int sock, uint16_t type, uint32_t seq, const void *payload, size_t len,
	     const int *fds, size_t n_fds, uint64_t deadline);

/* Receives the next message into `m` (its old content is released; its ceiling stays).
 * 0; -EPIPE at the end of the stream; -EAGAIN with `deadline` 1 where no message has begun to
 * arrive; -ETIMEDOUT; -EMSGSIZE past the ceiling; -EPROTO for a malformed header. */
int msg_recv(int sock, struct msg *m, uint64_t deadline);

#endif
