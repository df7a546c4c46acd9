/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/collect/collector.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/base/clock.h"
#include "agent/collect/parked.h"
#include "agent/collect/stack.h"
#include "agent/unwind/arch.h"

enum {
	WAIT_DRAIN_NS = 20 * NS_PER_MS, /* all samples of one drain wait for rows so long … */
	WAIT_END_NS = 2000 * NS_PER_MS, /* … and at the end, what is left of them, so long */
	STEP_NS = 1 * NS_PER_MS,        /* pages come by the dozen: not one wake-up for each */
	POLL_EVERY = 64,
};

struct collector {
	struct collector_config c;
	struct collector_counters counters;
	struct walker *walker;
	struct window *window;
	struct parking parking;
	uint64_t may_wait;      /* ns that are left for it in this drain */
	uint64_t answers_tried; /* how many pages had come when the parked samples were last tried */
	/* Large; one of each is enough, since samples are handled one by one. */
	struct walk walk;
	struct stack stack;
};

int collector_new(const struct collector_config *config, struct collector **ret)
{
	struct collector *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->c = *config;
	parking_init(&c->parking);
	r = walker_new(config->processes, config->tables, &c->walker);
	if (!r)
		r = window_new(&c->window);
	if (r)
		collector_free(&c);
	else
		*ret = c;
	return r;
}

void collector_free(struct collector **cp)
{
	struct collector *c = *cp;
	struct parked *k;

	*cp = NULL;
	if (!c)
		return;
	while ((k = parking_take(&c->parking)))
		parked_free(k);
	walker_free(&c->walker);
	window_free(&c->window);
	free(c);
}

const struct window *collector_window(const struct collector *c)
{
	return c->window;
}

const struct collector_counters *collector_counters(const struct collector *c)
{
	return &c->counters;
}

/* ---- unwind ---- */

/* Walks the user part. False when rows are missing that may still come. */
static bool unwind(struct collector *c, const struct record *r, struct process *p, bool give_up)
{
	const struct record_sample *s = &r->sample;
	struct walk_input in = {.regs = s->regs, .stack = s->stack, .stack_len = s->stack_len,
				.stack_asked = s->stack_asked};

	c->walk.n = 0;
	if (!s->regs)
		c->walk.end = s->abi32 || s->stack_asked ? WALK_NO_REGS : WALK_NONE;
	else if (s->abi32 || !p)
		c->walk.end = WALK_NO_REGS;
	else
		return walker_walk(c->walker, p, &in, give_up, &c->walk);
	return true;
}

/* ---- window ---- */

static uint64_t weight(const struct collector *c, const struct record_sample *s)
{
	if (s->period || s->weighed)
		return s->period;
	return c->c.period ? c->c.period : 1;
}

static void count(struct collector *c, const struct record *r, const struct process *p,
		  enum walk_end end)
{
	struct collector_counters *k = &c->counters;

	k->samples++;
	k->by_end[end]++;
	k->frames += c->walk.n;
	k->suspect += p && r->time <= p->space->suspect_until;
	if (end != WALK_NONE && !k->first_sample)
		k->first_sample = r->time;
	if (end == WALK_ROOT && !k->first_complete)
		k->first_complete = clock_mono();
}

static void add_user_part(struct collector *c, const struct record *r, struct process *p,
			  enum walk_end *end)
{
	const struct record_sample *s = &r->sample;
	struct processes *ps = c->c.processes;
	bool any = c->c.stacks == STACKS_RECORDED;
	size_t most = any || c->c.stacks == STACKS_FP ? WINDOW_STACK_MAX : 1;

	if ((any || c->c.stacks == STACKS_DWARF) && s->regs && !s->abi32) {
		stack_add_walk(&c->stack, ps, p, &c->walk, r->time);
		if (!walk_end_complete(*end))
			c->counters.spliced +=
				stack_splice(&c->stack, ps, p, &c->walk, s, r->time) > 0;
	} else if (stack_add_chain(&c->stack, ps, p, s, most, any, r->time) && !s->abi32) {
		*end = WALK_FP;
	} else if (s->user && c->stack.n == 0) {
		stack_add_ip(&c->stack, ps, p, s->ip, r->time);
		*end = c->c.stacks == STACKS_NONE || (any && *end == WALK_NONE) ? WALK_FP : *end;
	}
}

