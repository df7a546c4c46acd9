/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the opener: opener.c (the collector's side), opener_supervise.c (starts and replaces the
 * worker), opener_serve.c (the worker: a table of requests), opener_open.c (how files are opened).
 *
 * The collector and the worker meet on a SOCK_SEQPACKET socket: a request is u32 seq, u32 op, then
 * what the table in opener_serve.c says; a reply is one struct opener_reply and, when its status
 * is 0, one descriptor. On a second socket the collector tells the supervisor OPENER_REPLACE; the
 * same byte comes back when the old worker has been killed.
 */
#ifndef AGENT_SPACE_OPENER_PRIV_H
#define AGENT_SPACE_OPENER_PRIV_H

#include "agent/base/cursor.h"
#include "agent/space/opener.h"

enum opener_op {
	OPENER_MAPPING, /* i32 pid, u32 n, n × i32 parent, u64 start, end, u32 major, minor,
			 * u64 inode, path with NUL */
	OPENER_PROC,       /* i32 pid, name */
	OPENER_KALLSYMS,   /* nothing */
	OPENER_PERFMAP,    /* i32 pid, u64 max */
	OPENER_DEBUG_ID,   /* i32 pid, u8 length, id */
	OPENER_DEBUG_NAME, /* i32 pid, module's path, name */
	OPENER_DEBUG_ALT,  /* i32 pid, u8 length, id, name */
	OPENER_OPS
};

enum {
	OPENER_REQUEST_MAX = 16384,
	OPENER_PARENTS_MAX = 64,
	OPENER_ID_MAX = 64,
	OPENER_REPLACE = 'r',
};

struct opener_reply {
	uint32_t seq;
	int32_t status; /* 0 or -errno */
	struct opener_stat st;
};

/* `root`: of opener_start_recorded(), or -1. */
_Noreturn void opener_supervise(int data, int control, int root, uid_t uid, gid_t gid);
_Noreturn void opener_serve(int data, int root, pid_t parent);
/* Answers one request of `len` bytes on `sock`; ends the worker where nobody reads it. */
void opener_serve_one(int sock, int root, const void *bytes, size_t len);
pid_t opener_supervisor(const struct opener *o); /* for tests */

/* The worker's: a descriptor or -errno. */
int open_mapping(int pid, const int *parents, uint32_t n, const struct opener_mapping *m);
int open_proc(int pid, const char *name);
int open_perfmap(int pid, uint64_t max);
/* The first of `paths` that is a regular file below the root of `pid`, or below our own. */
int open_debug(int pid, char paths[][4096], int n);
/* The same for a recording: below `root` alone. */
int open_recorded_debug(int root, char paths[][4096], int n);
int open_recorded(int root, const char *path);

#endif
