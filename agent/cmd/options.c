/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FREQUENCY_DEFAULT = 99,
	STACK_DEFAULT = 65528, /* the largest multiple of 8 that a record's 16-bit size can hold */
	STACK_LEAST = 512,
};

static const char help[] =
	"usage: pmuscope record [options] [-a | -p PID,… | PID | -t TID,… | -G CGROUP] [-- COMMAND…]\n"
	"\n"
	"Samples a command, running processes, a cgroup or the whole machine (the default) and\n"
	"writes a profile.\n"
	"\n"
	"  -e EVENT[,EVENT…]   what to sample: cycles (default; cpu-clock where there is no PMU),\n"
	"                      see `pmuscope list`\n"
	"  -F HZ               samples a second and CPU (default 99)\n"
	"  -c PERIOD           one sample every PERIOD events instead\n"
	"  -a                  the whole machine\n"
	"  -p PID[,PID…]       these processes, their threads and children\n"
	"  -t TID[,TID…]       these threads alone\n"
	"  -G CGROUP           a control group: its path, or its name below the cgroup mount\n"
	"  -C CPUS             these CPUs only: 0-3,8\n"
	"  -d SECONDS          how long (default: until the target ends, or Ctrl-C)\n"
	"  -o FILE             output, by its name: .pb.gz (pprof), .html (flame graph), .folded;\n"
	"                      .perf.data (the recording itself, for perf); several are possible;\n"
	"                      `-o -` is standard output in pprof's format\n"
	"                      (default profile.pb.gz; -f is the same)\n"
	"  -g                  stacks (the default)\n"
	"  --call-graph HOW    dwarf[,BYTES] (default), fp (frame pointers), none\n"
	"  --stack-size BYTES  copy of the user stack, at most 65528\n"
	"  -q                  say only what must not be missed: notes and errors\n"
	"  -v                  say more\n"
	"  --help              this text\n"
	"\n"
	"Exit status: the command's own; 0 without one; 125 pmuscope failed or was used wrongly,\n"
	"126 and 127 the command cannot be executed or found.\n";

void options_help(void)
{
	fputs(help, stdout);
}

#define WHY(...) (snprintf(why, size, __VA_ARGS__), -EINVAL)

/* A whole number with nothing behind it. */
static bool whole(const char *s, uint64_t least, uint64_t most, uint64_t *ret)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || v < least || v > most)
		return false;
	*ret = v;
	return true;
}

static int parse_ids(const char *s, struct options *o, char *why, size_t size)
{
	char *copy = strdup(s), *rest = copy, *word;
	int r = copy ? 0 : -ENOMEM;

	while (!r && (word = strsep(&rest, ","))) {
		uint64_t v;
		int *slot = vec_add(&o->ids);
		if (!slot)
			r = -ENOMEM;
		else if (!whole(word, 1, INT_MAX, &v))
			r = WHY("'%s' is no process id; several are parted by commas: -p 12,34"
				" (by name: pmuscope record -p $(pgrep -d, NAME))", word);
		else
			*slot = (int)v;
	}
	free(copy);
	return r;
}

static int parse_cpus(const char *s, struct options *o, char *why, size_t size)
{
	CPU_ZERO(&o->cpus);
	o->cpus_given = true;
	while (*s) {
		char *end;
		unsigned long a = strtoul(s, &end, 10), b = a;
		bool ok = end != s;

		if (ok && *end == '-') {
			s = end + 1;
			b = strtoul(s, &end, 10);
			ok = end != s;
		}
		if (!ok || b < a || b >= CPU_SETSIZE || (*end && *end != ','))
			return WHY("-C wants CPU numbers and ranges: 0-3,8");
		for (; a <= b; a++)
			CPU_SET(a, &o->cpus);
		s = *end ? end + 1 : end;
	}
	return CPU_COUNT(&o->cpus) ? 0 : WHY("-C wants CPU numbers and ranges: 0-3,8");
}

