/* SPDX-License-Identifier: Apache-2.0
 *
 * What the reader of perf.data gets from a file, as JSON: tests/recordings/compare.py holds it
 * against what a reader that is not ours got. `read FILE` counts; `read --samples FILE` prints one
 * line a sample: pid tid time event period, its kernel's addresses, its user part's.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "pmu/perfdata/reader.h"

struct number { /* how often a value was met */
	uint64_t value, n;
	UT_hash_handle hh;
};

struct totals {
	struct perfdata *p;
	bool lines;
	uint64_t samples, kernel, frames, branches, regs, stacks, delivered;
	uint64_t *weights;   /* of each attribute: the sum of its periods, as recorded */
	uint64_t deltas[EVENTS_MAX]; /* of each event of the profile, as delivered */
	size_t n_weights;
	struct number *pids, *tids, *cpus, *sources;
};

static void meet(struct number **set, uint64_t value)
{
	struct number *x;

	HASH_FIND(hh, *set, &value, sizeof(value), x);
	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			abort();
		x->value = value;
		HASH_ADD(hh, *set, value, sizeof(x->value), x);
	}
	x->n++;
}

static void forget(struct number **set)
{
	struct number *x, *next;

	HASH_ITER(hh, *set, x, next) {
		HASH_DEL(*set, x);
		free(x);
	}
}

static void line(const struct totals *t, const struct perfdata_record *d)
{
	const struct record_sample *s = &d->r.sample;

	printf("%d %d %" PRIu64 " %zu %" PRIu64 " %" PRIx64, (int)d->r.pid, (int)d->r.tid,
	       d->r.time, (size_t)(d->attr - perfdata_attrs(t->p)->at.at), s->period, s->ip);
	for (uint64_t i = 0; i < s->n_chain; i++)
		printf("%s%" PRIx64, i ? "," : " ", s->chain[i]);
	putchar('\n');
}

static void on_watch(void *arg, const struct perfdata_record *d)
{
	struct totals *t = arg;
	const struct record_sample *s = &d->r.sample;
	size_t attr;

	if (d->r.kind != RECORD_SAMPLE)
		return;
	attr = (size_t)(d->attr - perfdata_attrs(t->p)->at.at);
	while (t->n_weights <= attr) {
		t->weights = realloc(t->weights, (t->n_weights + 1) * sizeof(*t->weights));
		if (!t->weights)
			abort();
		t->weights[t->n_weights++] = 0;
	}
	t->weights[attr] += s->period;
	t->samples++;
	t->kernel += s->kernel;
	for (uint64_t i = 0; i < s->n_chain; i++)
		t->frames += !record_is_mark(s->chain[i]);
	t->branches += d->n_branches;
	t->regs += d->regs != NULL;
	t->stacks += s->stack_asked > 0;
	meet(&t->pids, d->r.pid);
	meet(&t->tids, d->r.tid);
	meet(&t->cpus, d->r.cpu);
	if (d->has_data_src)
		meet(&t->sources, d->data_src);
	if (t->lines)
		line(t, d);
}

static void on_record(void *arg, const struct record *r)
{
	struct totals *t = arg;

	if (r->kind != RECORD_SAMPLE)
		return;
	t->delivered++;
	if (r->sample.event < EVENTS_MAX)
		t->deltas[r->sample.event] += r->sample.period;
}

static void print_text(const char *s)
{
	putchar('"');
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == '"' || *s == '\\' || (unsigned char)*s > '~')
			putchar('?');
		else
			putchar(*s);
	putchar('"');
}

