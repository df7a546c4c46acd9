/* SPDX-License-Identifier: Apache-2.0
 *
 * One recording's parts, from the options to the files: what record.c sets up, runs and ends, and
 * summary.c tells people about.
 */
#ifndef AGENT_CMD_RECORDING_H
#define AGENT_CMD_RECORDING_H

#include "agent/cmd/command.h"
#include "agent/cmd/options.h"
#include "agent/cmd/targets.h"
#include "agent/collect/collector.h"
#include "agent/helpers/exporter.h"
#include "agent/helpers/symbolizer.h"
#include "agent/space/opener.h"
#include "agent/window/resolve.h"
#include "pmu/session.h"

enum { EXIT_FAILED = 125 };

enum stop_reason { STOP_NONE, STOP_TIME, STOP_COMMAND, STOP_TARGETS, STOP_SIGNAL };

struct recording {
	struct options options;
	/* Who records whom. */
	struct targets targets;
	struct command command;
	int cgroup;
	uid_t caller_uid; /* whose files the outputs are */
	bool user_only; /* the kernel part was left out for want of rights */
	/* Parts, in the order in which they are made; ended in the opposite one. */
	struct caller *caller;
	struct opener *opener;
	struct exporter *exporter;
	struct session *session;
	struct symbolizer *symbolizer;
	struct modules *modules;
	struct processes *processes;
	struct tables *tables;
	struct collector *collector;
	struct writer *raw; /* -o FILE.perf.data */
	int signals; /* signalfd */
	int argc;
	char **argv; /* as we were called */
	/* What happened. */
	uint64_t start, end;       /* clock_mono() */
	uint64_t start_wall;       /* clock_wall() */
	enum stop_reason stop;
	int stop_signal;
	bool command_ended;
	int command_wait;          /* waitpid's status */
	struct resolve_figures figures;
	struct session_stats stats;
	bool kernel_unnamed;       /* it was sampled, and no function of it has a name */
	double cpus_busy;          /* of /proc/stat, while recording; < 0 unknown */
	double own_cpu;            /* seconds, of all our processes up to now */
	char why[4096];
};

#endif
