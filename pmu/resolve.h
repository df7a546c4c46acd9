/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the resolver of event.h, one file each: each turns a name without modifiers into
 * type and config, offers its names to near.h, and lists them for `pmuscope list`.
 *
 * All return 0, -ENOENT (not one of mine) or another -errno with `why` filled in. On failure the
 * event is left as it was.
 */
#ifndef PMU_RESOLVE_H
#define PMU_RESOLVE_H

#include "pmu/event.h"
#include "pmu/near.h"

/* Sentences for people, appended to `text` (of `size`), cut where full. */
struct why {
	char *text;
	size_t size;
};
void why_add(const struct why *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void why_trim(const struct why *w); /* without the last line's end, as whoever prints it wants */

/* Called for each name of a list; other than 0 ends it and is returned. */
typedef int name_fn(void *arg, const char *name);

/* u k h G H p pp ppp P, combined ("uk", "ppu"). */
enum { PRECISE_BEST = 4 }; /* P: events_probe() finds the most precise that opens */
struct modifiers {
	bool user, kernel, hv, guest, host;
	unsigned precise;
};
bool modifiers_parse(const char *text, size_t len, struct modifiers *m);
void modifiers_apply(const struct modifiers *m, struct event *e);
/* Takes ":uk" (and ":precise=2") off the end of `name`, as often as there is one. */
void modifiers_take(char *name, struct modifiers *m);

/* alias.c: perf's generic names. */
enum alias_group { ALIAS_HARDWARE, ALIAS_CACHE, ALIAS_SOFTWARE, ALIAS_GROUPS };
int alias_resolve(const char *name, struct event *e);
int alias_each(enum alias_group group, name_fn *fn, void *arg);

/* sysfs.c: PMU/terms/ from /sys/bus/event_source/devices. */
int sysfs_resolve(const char *pmu, const char *terms, struct event *e, const struct why *w);
/* A name out of some PMU's events directory, typed without its PMU; the CPU's own come first. */
int sysfs_resolve_bare(const char *name, struct event *e, const struct why *w);
int sysfs_each_pmu(name_fn *fn, void *arg);
int sysfs_each_event(const char *pmu, name_fn *fn, void *arg);
bool sysfs_has_pmu(const char *pmu);
bool sysfs_cpu_pmu(const char *pmu); /* cpu, cpu_core, cpu_atom, armv8_pmuv3_0, … */

/* tracefs.c: tracepoints. */
enum tracefs_state {
	TRACEFS_READABLE,
	TRACEFS_NOT_MOUNTED,
	TRACEFS_NOT_READABLE, /* mounted, we may not look */
	TRACEFS_NONE,         /* this kernel has no such directory: built without tracing */
};
enum tracefs_state tracefs_state(void);
int tracefs_resolve(const char *system, const char *name, struct event *e, const struct why *w);
int tracefs_each_system(name_fn *fn, void *arg);
int tracefs_each(const char *system, name_fn *fn, void *arg);

/* pfm.c: libpfm4, the only file that knows it. */
int pfm_resolve(const char *name, struct event *e, const struct why *w);
/* PMUs that the library takes this machine to have, its generic ones left out. */
int pfm_each_pmu(name_fn *fn, void *arg);
/* "pmu::EVENT", umasks left out. */
int pfm_each_event(const char *pmu, name_fn *fn, void *arg);
/* "pmu::EVENT:MASK" for each mask of "pmu::EVENT". */
int pfm_each_mask(const char *event, name_fn *fn, void *arg);
/* A PMU of some other machine that has an event of this name: its name, or NULL. */
const char *pfm_elsewhere(const char *name);
/* Unit tests only, before anything else: keeps LIBPFM_* in the environment. */
void pfm_keep_environment(void);

#endif
