/* SPDX-License-Identifier: Apache-2.0
 *
 * Running targets of a recording: which threads they have, and when they are gone.
 */
#ifndef AGENT_CMD_TARGETS_H
#define AGENT_CMD_TARGETS_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/vec.h"

struct targets {
	struct int_list tids;   /* what is to be opened */
	struct int_list pids;   /* processes that they belong to */
	struct int_list pidfds; /* readable when the process has ended; owned */
	char name[64];   /* of the first one, for people */
};

/* `ids` are processes (all their threads) or threads. 0, or -errno with `why`: which one is absent
 * or cannot be seen. */
int targets_find(const int *ids, size_t n, bool threads, struct targets *ret, char *why,
		 size_t size);
void targets_free(struct targets *t);
/* True when every process of the targets has ended. */
bool targets_gone(const struct targets *t);

/* The directory of a control group: its path, or its name below a cgroup2 or perf_event mount.
 * fd, or -errno with `why`. */
int cgroup_open(const char *name, char *why, size_t size);

#endif
