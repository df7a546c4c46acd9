/* SPDX-License-Identifier: Apache-2.0
 *
 * Modules: the files (and file-like things) that code comes from. One module for each opened file
 * identity (device, inode, size, ctime), shared by all processes that map it.
 */
#ifndef AGENT_SPACE_MODULE_H
#define AGENT_SPACE_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/helpers/symbolizer.h"
#include "agent/space/opener.h"
#include "agent/space/space.h"
#include "agent/wire/sym.h"

enum module_kind {
	MODULE_FILE,
	MODULE_KERNEL, /* one for the kernel and all its modules */
	MODULE_VDSO,
	MODULE_JIT,    /* a process' run-time code, named by its perf map; addresses are its own */
};

struct table; /* its unwind rows: agent/unwind/table.h */

struct module {
	uint32_t index; /* in the order of appearance */
	uint32_t sym;   /* the symbolizer's id */
	bool usable;    /* the symbolizer took it */
	enum module_kind kind;
	uint64_t dev, inode, size;
	int64_t ctime_ns;
	const char *path; /* as a process saw it; for people and the profile */
	int pid;          /* a process that maps it: where its debug files are looked for */
	struct sym_info info;
	struct table *table; /* owned by the unwinder; NULL until its first page */
};

struct modules;

int modules_new(struct opener *o, struct symbolizer *s, struct modules **ret);

/* What a recording knows of the files that it names. */
struct modules_recorded {
	size_t (*build_id)(void *arg, const char *path, const uint8_t **ret); /* length; 0 unknown */
	bool (*same_kernel)(void *arg); /* this boot's: kallsyms and the vDSO are its own */
	void *arg;
};
/* For a recording: files are opened by path (opener_start_recorded()), and one whose build ID is
 * another than the recorded is none. `what` is copied. */
int modules_new_recorded(struct opener *o, struct symbolizer *s,
			 const struct modules_recorded *what, struct modules **ret);
/* When the whole recording has been read, before names are asked for: a pipe tells its build IDs
 * and its kernel last. */
bool modules_settle(struct modules *ms); /* true: the kernel is one of the modules */
/* The paths of files that are not there, or are others than were recorded. */
size_t modules_missing(const struct modules *ms, const char *const **ret);
size_t modules_refused(const struct modules *ms, const char *const **ret);
void modules_free(struct modules **ms);

/* The module behind a mapping of process `pid` (`parents`: where else its path may be looked up),
 * opened and registered on first use; NULL where there is none: anonymous memory, a file that is
 * gone. Remembered in the mapping. */
struct module *modules_of_mapping(struct modules *ms, int pid, const int *parents, int n_parents,
				  struct mapping *m);

struct module *modules_kernel(struct modules *ms); /* NULL: kallsyms cannot be had */
struct module *modules_perfmap(struct modules *ms, int pid); /* NULL: the process has no map */

/* Offers the symbolizer the separate debug files it wishes for, before names are asked for. */
void modules_find_debug(struct modules *ms, struct module *m);

size_t modules_count(const struct modules *ms);
struct module *modules_at(const struct modules *ms, size_t index);

/* Address in the process → ELF virtual address; false where no segment of the file is there. */
bool module_vaddr(const struct module *m, const struct mapping *map, uint64_t pc, uint64_t *ret);

#endif