/* A sample whose walk is done: its stack goes into the window. */
static void add_to_window(struct collector *c, const struct record *r, struct process *p,
			  const char *comm)
{
	const struct record_sample *s = &r->sample;
	enum walk_end end = c->walk.end;
	struct window_sample ws;

	c->stack.n = 0;
	if (c->c.kernel_stacks && s->kernel)
		stack_add_kernel(&c->stack, s, modules_kernel(c->c.modules));
	if (p)
		add_user_part(c, r, p, &end);
	count(c, r, p, end);
	ws = (struct window_sample){
		.event = s->event, .pid = (int)r->pid, .tid = (int)r->tid, .cpu = (int)r->cpu,
		.second = r->time > c->c.start ? (uint32_t)((r->time - c->c.start) / NS_PER_S) : 0,
		.comm = comm, .end = end, .weight = weight(c, s)};
	if (window_add(c->window, &ws, c->stack.frames, c->stack.n))
		c->counters.out_of_memory++;
}

/* ---- samples whose rows are on their way ---- */

/* Tries them once more; with `give_up` they end as they are. */
static void retry_parked(struct collector *c, bool give_up)
{
	for (size_t n = c->parking.n; n > 0; n--) {
		struct parked *k = parking_take(&c->parking);
		if (!unwind(c, &k->record, &k->process, give_up)) {
			parking_put(&c->parking, k);
			continue;
		}
		c->counters.parked_late += c->walk.end == WALK_TABLE_LATE;
		add_to_window(c, &k->record, &k->process, k->comm);
		parked_free(k);
	}
}

static uint64_t answers(const struct collector *c)
{
	const struct tables_counters *t = tables_counters(c->c.tables);

	return t->arrived + t->refused;
}

static void retry_after_answers(struct collector *c)
{
	if (c->parking.n && answers(c) != c->answers_tried) {
		c->answers_tried = answers(c);
		retry_parked(c, false);
	}
}

/* Waits for rows, in steps. A walk that gets its page may ask for the next one, so each round ends
 * when all that was asked for is here. Together the rounds of one drain take `*left` ns at most. */
static void settle(struct collector *c, uint64_t *left)
{
	uint64_t begin = clock_mono(), waited = 0;

	while (c->parking.n && tables_pending(c->c.tables) && waited < *left) {
		clock_sleep(STEP_NS);
		tables_poll(c->c.tables, 1);
		waited = clock_mono() - begin;
		if (!tables_pending(c->c.tables) || waited >= *left)
			retry_after_answers(c);
	}
	*left -= waited < *left ? waited : *left;
}

static bool park(struct collector *c, const struct record *r, const struct process *p,
		 const char *comm)
{
	if (!parking_add(&c->parking, r, p, comm, ARCH_PERF_REGS)) {
		settle(c, &c->may_wait);
		if (!parking_add(&c->parking, r, p, comm, ARCH_PERF_REGS))
			return false;
	}
	c->counters.parked++;
	if (c->c.recorded && c->counters.parked % POLL_EVERY == 0)
		tables_poll(c->c.tables, 1); /* there is no pause between drains in which it is done */
	return true;
}

/* ---- the line ---- */

static void on_sample(struct collector *c, const struct record *r)
{
	const char *comm;
	struct process *p;

	/* An idle CPU, where the PMU does not know how to leave it out. */
	if (r->pid == 0 && !c->c.recorded) {
		c->counters.idle++;
		return;
	}
	if (r->sample.guest) {
		c->counters.guest++;
		return;
	}
	p = processes_get(c->c.processes, (int)r->pid, r->time);
	comm = processes_comm(c->c.processes, (int)r->pid, (int)r->tid);
	if (!unwind(c, r, p, false)) {
		if (park(c, r, p, comm))
			return;
		unwind(c, r, p, true);
	}
	add_to_window(c, r, p, comm);
}

static void on_record(void *arg, const struct record *r)
{
	struct collector *c = arg;

	if (!c->c.start)
		c->c.start = r->time;
	if (r->kind == RECORD_SAMPLE)
		on_sample(c, r);
	else
		processes_apply(c->c.processes, r);
}

static void finish_parked(struct collector *c)
{
	uint64_t left = c->c.recorded ? UINT64_MAX : WAIT_END_NS;

	retry_after_answers(c);
	settle(c, &left);
	retry_parked(c, true);
}

void collector_drain(struct collector *c, uint64_t until)
{
	c->may_wait = c->c.recorded ? UINT64_MAX : WAIT_DRAIN_NS;
	tables_poll(c->c.tables, 1);
	retry_after_answers(c);
	c->c.drain(c->c.source, until, on_record, c);
	if (until == UINT64_MAX)
		finish_parked(c);
	else
		settle(c, &c->may_wait);
}
