/* SPDX-License-Identifier: Apache-2.0
 *
 * A recording in perf's own format, as it is made: the rings' records as the kernel wrote them, what
 * was already mapped when it began, and around them what perf's readers want to know.
 *
 * Source: tools/perf/Documentation/perf.data-file-format.txt in Linux.
 */
#ifndef PERFDATA_WRITER_H
#define PERFDATA_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

enum { WRITER_ATTR = 112 }; /* bytes of an attribute, as perf since 4.8 takes it */

struct writer_event {
	const uint8_t *attr; /* struct perf_event_attr: WRITER_ATTR bytes of it */
	const char *name;
	const uint64_t *ids;
	size_t n_ids;
};

struct writer;

/* Writes the header; `fd`, a regular file, stays the caller's. 0 or -errno. */
int writer_start(int fd, const struct writer_event *events, size_t n, struct writer **ret);

/* A record of a ring. What finds no room since the disk is behind is dropped and counted. */
void writer_record(struct writer *w, const void *bytes, size_t len);
/* The same for a sample, `chain_at` bytes into which its callchain stands, without the user's part of
 * that: readers find it by the registers and the stack, and would show it twice. */
void writer_sample(struct writer *w, const void *bytes, size_t len, size_t chain_at);

/* What was there before: records with the time 0. `misc`: a PERF_RECORD_MISC_* mode. */
struct writer_mapping {
	uint64_t start, len, pgoff, inode;
	uint32_t major, minor, prot, flags;
	const char *path;
};
void writer_mapping(struct writer *w, int pid, const struct writer_mapping *m);
void writer_kernel(struct writer *w, uint64_t text, uint64_t end);
void writer_comm(struct writer *w, int pid, int tid, const char *comm);

/* All rings have been read once: what follows is younger than what came before the last round. */
void writer_round(struct writer *w);

/* Ends the data: the file holds whole records up to here, whatever happens next. `ret_cut`: 0, or
 * the -errno with which writing them stopped early. 0 or -errno: then it is no recording. */
int writer_end_data(struct writer *w, int *ret_cut);
/* Features are added after that, ascending by number, and finished. */
void writer_text(struct writer *w, unsigned feature, const char *s);
void writer_words(struct writer *w, unsigned feature, const char *const *words, uint32_t n);
void writer_cpus(struct writer *w, uint32_t configured, uint32_t online);
void writer_event_desc(struct writer *w, const struct writer_event *events, size_t n);
void writer_clocks(struct writer *w, uint32_t clockid, uint64_t wall, uint64_t record);
/* The build IDs are one feature, the first one: before all others. */
void writer_build_id(struct writer *w, const char *path, const uint8_t *id, size_t len);
int writer_finish(struct writer *w); /* after an error the file has none, and is valid */
void writer_free(struct writer **w);

uint64_t writer_bytes(const struct writer *w);   /* of the whole file, once finished */
uint64_t writer_dropped(const struct writer *w); /* records */

#endif
