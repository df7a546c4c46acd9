/* SPDX-License-Identifier: Apache-2.0
 *
 * What `pmuscope record` was asked for.
 */
#ifndef AGENT_CMD_OPTIONS_H
#define AGENT_CMD_OPTIONS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/vec.h"
#include "agent/cmd/output.h"
#include "agent/collect/collector.h"
#include "pmu/event.h"

enum options_target { TARGET_NONE, TARGET_ALL, TARGET_PIDS, TARGET_TIDS, TARGET_CGROUP };

struct options {
	struct event events[EVENTS_MAX];
	size_t n_events;
	bool events_default; /* no -e was given */
	uint64_t frequency, period;
	bool frequency_given;
	enum options_target target;
	struct int_list ids; /* pids or tids */
	const char *cgroup;
	cpu_set_t cpus;
	bool cpus_given;
	double seconds; /* 0: until the command or the targets end, or Ctrl-C */
	struct output outputs[OUTPUTS_MAX];
	unsigned n_outputs;
	enum collector_stacks stacks;
	uint32_t stack_bytes;
	bool stack_given;
	bool quiet, verbose, help;
	char **command; /* NULL-terminated, or NULL */
};

/* 0, or -EINVAL with `why` for people. */
int options_parse(int argc, char **argv, struct options *ret, char *why, size_t size);
void options_free(struct options *o);
void options_help(void);

#endif
