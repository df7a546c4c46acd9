/* SPDX-License-Identifier: Apache-2.0
 *
 * A recording of perf, read as the rings are: decoded records in the order of time. File or pipe
 * mode, either byte order, compressed or not; in memory that does not grow with the file.
 *
 * Every byte is input: what makes no sense is passed over and counted, what was good before it and
 * after it stays.
 */
#ifndef PERFDATA_READER_H
#define PERFDATA_READER_H

#include "pmu/perfdata/decode.h"
#include "pmu/perfdata/header.h"
#include "pmu/perfdata/regs.h"
#include "pmu/event.h"

enum { PERFDATA_TYPES = 128 };

struct perfdata_stats {
	uint64_t records[PERFDATA_TYPES]; /* by type, the compressed ones and those inside them */
	uint64_t unknown;       /* of other types */
	uint64_t lost;          /* records that the kernel could not write, as LOST records tell */
	uint64_t lost_samples;
	uint64_t throttled;
	uint64_t bad;           /* made no sense by themselves */
	uint64_t strangers;     /* samples of an event that the file does not describe, or of one
				 * that has no place in a profile */
	uint64_t late;          /* came after younger ones had gone */
	uint64_t no_registers;  /* samples whose registers are another machine's */
	uint64_t first, last;   /* times of samples */
	uint64_t end_at;        /* byte at which reading stopped */
	const char *ended;      /* why it stopped early; NULL: at the end */
};

typedef void (*perfdata_fn)(void *arg, const struct record *r);
/* Each sample and mapping with all that it says, before perfdata_fn gets it; for checks. */
typedef void (*perfdata_watch_fn)(void *arg, const struct perfdata_record *p);

struct perfdata;

/* Reads the header. `fd` stays the caller's and is read from its offset on. 0 or -errno with
 * `why`, the rest of a sentence that begins with the file's name (-EMEDIUMTYPE: no recording). */
int perfdata_open(int fd, struct perfdata **ret, char *why, size_t size);
void perfdata_close(struct perfdata **p);

/* Delivers all records. A group's sample comes once for each counter of the group, weighed by what
 * that has counted since the last. LOST records are counted, not delivered: nothing could be read
 * anew. 0, -ENOMEM or the -errno of read(2). */
int perfdata_read(struct perfdata *p, perfdata_fn fn, void *arg);
void perfdata_watch(struct perfdata *p, perfdata_watch_fn fn, void *arg);

const struct perfdata_stats *perfdata_stats(const struct perfdata *p);
const struct perfdata_head *perfdata_head(const struct perfdata *p);
const struct perfdata_attrs *perfdata_attrs(const struct perfdata *p);
/* Known for certain after reading, in pipe mode. */
enum perfdata_machine perfdata_machine(const struct perfdata *p);
/* How event `slot` was sampled: a rate in Hz, or a period; 0 for the other. */
void perfdata_rate(const struct perfdata *p, uint32_t slot, uint64_t *ret_rate, uint64_t *ret_period);
size_t perfdata_events(const struct perfdata *p, struct event *ret); /* EVENTS_MAX of them */

#endif
