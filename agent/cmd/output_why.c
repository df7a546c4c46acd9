/* SPDX-License-Identifier: Apache-2.0
 *
 * Why an output cannot be written, in words: the cause as observed and what to type.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/cmd/output_priv.h"

static const struct {
	const char *ending, *what;
} formats[EXP_FORMATS + 1] = {
	[EXP_PPROF] = {".pb.gz", "pprof"},
	[EXP_HTML] = {".html", "flame graph"},
	[EXP_FOLDED] = {".folded", "folded stacks"},
	[OUTPUT_RECORDING] = {".perf.data", "a recording as perf makes it"},
};

const char *output_ending(enum exp_format f)
{
	return (unsigned)f <= EXP_FORMATS ? formats[f].ending : "";
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n > m && !strcmp(s + n - m, end);
}

int output_format(const char *path, enum exp_format *ret, char *why, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!strcmp(slash ? slash + 1 : path, "perf.data")) {
		*ret = (enum exp_format)OUTPUT_RECORDING;
		return 0;
	}
	for (int f = 0; f <= EXP_FORMATS; f++)
		if (ends_with(path, formats[f].ending)) {
			*ret = (enum exp_format)f;
			return 0;
		}
	/* Names that cannot have an ending. */
	if (!strcmp(path, "-") || !strncmp(path, "/dev/", 5)) {
		*ret = EXP_PPROF;
		return 0;
	}
	snprintf(why, size,
		 "the ending of '%s' names no format; it must be one of .pb.gz (pprof), .html (flame "
		 "graph), .folded (folded stacks), .perf.data (a recording as perf makes it)",
		 path);
	return -EINVAL;
}

bool output_split(const char *path, char *dir, size_t size, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	*name = slash ? slash + 1 : path;
	if (!slash)
		snprintf(dir, size, ".");
	else
		snprintf(dir, size, "%.*s", (int)(n ? n : 1), path);
	return **name && strcmp(*name, ".") && strcmp(*name, "..");
}

/* Cuts `dir` down to its first part that is not a folder; false when all of it is. */
static bool first_missing(char *dir, bool *exists)
{
	struct stat st;

	for (char *p = dir + 1; *dir; p++) {
		char c = *p;
		if (c && c != '/')
			continue;
		*p = '\0';
		*exists = stat(dir, &st) == 0;
		if (!*exists || !S_ISDIR(st.st_mode))
			return true;
		if (!c)
			break;
		*p = c;
	}
	return false;
}

static void explain_folder(const char *path, const char *dir, int err, char *why, size_t size)
{
	char part[4096];
	bool exists = false;

	snprintf(part, sizeof(part), "%s", dir);
	if (first_missing(part, &exists) && exists)
		snprintf(why, size, "cannot write %s: %s is not a folder (ENOTDIR). Choose another "
			 "path with -o", path, part);
	else
		snprintf(why, size, "cannot write %s: there is no folder %s (%s). Type: mkdir -p '%s'",
			 path, part, strerrorname_np(err), dir);
}

static void explain_rights(const char *path, const char *dir, const char *name, int err, char *why,
			   size_t size)
{
	struct identity id;
	struct stat st;

	identity_of_caller(&id);
	if (stat(dir, &st))
		snprintf(why, size, "cannot write %s: user %u may not enter %s (%s). Another path: "
			 "-o /tmp/%s", path, id.uid, dir, strerrorname_np(err), name);
	else
		snprintf(why, size, "cannot write %s: user %u may not write in %s, which belongs to "
			 "user %u, mode %03o (%s). Another path: -o /tmp/%s", path, id.uid, dir,
			 st.st_uid, st.st_mode & 07777, strerrorname_np(err), name);
}

void output_explain(const struct output *o, int err, char *why, size_t size)
{
	char dir[4096];
	const char *name, *path = o->path;

	output_split(path, dir, sizeof(dir), &name);
	switch (err) {
	case ENOENT:
	case ENOTDIR:
		explain_folder(path, dir, err, why, size);
		break;
	case EISDIR:
		snprintf(why, size, "cannot write %s: it is a folder (EISDIR). Type: -o %s%sprofile%s",
			 path, path, *name ? "/" : "", output_ending(o->format));
		break;
	case EACCES:
	case EPERM:
		explain_rights(path, dir, name, err, why, size);
		break;
	case EROFS:
		snprintf(why, size, "cannot write %s: %s lies on a read-only file system (EROFS). "
			 "Another path: -o /tmp/%s", path, dir, name);
		break;
	case ENOSPC:
	case EDQUOT:
		snprintf(why, size, "cannot write %s: no space is left in %s (%s). See: df -h '%s'",
			 path, dir, strerrorname_np(err), dir);
		break;
	case ENOTTY:
		snprintf(why, size, "standard output is a terminal and a pprof profile is binary. "
			 "Type: -o profile.pb.gz");
		break;
	case ENXIO:
		snprintf(why, size, "cannot write %s: nobody reads from it (ENXIO). Start its reader "
			 "first: cat '%s' >profile%s &", path, path, output_ending(o->format));
		break;
	case EEXIST:
		snprintf(why, size, "%s is given twice as an output", path);
		break;
	default:
		snprintf(why, size, "cannot write %s: %s (%s). Choose another path with -o", path,
			 strerror(err), strerrorname_np(err) ? strerrorname_np(err) : "?");
	}
}
