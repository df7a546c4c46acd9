/* SPDX-License-Identifier: Apache-2.0
 *
 * What output.c, output_why.c and caller.c share.
 */
#ifndef AGENT_CMD_OUTPUT_PRIV_H
#define AGENT_CMD_OUTPUT_PRIV_H

#include "agent/cmd/output.h"

/* Whose rights let an output be made. The first that suffices is taken. */
enum output_as {
	OUTPUT_AS_CALLER,     /* the caller's ids, no capabilities */
	OUTPUT_AS_ROOT,       /* uid 0's own folders, as in `sudo -i` in /root */
	OUTPUT_AS_PRIVILEGED, /* somebody else's folder: CAP_DAC_OVERRIDE */
};

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[64];
	int n_groups;
	bool differs; /* from what we are */
};

void identity_of_caller(struct identity *id);

/* Writes "cannot write PATH: cause. fix" for an errno. */
void output_explain(const struct output *o, int err, char *why, size_t size);
const char *output_ending(enum exp_format f);
/* The folder part of a path, "." where there is none; and the name. False: there is no name. */
bool output_split(const char *path, char *dir, size_t size, const char **name);

#endif
