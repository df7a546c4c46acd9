/* SPDX-License-Identifier: Apache-2.0
 *
 * The processes that records tell of: their address spaces, names and ancestry, as of the time
 * of the record that is being handled (records come in the order of time).
 */
#ifndef AGENT_SPACE_PROCESSES_H
#define AGENT_SPACE_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "agent/space/module.h"
#include "agent/space/space.h"
#include "pmu/record.h"

enum { PROCESS_PARENTS = 4 };

struct process {
	int pid;
	int parents[PROCESS_PARENTS]; /* nearest first; 0: none or unknown */
	struct space *space;          /* never NULL */
	bool complete;      /* its mappings are known: read from /proc, or since its exec or fork */
	uint64_t exec_time; /* 0: before we came */
	uint64_t gone_at;   /* time of its exit, 0: alive */
	struct module *perfmap;
	uint64_t perfmap_retry; /* time before which its perf map is not looked for again */
	const char *first_path; /* of its first mapping: the program itself */
	uint32_t loss_epoch;
	UT_hash_handle hh;
};

struct processes;

/* `o` NULL: of a recording, nothing is known but its records. */
int processes_new(struct opener *o, struct modules *ms, struct processes **ret);
void processes_free(struct processes **ps);

/* Told of what was read in /proc, in place of the records that came before us. */
struct processes_watch {
	void (*mapping)(void *arg, int pid, const char *line); /* of /proc/PID/maps */
	void (*comm)(void *arg, int pid, int tid, const char *comm);
	void *arg;
};
void processes_watch(struct processes *ps, const struct processes_watch *w); /* copied */

/* Applies a mapping, comm, fork, exit or lost record; others are ignored. */
void processes_apply(struct processes *ps, const struct record *r);

/* The process of a sample; reads /proc where it was not met before, or after records were lost.
 * NULL when out of memory. Valid until the next processes_apply(). */
struct process *processes_get(struct processes *ps, int pid, uint64_t time);

/* Reads a process that exists already (targets of -p, or everything at the start). */
void processes_read(struct processes *ps, int pid);
/* Reads all of /proc for at most `budget_ns`; the rest is read when first met. */
void processes_read_all(struct processes *ps, uint64_t budget_ns);

/* The thread's name; interned, never NULL. */
const char *processes_comm(struct processes *ps, int pid, int tid);

/* The mapping and module for an address of this process (module_vaddr()'s job is the caller's). */
struct mapping *process_mapping(struct processes *ps, struct process *p, uint64_t pc);
/* The process' perf map, looked for at most once a second. */
struct module *process_perfmap(struct processes *ps, struct process *p, uint64_t time);

const char *processes_intern(struct processes *ps, const char *s);
uint64_t processes_rereads(const struct processes *ps); /* after lost records */

#endif
