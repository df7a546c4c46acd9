/* SPDX-License-Identifier: Apache-2.0
 *
 * A recording of perf from its file to a profile: the pipeline of `record` with the file in the
 * place of the rings. `convert` and `report` are made of it.
 */
#ifndef AGENT_CMD_RECORDED_H
#define AGENT_CMD_RECORDED_H

#include "agent/cmd/output.h"
#include "agent/collect/collector.h"
#include "agent/helpers/exporter.h"
#include "agent/helpers/symbolizer.h"
#include "agent/space/opener.h"
#include "agent/window/resolve.h"
#include "pmu/perfdata/reader.h"

struct recorded {
	/* Asked for. */
	const char *file;    /* as given; "-" is standard input */
	const char *root;    /* --symfs: where its files are; NULL: here */
	struct output outputs[OUTPUTS_MAX];
	unsigned n_outputs;
	int memory;          /* -1, or a memfd for one profile in pprof's format, in place of outputs */
	bool quiet;
	/* Parts, in the order in which they are made; ended in the opposite one. */
	int fd;
	struct caller *caller;
	struct opener *opener;
	struct exporter *exporter;
	struct symbolizer *symbolizer;
	struct perfdata *data;
	struct modules *modules;
	struct processes *processes;
	struct tables *tables;
	struct collector *collector;
	/* What happened. */
	struct event events[EVENTS_MAX];
	size_t n_events;
	int read_status;         /* of perfdata_read(): what came before an error is kept */
	uint64_t time, duration; /* ns; wall clock of the first sample, 0 unknown */
	struct resolve_figures figures;
	bool kernel_asked, kernel_is_ours, kernel_seen; /* frames of it were sampled */
	char why[4096];
};

enum { RECORDED_FD_NONE = -1 };

/* True when `file` is a recording of perf, by its first bytes; nothing of a pipe is consumed. */
bool recorded_is(const char *file);

/* Reads r->file and writes the outputs: the exit status. Everything is said, all parts are ended. */
int recorded_run(struct recorded *r);

/* recorded_words.c: what people are told, and the profile's comments. */
void recorded_comments(const struct recorded *r, struct profile *p);
void recorded_output(const struct recorded *r, unsigned i, int status,
		     const struct exporter_output *out);
void recorded_end(const struct recorded *r, const char *report);

/* recorded_kernel.c: is this the kernel that is running now, at the same addresses? */
bool recorded_same_kernel(struct recorded *r);

#endif
