/* SPDX-License-Identifier: Apache-2.0
 *
 * Output files of a recording, made as the calling user: a temporary name beside the final one
 * before the recording starts (so that a path that cannot be written is found then), renamed when
 * it is complete; an older file of the same name becomes NAME.old.
 *
 * The collector gives up the caller's identity; renaming (and signals to the command) are done by
 * a small child that keeps it, has no capabilities, and obeys a fixed table of requests: commit
 * output N, discard output N, signal the command.
 */
#ifndef AGENT_CMD_OUTPUT_H
#define AGENT_CMD_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/wire/exp.h"

enum { OUTPUTS_MAX = EXP_OUTPUTS_MAX };

/* Beside the exporter's formats: a recording in perf's own, written by the collector. */
enum { OUTPUT_RECORDING = EXP_FORMATS };

struct output {
	char path[4096];  /* as given; "-" is standard output */
	enum exp_format format;
	int fd;           /* the temporary file (or a copy of standard output) */

	/* of outputs_open() and the caller's child: */
	int dir;          /* the folder; -1: written in place (a pipe, a device, standard output) */
	int as;           /* enum output_as: whose right to write in it we need */
	char name[256];   /* in `dir` */
	char temp[256];   /* in `dir`; stays there when a commit fails, nothing is lost */
};

static inline bool output_is_recording(const struct output *o)
{
	return (int)o->format == OUTPUT_RECORDING;
}

struct caller;

/* Who asked: under sudo the ids in SUDO_UID/SUDO_GID (when we are root and they are numbers of
 * a user), else our own. */
void caller_ids(uid_t *uid, gid_t *gid);

/* Who we become to do the work: the caller, or nobody in particular where that is root. Returns the
 * caller's uid. */
uid_t unprivileged_user(uid_t *ret_uid, gid_t *ret_gid);

/* Format by name; -EINVAL with `why` (names the formats) when the ending is unknown. */
int output_format(const char *path, enum exp_format *ret, char *why, size_t size);

/* Opens all outputs as the caller. On an error `why` says which path, the cause as observed, what
 * to type (UX.md section 6), and no temporary file is left. "-": refused on a terminal for binary
 * formats. 0 or -errno. */
int outputs_open(struct output *outputs, unsigned n, char *why, size_t size);
/* Removes the temporary files again: for a recording that fails before caller_start(). */
void outputs_drop(struct output *outputs, unsigned n);

/* Forks the caller's child; `command` is the pid it may signal (0: none). Before privileges are
 * dropped. The temporary files are its to remove from here on, also when we are killed. */
int caller_start(struct output *outputs, unsigned n, pid_t command, struct caller **ret);
/* Renames output i into place (fdatasync first): 0 or -errno; after an error the file keeps its
 * temporary name. Standard output: nothing to do. */
int caller_commit(struct caller *c, unsigned i);
int caller_discard(struct caller *c, unsigned i);
int caller_signal(struct caller *c, int sig); /* to the command */
/* Ends the child; outputs that were not committed are removed. */
void caller_stop(struct caller **c);

#endif
