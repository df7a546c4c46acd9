/* SPDX-License-Identifier: Apache-2.0
 *
 * The data of the flame graph page (the format: html.h), deflated.
 */
#ifndef EXPORTERS_PAGE_DATA_H
#define EXPORTERS_PAGE_DATA_H

#include "agent/base/buf.h"
#include "agent/wire/profile.h"
#include "exporters/tree.h"

/* Appends to `out`. 0 or -ENOMEM. */
int page_data(const struct profile *p, const struct tree *t, struct buf *out);

#endif