static void print_events(const struct totals *t)
{
	static struct event events[EVENTS_MAX];
	const struct perfdata_attrs *as = perfdata_attrs(t->p);
	size_t n = perfdata_events(t->p, events);

	printf("\"attrs\": [");
	for (size_t i = 0; i < as->at.len; i++) {
		const struct perfdata_attr *a = &as->at.at[i];
		printf("%s{\"type\": %u, \"config\": %" PRIu64 ", \"samples\": %" PRIu64
		       ", \"period\": %" PRIu64 ", \"name\": ",
		       i ? ", " : "", a->type, a->config, a->samples,
		       i < t->n_weights ? t->weights[i] : 0);
		print_text(a->name);
		printf(", \"sample_type\": ");
		print_text(a->slot < n ? events[a->slot].sample_type : "");
		printf(", \"delivered\": %" PRIu64 "}", a->slot < n ? t->deltas[a->slot] : 0);
	}
	printf("],\n");
}

static void print_records(const struct perfdata_stats *s)
{
	const char *comma = "";

	printf("\"records\": {");
	for (int i = 0; i < PERFDATA_TYPES; i++)
		if (s->records[i]) {
			printf("%s\"%d\": %" PRIu64, comma, i, s->records[i]);
			comma = ", ";
		}
	printf("},\n");
}

static void print_sources(const struct totals *t)
{
	const struct number *x;
	const char *comma = "";

	printf("\"dsrc\": {");
	for (x = t->sources; x; x = x->hh.next) {
		printf("%s\"0x%" PRIx64 "\": %" PRIu64, comma, x->value, x->n);
		comma = ", ";
	}
	printf("},\n");
}

static void print(const struct totals *t)
{
	const struct perfdata_stats *s = perfdata_stats(t->p);
	const struct perfdata_info *i = &perfdata_head(t->p)->info;

	printf("{");
	print_events(t);
	print_records(s);
	print_sources(t);
	printf("\"samples\": %" PRIu64 ", \"delivered\": %" PRIu64 ", \"kernel\": %" PRIu64
	       ", \"frames\": %" PRIu64 ", \"branches\": %" PRIu64 ", \"regs\": %" PRIu64
	       ", \"stacks\": %" PRIu64 ",\n",
	       t->samples, t->delivered, t->kernel, t->frames, t->branches, t->regs, t->stacks);
	printf("\"pids\": %u, \"tids\": %u, \"cpus\": %u, \"t0\": %" PRIu64 ", \"t1\": %" PRIu64
	       ",\n",
	       HASH_COUNT(t->pids), HASH_COUNT(t->tids), HASH_COUNT(t->cpus), s->first, s->last);
	printf("\"lost\": %" PRIu64 ", \"lost_samples\": %" PRIu64 ", \"bad\": %" PRIu64
	       ", \"strangers\": %" PRIu64 ", \"late\": %" PRIu64 ", \"unknown\": %" PRIu64 ",\n",
	       s->lost, s->lost_samples, s->bad, s->strangers, s->late, s->unknown);
	printf("\"swap\": %d, \"pipe\": %d, \"arch\": ", perfdata_head(t->p)->swap,
	       perfdata_head(t->p)->pipe);
	print_text(i->arch);
	printf(", \"ended\": ");
	print_text(s->ended ? s->ended : "");
	printf("}\n");
}

int main(int argc, char **argv)
{
	static struct totals t;
	const char *file = argv[argc - 1];
	char why[512];
	int fd, e;

	t.lines = argc > 2 && !strcmp(argv[1], "--samples");
	fd = argc < 2 ? -1 : strcmp(file, "-") ? open(file, O_RDONLY | O_CLOEXEC) : 0;
	if (fd < 0) {
		perror(file);
		return 2;
	}
	e = perfdata_open(fd, &t.p, why, sizeof(why));
	if (e) {
		fprintf(stderr, "%s: %s (%s)\n", file, why, strerror(-e));
		return 1;
	}
	perfdata_watch(t.p, on_watch, &t);
	e = perfdata_read(t.p, on_record, &t);
	if (!t.lines)
		print(&t);
	if (e)
		fprintf(stderr, "%s: %s\n", file, strerror(-e));
	forget(&t.pids);
	forget(&t.tids);
	forget(&t.cpus);
	forget(&t.sources);
	free(t.weights);
	perfdata_close(&t.p);
	close(fd);
	return e ? 1 : 0;
}
