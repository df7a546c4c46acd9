/* SPDX-License-Identifier: Apache-2.0
 *
 * PMU/term=value,…/ : the kernel's own description of its PMUs
 * (Documentation/ABI/testing/sysfs-bus-event_source-devices-{events,format}). Files are small;
 * their content is parsed as hostile text all the same.
 */
#include "pmu/resolve.h"

#include "pmu/abi.h"
#include "pmu/hints.h"
#include "pmu/roots.h"
#include "pmu/terms.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 512 };

static int each_entry(const char *path, bool dirs, name_fn *fn, void *arg)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (!d)
		return -errno;
	while (!rc && (entry = readdir(d))) {
		const char *name = entry->d_name, *dot = strrchr(name, '.');

		if (!root_name_ok(name) || (dirs && entry->d_type == DT_REG))
			continue;
		/* Not events, but what is known of them. */
		if (dot && (!strcmp(dot, ".scale") || !strcmp(dot, ".unit") ||
			    !strcmp(dot, ".snapshot") || !strcmp(dot, ".per-pkg")))
			continue;
		rc = fn(arg, name);
	}
	closedir(d);
	return rc;
}

int sysfs_each_pmu(name_fn *fn, void *arg)
{
	return each_entry(pmu_roots()->devices, true, fn, arg);
}

int sysfs_each_event(const char *pmu, name_fn *fn, void *arg)
{
	char path[PATH_BYTES];

	if (!root_name_ok(pmu))
		return -ENOENT;
	ROOT_PATH(path, "%s/%s/events", pmu_roots()->devices, pmu);
	return each_entry(path, false, fn, arg);
}

static int sysfs_each_format(const char *pmu, name_fn *fn, void *arg)
{
	char path[PATH_BYTES];

	ROOT_PATH(path, "%s/%s/format", pmu_roots()->devices, pmu);
	return each_entry(path, false, fn, arg);
}

bool sysfs_has_pmu(const char *pmu)
{
	char path[PATH_BYTES];

	ROOT_PATH(path, "%s/%s/type", pmu_roots()->devices, pmu);
	return root_name_ok(pmu) && !access(path, F_OK);
}

bool sysfs_cpu_pmu(const char *pmu)
{
	return !strcmp(pmu, "cpu") || !strncmp(pmu, "cpu_", 4) || !strncmp(pmu, "armv", 4);
}

static int offer(void *near, const char *name)
{
	near_offer(near, name);
	return 0;
}

static int no_pmu(const char *pmu, const struct why *w)
{
	char text[NEAR_MAX * NEAR_NAME_MAX];
	struct near near;

	near_init(&near, pmu);
	(void)sysfs_each_pmu(offer, &near);
	near_text(&near, text, sizeof(text));
	why_add(w, "no PMU '%s': this kernel has no %s/%s (no such unit in this machine, or no "
		   "driver for it).\n", pmu, pmu_roots()->devices, pmu);
	if (*text)
		why_add(w, "  did you mean %s?\n", text);
	return -ENODEV;
}

static int add_format(void *arg, const char *name)
{
	const struct why *w = arg;

	why_add(w, " %s", name);
	return 0;
}

/* Which terms there are, so that the next try fits. */
static int no_term(const char *pmu, const char *term, const struct why *w)
{
	char text[NEAR_MAX * NEAR_NAME_MAX];
	struct near near;

	near_init(&near, term);
	(void)sysfs_each_format(pmu, offer, &near);
	(void)sysfs_each_event(pmu, offer, &near);
	near_text(&near, text, sizeof(text));
	why_add(w, "%s has no term or event '%s'", pmu, term);
	if (*text)
		why_add(w, ": did you mean %s?", text);
	why_add(w, "\n  its terms: config config1 config2 name");
	(void)sysfs_each_format(pmu, add_format, (void *)w);
	why_add(w, "\n  its events: " HINT_LIST "\n", hint_program(), pmu);
	return -ENOENT;
}

static int bad_value(const char *pmu, const struct term *t, const struct why *w)
{
	if (!t->has_value)
		why_add(w, "%s: '%s' needs a value: %s=0x…\n", pmu, t->name, t->name);
	else
		why_add(w, "%s: '%s=%s': not a number, or more than its bits hold\n", pmu, t->name,
			t->value);
	return -EINVAL;
}

