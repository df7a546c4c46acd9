/* SPDX-License-Identifier: Apache-2.0
 *
 * The generic names that perf made known: hardware, cache and software events.
 */
#include "pmu/resolve.h"

#include "pmu/abi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct alias {
	const char *name, *other; /* `other`: a second spelling */
	uint32_t config;
};

#define HW(x) PERF_COUNT_HW_##x
#define SW(x) PERF_COUNT_SW_##x

static const struct alias hardware[] = {
	{"cycles", "cpu-cycles", HW(CPU_CYCLES)},
	{"instructions", NULL, HW(INSTRUCTIONS)},
	{"cache-references", NULL, HW(CACHE_REFERENCES)},
	{"cache-misses", NULL, HW(CACHE_MISSES)},
	{"branches", "branch-instructions", HW(BRANCH_INSTRUCTIONS)},
	{"branch-misses", NULL, HW(BRANCH_MISSES)},
	{"bus-cycles", NULL, HW(BUS_CYCLES)},
	{"stalled-cycles-frontend", "idle-cycles-frontend", HW(STALLED_CYCLES_FRONTEND)},
	{"stalled-cycles-backend", "idle-cycles-backend", HW(STALLED_CYCLES_BACKEND)},
	{"ref-cycles", NULL, HW(REF_CPU_CYCLES)},
};

static const struct alias software[] = {
	{"cpu-clock", NULL, SW(CPU_CLOCK)},
	{"task-clock", NULL, SW(TASK_CLOCK)},
	{"page-faults", "faults", SW(PAGE_FAULTS)},
	{"minor-faults", NULL, SW(PAGE_FAULTS_MIN)},
	{"major-faults", NULL, SW(PAGE_FAULTS_MAJ)},
	{"context-switches", "cs", SW(CONTEXT_SWITCHES)},
	{"cpu-migrations", "migrations", SW(CPU_MIGRATIONS)},
	{"alignment-faults", NULL, SW(ALIGNMENT_FAULTS)},
	{"emulation-faults", NULL, SW(EMULATION_FAULTS)},
	{"dummy", NULL, SW(DUMMY)},
};

/* Parts of a cache event's name, each with its spellings; the first is the one we list. */
enum { SPELLINGS = 5 };
static const char *const caches[][SPELLINGS] = {
	[PERF_COUNT_HW_CACHE_L1D] = {"L1-dcache", "l1-d", "l1d", "L1-data"},
	[PERF_COUNT_HW_CACHE_L1I] = {"L1-icache", "l1-i", "l1i", "L1-instruction"},
	[PERF_COUNT_HW_CACHE_LL] = {"LLC", "L2"},
	[PERF_COUNT_HW_CACHE_DTLB] = {"dTLB", "d-tlb", "Data-TLB"},
	[PERF_COUNT_HW_CACHE_ITLB] = {"iTLB", "i-tlb", "Instruction-TLB"},
	[PERF_COUNT_HW_CACHE_BPU] = {"branch", "branches", "bpu", "btb", "bpc"},
	[PERF_COUNT_HW_CACHE_NODE] = {"node"},
};
static const char *const ops[][SPELLINGS] = {
	[PERF_COUNT_HW_CACHE_OP_READ] = {"loads", "load", "read"},
	[PERF_COUNT_HW_CACHE_OP_WRITE] = {"stores", "store", "write"},
	[PERF_COUNT_HW_CACHE_OP_PREFETCH] = {"prefetches", "prefetch", "speculative-read",
					     "speculative-load"},
};
static const char *const results[][SPELLINGS] = {
	[PERF_COUNT_HW_CACHE_RESULT_ACCESS] = {"refs", "reference", "ops", "access"},
	[PERF_COUNT_HW_CACHE_RESULT_MISS] = {"misses", "miss"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Equal but for case and '_' against '-', over `n` bytes. */
static bool same(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		char x = *a == '_' ? '-' : *a, y = *b == '_' ? '-' : *b;

		if (strncasecmp(&x, &y, 1))
			return false;
	}
	return true;
}

static bool is(const char *name, const char *want)
{
	size_t n = strlen(name), m = strlen(want);
	static const char singular[] = "misses";

	if (n == m && same(name, want, n))
		return true;
	/* -miss for -misses. */
	return m > 6 && !strcmp(want + m - 6, singular) && n == m - 2 && same(name, want, n);
}

/* The longest spelling in `table` that `*at` starts with, at a '-' or the end: its row, and *at
 * moves behind it; -1 where there is none. */
static int part(const char *const table[][SPELLINGS], size_t rows, const char **at)
{
	size_t best = 0;
	int row = -1;

	for (size_t r = 0; r < rows; r++) {
		for (size_t s = 0; s < SPELLINGS && table[r][s]; s++) {
			size_t n = strlen(table[r][s]);

			if (n <= best || strlen(*at) < n || !same(*at, table[r][s], n))
				continue;
			if ((*at)[n] && (*at)[n] != '-' && (*at)[n] != '_')
				continue;
			best = n;
			row = (int)r;
		}
	}
	*at += best;
	if (row >= 0 && **at)
		(*at)++;
	return row;
}

static int cache_config(const char *name, uint64_t *config)
{
	int cache = part(caches, COUNT(caches), &name), op = -1, result = -1;

	if (cache < 0 || !*name)
		return -ENOENT;
	while (*name) {
		const char *before = name;

		if (op < 0)
			op = part(ops, COUNT(ops), &name);
		if (result < 0 && *name)
			result = part(results, COUNT(results), &name);
		if (name == before)
			return -ENOENT;
	}
	op = op < 0 ? PERF_COUNT_HW_CACHE_OP_READ : op;
	result = result < 0 ? PERF_COUNT_HW_CACHE_RESULT_ACCESS : result;
	*config = (uint64_t)cache | (uint64_t)op << 8 | (uint64_t)result << 16;
	return 0;
}

static const struct alias *find(const struct alias *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (is(name, table[i].name) || (table[i].other && is(name, table[i].other)))
			return &table[i];
	}
	return NULL;
}