static int parse_stack(const char *s, struct options *o, char *why, size_t size)
{
	uint64_t v;

	if (!whole(s, STACK_LEAST, STACK_DEFAULT, &v))
		return WHY("the stack copy '%s' is not between %d and %d bytes", s, STACK_LEAST,
			   STACK_DEFAULT);
	o->stack_bytes = (uint32_t)v & ~7u;
	o->stack_given = true;
	return 0;
}

static int parse_call_graph(const char *s, struct options *o, char *why, size_t size)
{
	if (!strcmp(s, "fp")) {
		o->stacks = STACKS_FP;
	} else if (!strcmp(s, "none") || !strcmp(s, "no")) {
		o->stacks = STACKS_NONE;
	} else if (!strcmp(s, "dwarf")) {
		o->stacks = STACKS_DWARF;
	} else if (!strncmp(s, "dwarf,", 6)) {
		o->stacks = STACKS_DWARF;
		return parse_stack(s + 6, o, why, size);
	} else {
		return WHY("--call-graph '%s': it is dwarf, dwarf,BYTES, fp or none", s);
	}
	return 0;
}

static int parse_output(const char *path, struct options *o, char *why, size_t size)
{
	struct output *out = &o->outputs[o->n_outputs];

	if (o->n_outputs == OUTPUTS_MAX)
		return WHY("more than %d outputs", OUTPUTS_MAX);
	if (strlen(path) >= sizeof(out->path))
		return WHY("the output's path is too long");
	for (unsigned i = 0; i < o->n_outputs; i++)
		if (!strcmp(o->outputs[i].path, path))
			return WHY("'%s' is named twice", path);
	*out = (struct output){.fd = -1};
	strcpy(out->path, path);
	o->n_outputs++;
	if (output_format(path, &out->format, why, size))
		return -EINVAL;
	for (unsigned i = 0; i + 1 < o->n_outputs; i++)
		if (output_is_recording(out) && output_is_recording(&o->outputs[i]))
			return WHY("one recording (.perf.data) at a time");
	return 0;
}

static int parse_seconds(const char *s, struct options *o, char *why, size_t size)
{
	char *end;

	o->seconds = strtod(s, &end);
	if (end == s || (*end && strcmp(end, "s")) || !(o->seconds > 0) || o->seconds > 1e9)
		return WHY("-d '%s': seconds, more than 0", s);
	return 0;
}

static int set_target(enum options_target t, struct options *o, char *why, size_t size)
{
	if (o->target != TARGET_NONE && o->target != t)
		return WHY("one kind of target at a time: -a, -p, -t or -G");
	o->target = t;
	return 0;
}

static int parse_frequency(const char *s, struct options *o, char *why, size_t size)
{
	if (!whole(s, 1, 1000000, &o->frequency))
		return WHY("-F '%s': samples a second, 1 to 1000000", s);
	o->frequency_given = true;
	return 0;
}

static int parse_period(const char *s, struct options *o, char *why, size_t size)
{
	return whole(s, 1, INT64_MAX, &o->period) ? 0 : WHY("-c '%s': a period of 1 or more", s);
}

static int parse_events(const char *s, struct options *o, char *why, size_t size)
{
	char text[EVENT_WHY_MAX];

	if (!events_resolve(s, o->events, &o->n_events, text))
		return 0;
	return WHY("%s", text);
}

enum { OPT_CALL_GRAPH = 256, OPT_STACK_SIZE, OPT_HELP };

