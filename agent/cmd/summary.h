/* SPDX-License-Identifier: Apache-2.0
 *
 * What `record` tells people: before, while and after (docs: the closing summary), and the same
 * figures as comments in the profile. Never silent: a fallback, a lost sample, a cut stack, a
 * missing name each is said.
 */
#ifndef AGENT_CMD_SUMMARY_H
#define AGENT_CMD_SUMMARY_H

#include <stdint.h>

#include "agent/cmd/recording.h"
#include "agent/wire/profile.h"

void summary_start(struct recording *r);
void summary_progress(struct recording *r); /* at most once a second, on a terminal */
/* The quality figures, as "name: value" comments. */
void summary_comments(struct recording *r, struct profile *p);
void summary_begin(struct recording *r);
void summary_output(struct recording *r, unsigned i, int status, const struct exporter_output *out);
/* Why an output is not there, or not all of it. */
void summary_unwritten(const char *path, int status, const struct exporter_output *out);
/* `report`: the exporter's lines about the top functions. */
void summary_end(struct recording *r, const char *report);

#endif