int alias_resolve(const char *name, struct event *e)
{
	const struct alias *a;
	uint64_t config = 0;

	if ((a = find(hardware, COUNT(hardware), name))) {
		e->type = PERF_TYPE_HARDWARE;
		config = a->config;
	} else if ((a = find(software, COUNT(software), name))) {
		e->type = PERF_TYPE_SOFTWARE;
		config = a->config;
	} else if (!cache_config(name, &config)) {
		e->type = PERF_TYPE_HW_CACHE;
	} else {
		return -ENOENT;
	}
	e->config = config;
	e->source = EVENT_ALIAS;
	/* "cs", "faults": one name in profiles for one event. */
	if (a)
		snprintf(e->sample_type, sizeof(e->sample_type), "%s", a->name);
	return 0;
}

/* Which of reads, writes and prefetches a cache has at all. */
static bool cache_does(size_t cache, size_t op)
{
	if (cache == PERF_COUNT_HW_CACHE_L1I)
		return op != PERF_COUNT_HW_CACHE_OP_WRITE;
	if (cache == PERF_COUNT_HW_CACHE_ITLB || cache == PERF_COUNT_HW_CACHE_BPU)
		return op == PERF_COUNT_HW_CACHE_OP_READ;
	return true;
}

static int each_cache(name_fn *fn, void *arg)
{
	static const char *const with_misses[] = {"load", "store", "prefetch"};
	char name[64];
	int rc = 0;

	for (size_t c = 0; !rc && c < COUNT(caches); c++) {
		for (size_t o = 0; !rc && o < COUNT(ops); o++) {
			if (!cache_does(c, o))
				continue;
			snprintf(name, sizeof(name), "%s-%s", caches[c][0], ops[o][0]);
			rc = fn(arg, name);
			snprintf(name, sizeof(name), "%s-%s-misses", caches[c][0], with_misses[o]);
			rc = rc ? rc : fn(arg, name);
		}
	}
	return rc;
}

int alias_each(enum alias_group group, name_fn *fn, void *arg)
{
	const struct alias *table = group == ALIAS_HARDWARE ? hardware : software;
	size_t n = group == ALIAS_HARDWARE ? COUNT(hardware) : COUNT(software);
	int rc = 0;

	if (group == ALIAS_CACHE)
		return each_cache(fn, arg);
	for (size_t i = 0; !rc && i < n; i++)
		rc = fn(arg, table[i].name);
	return rc;
}
