/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the kernel's files are, and how they are read: small, whole, bounded, as hostile text.
 *
 * The paths are fixed; only unit tests set others (no environment variable does: pmuscope runs
 * with privileges).
 */
#ifndef PMU_ROOTS_H
#define PMU_ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROOT_FILE_MAX = 4096 };

struct pmu_roots {
	const char *devices;    /* /sys/bus/event_source/devices */
	const char *tracefs[2]; /* /sys/kernel/tracing, /sys/kernel/debug/tracing */
	const char *proc;       /* /proc */
	const char *sys;        /* /sys */
};

const struct pmu_roots *pmu_roots(void);
void pmu_roots_set(const struct pmu_roots *roots); /* NULL: the real ones; kept by reference */

/* A path that does not fit is cut, and then is not there. */
#define ROOT_PATH(out, ...) ((void)!snprintf((out), sizeof(out), __VA_ARGS__))

/* Reads the file `path` (at most `size` - 1 bytes; a longer one is -EFBIG), terminated, trailing
 * white space removed: 0 or -errno. A NUL inside is -EINVAL. */
int root_read(const char *path, char *out, size_t size);

/* The whole file is one number, decimal or 0x: 0, -EINVAL, or the read's -errno. */
int root_read_u64(const char *path, uint64_t *ret);
int root_read_long(const char *path, long *ret);

/* True for a name that is one harmless path component: letters, digits and _ - . + @, not
 * starting with a dot. */
bool root_name_ok(const char *name);

/* Parses `text` wholly as a number, decimal or 0x hexadecimal: false otherwise. */
bool text_u64(const char *text, uint64_t *ret);

#endif
