/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/list.h"

#include "agent/base/log.h"
#include "agent/base/vec.h"
#include "pmu/hints.h"
#include "pmu/near.h"
#include "pmu/resolve.h"
#include "pmu/unknown.h"
#include "pmu/usable.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_NO_MATCH = 1, EXIT_USAGE = 125, NAME_WIDTH = 44, TRACEPOINTS_OPENED = 12 };

struct line {
	char name[EVENT_NAME_MAX];
	char with_mask[EVENT_NAME_MAX]; /* "" where it needs none */
	char says[96];
	bool usable;
};

struct list {
	const char *word; /* "" all */
	bool whole_group; /* the word is the group's own name */
	const char *prefix, *suffix; /* around each name of the present source */
	VEC(struct line) lines;
	unsigned shown, counted;
	unsigned opened; /* tracepoints: closing one waits for all CPUs, some 12 ms */
	struct line last; /* the last of those that were opened */
	int cause; /* errno shared by all lines of the group that are not usable; -1 several */
};

static const char help[] =
	"usage: pmuscope list [WORD]\n"
	"\n"
	"Lists the events that can be given to -e, by group, each with what this machine and user\n"
	"can do with it, found by opening it. With WORD: names that contain it (case, '-' and '_'\n"
	"do not count), tracepoints one by one; a group's name (hardware, cache, software,\n"
	"tracepoints, a PMU) lists the group. Without, tracepoints are counted by system.\n"
	"\n"
	"Exit status: 0; 1 when no name contains WORD; 125 wrong usage.\n";

static char fold(char c)
{
	return c == '_' ? '-' : (char)tolower((unsigned char)c);
}

static bool contains(const char *name, const char *word)
{
	for (; ; name++) {
		size_t i = 0;

		while (word[i] && fold(name[i]) == fold(word[i]))
			i++;
		if (!word[i])
			return true;
		if (!*name)
			return false;
	}
}

static void say(struct line *l, enum usable u, int err)
{
	const char *name = err ? strerrorname_np(err) : "";

	l->usable = u != USABLE_NO && u != USABLE_COUNT;
	if (u == USABLE_ALL)
		snprintf(l->says, sizeof(l->says), "yes");
	else if (u == USABLE_USER)
		snprintf(l->says, sizeof(l->says), "yes, user part only (%s)", name);
	else if (u == USABLE_SYSTEM)
		snprintf(l->says, sizeof(l->says), "yes, whole machine only (-a)");
	else if (u == USABLE_COUNT)
		snprintf(l->says, sizeof(l->says), "no: counts, but cannot be sampled (%s)", name);
	else
		snprintf(l->says, sizeof(l->says), "no: %s (%s)",
			 err == ENOENT ? "not on this machine" :
			 err == EACCES || err == EPERM ? "not allowed" : strerror(err), name);
}

static int cause_of(int before, int err)
{
	return before == 0 || before == err ? err : -1;
}

static int first_name(void *arg, const char *name)
{
	snprintf(arg, EVENT_NAME_MAX, "%s", name);
	return 1;
}

static void probe_line(struct list *l, struct line *line)
{
	struct event event;
	char why[EVENT_WHY_MAX];
	size_t n = 0;
	int err, rc = events_resolve(line->name, &event, &n, why);
	enum usable u;

	if (rc == -EINVAL && pfm_each_mask(line->name, first_name, line->with_mask)) {
		n = 0;
		rc = events_resolve(line->with_mask, &event, &n, why);
	}
	if (rc == -EINVAL) {
		snprintf(line->says, sizeof(line->says), "needs a value");
		return;
	}
	if (rc < 0) {
		say(line, USABLE_NO, -rc);
		return;
	}
	u = event_usable(&event, &err);
	say(line, u, err);
	if (u == USABLE_NO)
		l->cause = cause_of(l->cause, err);
	if (*line->with_mask) {
		size_t len = strlen(line->says);

		snprintf(line->says + len, sizeof(line->says) - len, ", takes a mask");
	}
}