/* Sets one term in `e`: 0, -ENOENT (no such format), or -EINVAL. */
static int set_format(const char *pmu, const struct term *t, struct event *e)
{
	char path[PATH_BYTES], text[ROOT_FILE_MAX];
	struct format f = {.target = FORMAT_CONFIG, .n = 1, .range = {{0, 63}}};
	uint64_t value = 1;
	uint64_t *const targets[] = {&e->config, &e->config1, &e->config2};

	if (t->has_value && !text_u64(t->value, &value))
		return -EINVAL;
	if (!strcmp(t->name, "config1"))
		f.target = FORMAT_CONFIG1;
	else if (!strcmp(t->name, "config2"))
		f.target = FORMAT_CONFIG2;
	else if (strcmp(t->name, "config")) {
		int rc;

		ROOT_PATH(path, "%s/%s/format/%s", pmu_roots()->devices, pmu, t->name);
		rc = root_read(path, text, sizeof(text));
		if (rc < 0)
			return rc == -EISDIR || rc == -ENOTDIR ? -ENOENT : rc;
		if (!format_parse(text, &f))
			return -EINVAL;
	} else if (!t->has_value) {
		return -EINVAL;
	}
	return format_put(&f, value, targets[f.target]) ? 0 : -EINVAL;
}

static int set_alias(const char *pmu, const char *name, struct event *e);

static int set_terms(const char *pmu, const char *terms, bool aliases, struct event *e,
		     const struct why *w)
{
	struct term t;
	int rc;

	while ((rc = term_next(&terms, &t)) > 0) {
		if (!strcmp(t.name, "name")) {
			if (!t.has_value || !*t.value)
				return bad_value(pmu, &t, w);
			snprintf(e->sample_type, sizeof(e->sample_type), "%.63s", t.value);
			continue;
		}
		rc = set_format(pmu, &t, e);
		if (rc == -ENOENT && aliases && !t.has_value)
			rc = set_alias(pmu, t.name, e);
		if (rc == -ENOENT)
			return no_term(pmu, t.name, w);
		if (rc < 0)
			return bad_value(pmu, &t, w);
	}
	if (rc < 0)
		why_add(w, "%s/…/: '%.80s' is not term or term=value\n", pmu, terms);
	return rc;
}

/* An event file holds terms. It does not name other event files; '?' marks what one has to give
 * oneself ("event=0x24,ldlat=?"), and is passed over here. */
static int set_alias(const char *pmu, const char *name, struct event *e)
{
	const struct why silent = {0};
	char path[PATH_BYTES], text[ROOT_FILE_MAX], *open_term;
	int rc;

	ROOT_PATH(path, "%s/%s/events/%s", pmu_roots()->devices, pmu, name);
	rc = root_read(path, text, sizeof(text));
	if (rc < 0)
		return rc == -EISDIR || rc == -ENOTDIR ? -ENOENT : rc;
	while ((open_term = strstr(text, "=?")))
		memcpy(open_term, "=0", 2);
	rc = set_terms(pmu, text, false, e, &silent);
	return rc < 0 ? -EINVAL : 0;
}

int sysfs_resolve(const char *pmu, const char *terms, struct event *e, const struct why *w)
{
	struct event made = *e;
	char path[PATH_BYTES];
	uint64_t type;
	int rc;

	if (!root_name_ok(pmu) || !sysfs_has_pmu(pmu))
		return no_pmu(pmu, w);
	ROOT_PATH(path, "%s/%s/type", pmu_roots()->devices, pmu);
	rc = root_read_u64(path, &type);
	if (rc < 0 || type > UINT32_MAX) {
		why_add(w, "%s: %s\n", path, rc < 0 ? strerror(-rc) : "not a type number");
		return rc < 0 ? rc : -EINVAL;
	}
	made.type = (uint32_t)type;
	made.source = EVENT_SYSFS;
	rc = set_terms(pmu, terms, true, &made, w);
	if (rc < 0)
		return rc;
	*e = made;
	return 0;
}

struct bare {
	const char *name;
	struct event *e;
	const struct why *w;
	bool cpu_only;
};

static int try_pmu(void *arg, const char *pmu)
{
	struct bare *b = arg;
	char path[PATH_BYTES];
	int rc;

	if (sysfs_cpu_pmu(pmu) != b->cpu_only)
		return 0;
	ROOT_PATH(path, "%s/%s/events/%s", pmu_roots()->devices, pmu, b->name);
	if (access(path, F_OK))
		return 0;
	rc = sysfs_resolve(pmu, b->name, b->e, b->w);
	return rc < 0 ? rc : 1;
}

int sysfs_resolve_bare(const char *name, struct event *e, const struct why *w)
{
	struct bare b = {.name = name, .e = e, .w = w, .cpu_only = true};
	int rc;

	if (!root_name_ok(name))
		return -ENOENT;
	rc = sysfs_each_pmu(try_pmu, &b);
	b.cpu_only = false;
	if (rc == 0)
		rc = sysfs_each_pmu(try_pmu, &b);
	return rc > 0 ? 0 : rc == 0 ? -ENOENT : rc;
}
