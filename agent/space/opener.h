/* SPDX-License-Identifier: Apache-2.0
 *
 * The opener: a child process that opens what belongs to others (/proc/PID/…, executables, debug
 * files, perf maps) with CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_CHECKPOINT_RESTORE and
 * CAP_SYSLOG, and hands over descriptors. Opening can hang (FUSE, NFS): every request has a
 * deadline; past it the worker is killed and replaced, and the answer is -ETIMEDOUT. It parses
 * nothing. The collector itself keeps none of these capabilities.
 */
#ifndef AGENT_SPACE_OPENER_H
#define AGENT_SPACE_OPENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct opener;

enum { OPENER_DEADLINE_MS = 250 };

/* What the kernel told of a mapping (PERF_RECORD_MMAP2, proc(5) maps). */
struct opener_mapping {
	uint64_t start, end;
	uint32_t major, minor;
	uint64_t inode;
	const char *path; /* as the target sees it, " (deleted)" removed */
};

struct opener_stat { /* of the opened descriptor */
	uint64_t dev, inode, size;
	int64_t ctime_ns;
	bool matches; /* dev and inode are the mapping's; false on overlayfs and btrfs too */
};

/* Forks the opener before privileges are dropped; `uid`, `gid`: what it becomes, capabilities
 * kept. 0 or -errno. */
int opener_start(uid_t uid, gid_t gid, struct opener **ret);
/* For a recording made elsewhere or earlier: its paths are looked up below `root` (a folder's
 * descriptor, the caller's), for whatever pid, and nothing of a process that lives now is opened. */
int opener_start_recorded(uid_t uid, gid_t gid, int root, struct opener **ret);
void opener_stop(struct opener **o);
/* Files that were not handed over since the limit of open files (RLIMIT_NOFILE) was reached: the
 * answer was -EMFILE. Those that stay open leave a few descriptors to all else. */
uint64_t opener_starved(const struct opener *o);
uint64_t opener_late(const struct opener *o); /* requests that were given up: -ETIMEDOUT */

/* The file behind a mapping: /proc/PID/map_files first; else the path below /proc/PID/root, then
 * below the roots of `parents` (same order, for a process that is gone), then below our own, by
 * openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS); regular files only; /proc/PID/exe for a
 * deleted main binary. A descriptor whose dev/inode differ from the mapping's is handed over with
 * matches = false only when the process is alive (overlayfs, btrfs) – never for a file found
 * under another process' root. fd or -errno (-ESRCH, -ENOENT, -EACCES, -ETIMEDOUT, …). */
int opener_mapping(struct opener *o, int pid, const int *parents, int n_parents,
		   const struct opener_mapping *m, struct opener_stat *ret_stat);

/* Text files of /proc, open for reading: "maps", "comm", "status", "cgroup", "task/TID/comm". */
int opener_proc(struct opener *o, int pid, const char *name);
int opener_kallsyms(struct opener *o); /* with addresses where CAP_SYSLOG allows */

/* /tmp/perf-PID.map of a JIT (PID as the target sees itself: NSpid): below the target's root,
 * O_NOFOLLOW on every component, a regular file owned by the target's uid, at most `max` bytes. */
int opener_perfmap(struct opener *o, int pid, uint64_t max);

/* A separate debug file for a module that `pid` maps: below the target's root and, when its mount
 * namespace is ours or the file is not there, never below anyone else's.
 * By build ID: /usr/lib/debug/.build-id/xx/yyyy.debug (and /usr/lib/.build-id). By debuglink: the
 * module's own folder, its .debug, /usr/lib/debug + its folder. `alt`: dwz's
 * /usr/lib/debug/.dwz/… by name, or by build ID. Opened without the DAC capabilities, regular
 * files only, one plain file name under these roots. fd or -errno. */
int opener_debug_by_id(struct opener *o, int pid, const uint8_t *id, size_t len);
int opener_debug_by_name(struct opener *o, int pid, const char *module_path, const char *name);
int opener_debug_alt(struct opener *o, int pid, const uint8_t *id, size_t len, const char *name);

#endif