static int add_name(void *arg, const char *name)
{
	struct list *l = arg;
	char full[EVENT_NAME_MAX];
	struct line *line;

	snprintf(full, sizeof(full), "%s%s%s", l->prefix, name, l->suffix);
	if (!l->whole_group && !contains(full, l->word))
		return 0;
	line = vec_add(&l->lines);
	if (!line)
		return -ENOMEM;
	snprintf(line->name, sizeof(line->name), "%s", full);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->name, ((const struct line *)b)->name);
}

static bool is_tracepoint(const struct line *line)
{
	const char *colon = strchr(line->name, ':');

	return colon && colon[1] != ':' && !strstr(line->name, "::");
}

/* A few tracepoints tell for the rest: they differ in nothing that decides it. */
static void probe_lines(struct list *l)
{
	l->cause = 0;
	for (size_t i = 0; i < l->lines.len; i++) {
		struct line *line = &l->lines.at[i];

		if (is_tracepoint(line) && l->opened >= TRACEPOINTS_OPENED) {
			memcpy(line->says, l->last.says, sizeof(line->says));
			line->usable = l->last.usable;
			continue;
		}
		probe_line(l, line);
		if (is_tracepoint(line)) {
			l->opened++;
			l->last = *line;
		}
	}
}

/* libpfm4 finds an event without its PMU's name, which the group's title has. */
static const char *bare(const char *name)
{
	const char *colons = strstr(name, "::");

	return colons ? colons + 2 : name;
}

static void print_group(struct list *l, const char *title)
{
	unsigned usable = 0;

	for (size_t i = 0; i < l->lines.len; i++)
		usable += l->lines.at[i].usable;
	printf("%s%s", l->shown ? "\n" : "", title);
	printf("   %u of %zu usable", usable, l->lines.len);
	if (!usable && l->cause == ENOENT)
		printf(": no such counters here (perf_event_open: ENOENT)");
	else if (!usable && l->cause > 0)
		printf(": perf_event_open: %s", strerrorname_np(l->cause));
	printf("\n");
	for (size_t i = 0; i < l->lines.len; i++)
		printf("  %-*s %s\n", NAME_WIDTH, bare(l->lines.at[i].name), l->lines.at[i].says);
	l->shown += (unsigned)l->lines.len;
}

static void flush_group(struct list *l, const char *title, bool sort)
{
	if (sort && l->lines.len)
		qsort(l->lines.at, l->lines.len, sizeof(*l->lines.at), by_name);
	probe_lines(l);
	if (l->lines.len)
		print_group(l, title);
	l->lines.len = 0;
}

static void start_group(struct list *l, const char *title, const char *prefix, const char *suffix)
{
	l->whole_group = !*l->word || !strcmp(l->word, title);
	l->prefix = prefix;
	l->suffix = suffix;
}

static void list_aliases(struct list *l)
{
	static const char *const titles[ALIAS_GROUPS] = {"hardware", "cache", "software"};

	for (int g = 0; g < ALIAS_GROUPS; g++) {
		start_group(l, titles[g], "", "");
		(void)alias_each((enum alias_group)g, add_name, l);
		flush_group(l, titles[g], false);
	}
}

static int list_sysfs(void *arg, const char *pmu)
{
	struct list *l = arg;
	char prefix[EVENT_NAME_MAX];

	snprintf(prefix, sizeof(prefix), "%s/", pmu);
	start_group(l, pmu, prefix, "/");
	(void)sysfs_each_event(pmu, add_name, l);
	snprintf(prefix, sizeof(prefix), "PMU %s", pmu);
	flush_group(l, prefix, true);
	return 0;
}

/* With a word to search for, masks are listed too. */
static int add_masks(void *arg, const char *name)
{
	struct list *l = arg;
	size_t before = l->lines.len;
	int rc = pfm_each_mask(name, add_name, l);

	if (rc || l->lines.len > before)
		return rc;
	return add_name(l, name);
}

