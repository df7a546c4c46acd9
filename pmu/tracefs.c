/* SPDX-License-Identifier: Apache-2.0
 *
 * Tracepoints: EVENTS/system/name/id in tracefs (Documentation/trace/events.rst).
 */
#include "pmu/resolve.h"

#include "pmu/abi.h"
#include "pmu/hints.h"
#include "pmu/roots.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 512 };

/* The root that has an events directory, or NULL; what stood in the way goes to *state. */
static const char *usable_root(enum tracefs_state *state)
{
	const struct pmu_roots *r = pmu_roots();
	char path[PATH_BYTES];
	struct stat st;

	*state = TRACEFS_NONE;
	for (size_t i = 0; i < 2; i++) {
		ROOT_PATH(path, "%s/events", r->tracefs[i]);
		if (!stat(path, &st) && !access(path, R_OK | X_OK)) {
			*state = TRACEFS_READABLE;
			return r->tracefs[i];
		}
		/* debugfs is closed to users whether tracefs is in it or not: only the first
		 * root's word counts when it has one. */
		if (*state != TRACEFS_NONE)
			continue;
		if (errno == EACCES || errno == EPERM)
			*state = TRACEFS_NOT_READABLE;
		else if (!stat(r->tracefs[i], &st))
			*state = TRACEFS_NOT_MOUNTED;
	}
	return NULL;
}

enum tracefs_state tracefs_state(void)
{
	enum tracefs_state state;

	(void)usable_root(&state);
	return state;
}

static int each_dir(const char *path, name_fn *fn, void *arg)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (!d)
		return -errno;
	while (!rc && (entry = readdir(d))) {
		if (root_name_ok(entry->d_name) && entry->d_type != DT_REG)
			rc = fn(arg, entry->d_name);
	}
	closedir(d);
	return rc;
}

int tracefs_each_system(name_fn *fn, void *arg)
{
	enum tracefs_state state;
	const char *root = usable_root(&state);
	char path[PATH_BYTES];

	if (!root)
		return -ENOENT;
	ROOT_PATH(path, "%s/events", root);
	return each_dir(path, fn, arg);
}

int tracefs_each(const char *system, name_fn *fn, void *arg)
{
	enum tracefs_state state;
	const char *root = usable_root(&state);
	char path[PATH_BYTES];

	if (!root || !root_name_ok(system))
		return -ENOENT;
	ROOT_PATH(path, "%s/events/%s", root, system);
	return each_dir(path, fn, arg);
}

static int cannot_look(enum tracefs_state state, const char *system, const char *name,
		       const struct why *w)
{
	if (state == TRACEFS_NOT_READABLE) {
		why_add(w, "tracepoint %s:%s: tracefs is there, but this user may not read it (%s: "
			   "EACCES).\n", system, name, pmu_roots()->tracefs[0]);
		why_add(w, "  " HINT_SUDO "\n", hint_program());
		return -EACCES;
	}
	if (state == TRACEFS_NOT_MOUNTED) {
		why_add(w, "tracepoint %s:%s: tracefs is not mounted, so its number cannot be "
			   "read.\n", system, name);
		why_add(w, "  " HINT_MOUNT_TRACEFS "\n");
		return -ENODEV;
	}
	why_add(w, "tracepoint %s:%s: this kernel has no %s: it was built without tracing.\n",
		system, name, pmu_roots()->tracefs[0]);
	return -ENODEV;
}

struct offer {
	struct near *near;
	const char *system;
	unsigned n;
};

static int offer_event(void *arg, const char *name)
{
	struct offer *o = arg;
	char full[NEAR_NAME_MAX];

	o->n++;
	snprintf(full, sizeof(full), "%s:%s", o->system, name);
	near_offer(o->near, full);
	return 0;
}

static int offer_all(void *arg, const char *system)
{
	struct offer o = {.near = arg, .system = system};

	(void)tracefs_each(system, offer_event, &o);
	return 0;
}

static int not_found(const char *system, const char *name, const struct why *w)
{
	char full[NEAR_NAME_MAX], text[NEAR_MAX * NEAR_NAME_MAX];
	struct near near;
	struct offer o = {.near = &near, .system = system};

	snprintf(full, sizeof(full), "%s:%s", system, name);
	near_init(&near, full);
	if (tracefs_each(system, offer_event, &o) < 0)
		why_add(w, "no tracepoint %s: this kernel, with the modules loaded now, has "
			   "no system '%s'.\n", full, system);
	else
		why_add(w, "no tracepoint %s: '%s' has %u tracepoints in this kernel, '%s' is not "
			   "one.\n", full, system, o.n, name);
	if (!near.n)
		(void)tracefs_each_system(offer_all, &near);
	near_text(&near, text, sizeof(text));
	if (*text)
		why_add(w, "  did you mean %s?\n", text);
	return -ENOENT;
}

int tracefs_resolve(const char *system, const char *name, struct event *e, const struct why *w)
{
	enum tracefs_state state;
	const char *root = usable_root(&state);
	char path[PATH_BYTES];
	uint64_t id;
	int rc;

	if (!root_name_ok(system) || !root_name_ok(name))
		return -ENOENT;
	if (!root)
		return cannot_look(state, system, name, w);
	ROOT_PATH(path, "%s/events/%s/%s/id", root, system, name);
	rc = root_read_u64(path, &id);
	if (rc == -ENOENT || rc == -ENOTDIR)
		return not_found(system, name, w);
	if (rc < 0) {
		why_add(w, "tracepoint %s:%s: %s: %s\n", system, name, path, strerror(-rc));
		return rc;
	}
	e->type = PERF_TYPE_TRACEPOINT;
	e->config = id;
	e->source = EVENT_TRACEPOINT;
	return 0;
}
