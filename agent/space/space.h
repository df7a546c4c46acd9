/* SPDX-License-Identifier: Apache-2.0
 *
 * The executable mappings of one address space, as they were at the time of the record that is
 * being handled. Shared after fork without exec (copied when one side changes).
 */
#ifndef AGENT_SPACE_SPACE_H
#define AGENT_SPACE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module;

struct mapping {
	uint64_t start, end, pgoff; /* [start, end), file offset of start */
	uint64_t inode;
	uint32_t major, minor;
	const char *path;      /* as the process sees it; interned, lives as long as the program */
	struct module *module; /* NULL until the first sample that needs it */
	bool asked;            /* the module was looked for; NULL then means there is none */
};

struct space {
	struct mapping *at; /* sorted, disjoint */
	size_t len, cap;
	uint32_t refs;
	uint32_t stamp;    /* differs after every change and between all spaces: a cache key */
	uint64_t suspect_until; /* samples older than that may have met other mappings: records
				 * were lost, and the space was read anew at that time */
};

enum { SPACE_MAPPINGS_MAX = 65536 };

struct space *space_new(void); /* one reference; NULL when out of memory */
struct space *space_hold(struct space *s);
void space_drop(struct space **s);

/* Makes *s safe to change: a copy where others hold it too. 0 or -ENOMEM (*s unchanged). */
int space_own(struct space **s);

/* Adds a mapping to a space that the caller owns; what it overlaps gives way, as in the kernel.
 * 0, -ENOMEM, -E2BIG, -EINVAL (empty or past the end of the address space). */
int space_add(struct space *s, const struct mapping *m);

/* The mapping that holds `pc`, or NULL. Valid until the space changes. */
struct mapping *space_find(const struct space *s, uint64_t pc);

/* One line of /proc/PID/maps (proc(5)), without its newline. True for an executable mapping; the
 * path then points into `line` (terminated there, "\012" left as it is), " (deleted)" cut off. */
bool space_parse_line(char *line, struct mapping *ret);

#endif