static int list_pfm(void *arg, const char *pmu)
{
	struct list *l = arg;
	char title[EVENT_NAME_MAX];

	start_group(l, pmu, "", "");
	(void)pfm_each_event(pmu, *l->word ? add_masks : add_name, l);
	snprintf(title, sizeof(title), "libpfm4 %s", pmu);
	flush_group(l, title, false);
	return 0;
}

static int list_system(void *arg, const char *system)
{
	struct list *l = arg;
	char prefix[EVENT_NAME_MAX];

	snprintf(prefix, sizeof(prefix), "%s:", system);
	start_group(l, system, prefix, "");
	l->whole_group |= !strcmp(l->word, "tracepoints");
	(void)tracefs_each(system, add_name, l);
	flush_group(l, system, true);
	return 0;
}

static int count_name(void *arg, const char *name)
{
	unsigned *n = arg;

	(*n)++;
	return 0;
}

static int count_system(void *arg, const char *system)
{
	struct list *l = arg;
	unsigned n = 0;
	struct line *line;

	(void)tracefs_each(system, count_name, &n);
	if (!n)
		return 0;
	l->counted += n;
	line = vec_add(&l->lines);
	if (line) {
		snprintf(line->name, sizeof(line->name), "%s:", system);
		snprintf(line->says, sizeof(line->says), "%u", n);
	}
	return 0;
}

static void count_tracepoints(struct list *l)
{
	(void)tracefs_each_system(count_system, l);
	if (l->lines.len)
		qsort(l->lines.at, l->lines.len, sizeof(*l->lines.at), by_name);
	printf("\ntracepoints   %u in %zu systems: %s list SYSTEM shows them\n", l->counted,
	       l->lines.len, hint_program());
	for (size_t i = 0; i < l->lines.len; i++)
		printf("  %-*s %s\n", NAME_WIDTH, l->lines.at[i].name, l->lines.at[i].says);
	l->lines.len = 0;
}

static void list_tracepoints(struct list *l)
{
	enum tracefs_state state = tracefs_state();

	if (state == TRACEFS_READABLE) {
		if (*l->word)
			(void)tracefs_each_system(list_system, l);
		else
			count_tracepoints(l);
	} else if (!*l->word || !strcmp(l->word, "tracepoints") || strchr(l->word, ':')) {
		fflush(stdout);
		if (state == TRACEFS_NOT_MOUNTED)
			log_note("tracepoints: tracefs is not mounted\n  " HINT_MOUNT_TRACEFS);
		else if (state == TRACEFS_NOT_READABLE)
			log_note("tracepoints: this user may not read tracefs (EACCES)");
		else
			log_note("tracepoints: this kernel has none");
	}
}

static int no_match(const char *word)
{
	char text[NEAR_MAX * NEAR_NAME_MAX];
	struct near near;

	near_init(&near, word);
	offer_names(&near, true);
	near_text(&near, text, sizeof(text));
	log_error("no event's name contains '%s'%s%s%s", word, *text ? "; near: " : "", text,
		  tracefs_state() == TRACEFS_READABLE ? "" : " (tracepoints could not be searched)");
	return EXIT_NO_MATCH;
}

int cmd_list(int argc, char **argv)
{
	struct list l = {.word = argc > 1 ? argv[1] : ""};

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(help, stdout);
		return 0;
	}
	if (argc > 2 || *l.word == '-') {
		log_error("list takes one word: pmuscope list [WORD]");
		return EXIT_USAGE;
	}
	list_aliases(&l);
	(void)sysfs_each_pmu(list_sysfs, &l);
	(void)pfm_each_pmu(list_pfm, &l);
	list_tracepoints(&l);
	vec_free(&l.lines);
	if (*l.word && !l.shown)
		return no_match(l.word);
	if (l.opened >= TRACEPOINTS_OPENED)
		printf("\n%d tracepoints were opened to see; the others are taken to be alike.\n",
		       TRACEPOINTS_OPENED);
	return fflush(stdout) ? EXIT_USAGE : 0;
}
