/* SPDX-License-Identifier: Apache-2.0
 *
 * A made-up /sys, /proc and tracefs in a folder of the test's own.
 */
#ifndef TESTS_FAKE_TREE_H
#define TESTS_FAKE_TREE_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pmu/roots.h"

static char tree[64];
static char tree_paths[5][128];
static struct pmu_roots tree_roots;

static inline void tree_make(void)
{
	static const char *const parts[] = {"devices", "tracing", "debug", "proc", "sys"};

	snprintf(tree, sizeof(tree), "/tmp/pmuscope-tree.XXXXXX");
	assert_non_null(mkdtemp(tree));
	for (int i = 0; i < 5; i++)
		snprintf(tree_paths[i], sizeof(tree_paths[i]), "%s/%s", tree, parts[i]);
	tree_roots = (struct pmu_roots){.devices = tree_paths[0],
					.tracefs = {tree_paths[1], tree_paths[2]},
					.proc = tree_paths[3],
					.sys = tree_paths[4]};
	pmu_roots_set(&tree_roots);
}

/* Writes `len` bytes to the file `path` of the tree, making its directories. */
static inline void tree_bytes(const char *path, const void *bytes, size_t len)
{
	char full[PATH_MAX];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", tree, path);
	for (char *slash = full + strlen(tree) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(full, 0755);
		*slash = '/';
	}
	if (full[strlen(full) - 1] == '/')
		return;
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void tree_file(const char *path, const char *text)
{
	tree_bytes(path, text, strlen(text));
}

static inline int tree_remove_one(const char *path, const struct stat *st, int kind,
				  struct FTW *ftw)
{
	return remove(path);
}

static inline void tree_remove(void)
{
	pmu_roots_set(NULL);
	(void)nftw(tree, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A generator of the test's own, the same on every machine (xorshift). */
static inline unsigned tree_random(unsigned *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Changes some bytes of `text`, never to NUL; may cut or double a part. */
static inline void tree_mutate(char *text, size_t size, unsigned *state)
{
	size_t len = strlen(text);
	unsigned times = tree_random(state) % 4 + 1;

	while (times-- && len) {
		size_t at = tree_random(state) % len;

		switch (tree_random(state) % 4) {
		case 0:
			text[at] = (char)(tree_random(state) % 255 + 1);
			break;
		case 1:
			text[at] = "0123456789,:-=/uxkpPGH?x{} \n"[tree_random(state) % 28];
			break;
		case 2:
			text[at] = '\0';
			break;
		default:
			if (len + len - at < size) {
				memmove(text + len, text + at, len - at);
				text[len + len - at] = '\0';
			}
		}
		len = strlen(text);
	}
}

#endif
