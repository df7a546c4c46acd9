/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the reply to SYM_NAMES (agent/wire/sym.h): every name and file once, names demangled.
 */
#ifndef SYMBOLIZER_REPLY_H
#define SYMBOLIZER_REPLY_H

#include "agent/base/buf.h"
#include "symbolizer/frames.h"

struct reply;

int reply_new(struct reply **ret); /* 0 or -ENOMEM */
void reply_free(struct reply **r);

/* The next address' frames; the strings are copied. A frame whose name is empty is left out. */
void reply_add(struct reply *r, const struct frames *f);
/* Appends all of it to `b`: 0 or -EMSGSIZE. */
int reply_put(const struct reply *r, struct buf *b);

#endif