static int apply(int opt, const char *arg, struct options *o, char *why, size_t size)
{
	int r = 0;

	switch (opt) {
	case 'e': return parse_events(arg, o, why, size);
	case 'F': return parse_frequency(arg, o, why, size);
	case 'c': return parse_period(arg, o, why, size);
	case 'a': return set_target(TARGET_ALL, o, why, size);
	case 'p':
	case 't':
		r = set_target(opt == 'p' ? TARGET_PIDS : TARGET_TIDS, o, why, size);
		return r ? r : parse_ids(arg, o, why, size);
	case 'G':
		o->cgroup = arg;
		return set_target(TARGET_CGROUP, o, why, size);
	case 'C': return parse_cpus(arg, o, why, size);
	case 'd': return parse_seconds(arg, o, why, size);
	case 'o':
	case 'f': return parse_output(arg, o, why, size);
	case 'g': return 0;
	case OPT_CALL_GRAPH: return parse_call_graph(arg, o, why, size);
	case OPT_STACK_SIZE: return parse_stack(arg, o, why, size);
	case 'q': o->quiet = true; return 0;
	case 'v': o->verbose = true; return 0;
	case 'h':
	case OPT_HELP: o->help = true; return 0;
	default: return WHY("see `pmuscope record --help`");
	}
}

static int defaults(struct options *o, char *why, size_t size)
{
	int r = 0;

	if (!o->n_events) {
		o->events_default = true;
		r = parse_events("cycles", o, why, size);
	}
	if (!r && !o->n_outputs)
		r = parse_output("profile.pb.gz", o, why, size);
	if (!r && o->period && o->frequency_given)
		r = WHY("-F and -c exclude each other: a rate or a period");
	if (!o->period && !o->frequency)
		o->frequency = FREQUENCY_DEFAULT;
	if (!o->stack_given)
		o->stack_bytes = STACK_DEFAULT;
	if (o->target == TARGET_NONE && !o->command)
		o->target = TARGET_ALL;
	return r;
}

/* A bare process id, as asprof takes it: options may follow it. */
static bool bare_pid(int argc, char **argv, struct options *o)
{
	uint64_t pid;

	if (optind >= argc || !strcmp(argv[optind - 1], "--") ||
	    !whole(argv[optind], 1, INT_MAX, &pid))
		return false;
	return o->target == TARGET_NONE || o->target == TARGET_PIDS;
}

static int take_command(int argc, char **argv, struct options *o, char *why, size_t size)
{
	bool dashes = optind > 1 && !strcmp(argv[optind - 1], "--");

	if (optind < argc)
		o->command = argv + optind;
	return optind >= argc && dashes ? WHY("no command behind `--`") : 0;
}

int options_parse(int argc, char **argv, struct options *ret, char *why, size_t size)
{
	static const struct option longs[] = {
		{"call-graph", required_argument, NULL, OPT_CALL_GRAPH},
		{"stack-size", required_argument, NULL, OPT_STACK_SIZE},
		{"event", required_argument, NULL, 'e'},
		{"freq", required_argument, NULL, 'F'},
		{"count", required_argument, NULL, 'c'},
		{"all-cpus", no_argument, NULL, 'a'},
		{"pid", required_argument, NULL, 'p'},
		{"tid", required_argument, NULL, 't'},
		{"cgroup", required_argument, NULL, 'G'},
		{"cpu", required_argument, NULL, 'C'},
		{"duration", required_argument, NULL, 'd'},
		{"output", required_argument, NULL, 'o'},
		{"quiet", no_argument, NULL, 'q'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, OPT_HELP},
		{0},
	};
	int opt, r = 0;

	*ret = (struct options){0};
	optind = 0; /* glibc begins anew, also where the last time ended inside a word */
	while (!r && !ret->help) {
		opt = getopt_long(argc, argv, "+e:F:c:ap:t:G:C:d:o:f:gqvh", longs, NULL);
		if (opt != -1)
			r = apply(opt, optarg, ret, why, size);
		else if (bare_pid(argc, argv, ret))
			r = apply('p', argv[optind++], ret, why, size);
		else
			break;
	}
	if (r || ret->help)
		return r;
	r = take_command(argc, argv, ret, why, size);
	return r ? r : defaults(ret, why, size);
}

void options_free(struct options *o)
{
	vec_free(&o->ids);
}
