/* SPDX-License-Identifier: Apache-2.0
 *
 * What `doctor` found, collected by its checks and printed by severity.
 */
#ifndef AGENT_CMD_FINDINGS_H
#define AGENT_CMD_FINDINGS_H

#include <stdbool.h>

#include "agent/base/buf.h"
#include "pmu/facts.h"

enum severity { SEVERITY_FAIL, SEVERITY_WARN, SEVERITY_OK, SEVERITIES };

struct findings {
	struct facts facts;
	struct buf lines[SEVERITIES]; /* text, ready to print */
	struct buf can, cannot;       /* one ability a line */
	unsigned failed;
};

void findings_init(struct findings *f);
void findings_free(struct findings *f);

/* One line; what follows a line break in it goes below, in the text's column. */
void finding(struct findings *f, enum severity s, const char *topic, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void finding_can(struct findings *f, bool can, const char *what, const char *why_not);
void findings_print(const struct findings *f);

/* The checks, one a topic. */
void check_abilities(struct findings *f); /* rights and counters */
void check_limits(struct findings *f);    /* frequency, memory, stack, files, clock, watchdog */
void check_names(struct findings *f);     /* kernel symbols, tracepoints */
void check_process(struct findings *f, int pid);

#endif
