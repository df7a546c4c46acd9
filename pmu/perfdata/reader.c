/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmu/perfdata/events.h"
#include "pmu/perfdata/inflate.h"
#include "pmu/perfdata/order.h"
#include "pmu/perfdata/stream.h"
#include "pmu/perfdata/wire.h"
#include "pmu/abi.h"

/* What perf itself writes between the kernel's records (tools/lib/perf/include/perf/event.h). */
enum perf_record {
	FIRST_OF_PERF = 64,
	HEADER_ATTR = 64,
	HEADER_EVENT_TYPE = 65,
	HEADER_TRACING_DATA = 66,
	HEADER_BUILD_ID = 67,
	FINISHED_ROUND = 68,
	AUXTRACE = 71,
	EVENT_UPDATE = 78,
	HEADER_FEATURE = 80,
	COMPRESSED = 81,
	COMPRESSED2 = 83,
};

struct perfdata {
	struct perfdata_head head;
	struct perfdata_attrs attrs;
	struct perfdata_stats stats;
	struct stream in;
	int fd;
	struct order *order;
	struct inflate *inflate;
	perfdata_fn fn;
	perfdata_watch_fn watch;
	void *arg, *watch_arg;
	int error;
	uint64_t regs[PERFDATA_REGS_MAX];
	uint64_t record[RECORD_MAX / 8 + 1]; /* one that is delivered at once */
	struct perfdata_record decoded;
};

int perfdata_open(int fd, struct perfdata **ret, char *why, size_t size)
{
	struct perfdata *p = calloc(1, sizeof(*p));
	int e = p ? head_read(fd, &p->head, &p->attrs, why, size) : -ENOMEM;

	if (!p || e == -ENOMEM)
		snprintf(why, size, "out of memory");
	if (!e) {
		p->fd = fd;
		*ret = p;
		return 0;
	}
	perfdata_close(&p);
	return e;
}

void perfdata_close(struct perfdata **pp)
{
	struct perfdata *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	order_free(&p->order);
	inflate_free(&p->inflate);
	stream_free(&p->in);
	head_free(&p->head);
	attrs_free(&p->attrs);
	free(p);
}

void perfdata_watch(struct perfdata *p, perfdata_watch_fn fn, void *arg)
{
	p->watch = fn;
	p->watch_arg = arg;
}

const struct perfdata_stats *perfdata_stats(const struct perfdata *p)
{
	return &p->stats;
}

const struct perfdata_head *perfdata_head(const struct perfdata *p)
{
	return &p->head;
}

const struct perfdata_attrs *perfdata_attrs(const struct perfdata *p)
{
	return &p->attrs;
}

enum perfdata_machine perfdata_machine(const struct perfdata *p)
{
	return machine_of(p->head.info.arch, p->head.swap);
}

void perfdata_rate(const struct perfdata *p, uint32_t slot, uint64_t *ret_rate, uint64_t *ret_period)
{
	*ret_rate = *ret_period = 0;
	for (size_t i = 0; i < p->attrs.at.len; i++) {
		const struct perfdata_attr *a = &p->attrs.at.at[i];
		if (a->slot == slot)
			*(a->freq ? ret_rate : ret_period) = a->period;
	}
}

size_t perfdata_events(const struct perfdata *p, struct event *ret)
{
	return events_of_attrs(&p->attrs, ret);
}

/* ---- a decoded record goes on ---- */

/* Unwinding is for registers of our own kind of machine. */
static void take_regs(struct perfdata *p, struct perfdata_record *d)
{
	if (!d->regs)
		return;
	if (perfdata_machine(p) != MACHINE_OTHER && !d->r.sample.abi32 &&
	    regs_to_ours(d->regs, d->attr->regs_user, p->regs))
		d->r.sample.regs = p->regs;
	else
		p->stats.no_registers++;
}

/* The counters of a group share the sample; each weighs what it has counted since the last one. */
static void hand_out_group(struct perfdata *p, struct perfdata_record *d)
{
	uint32_t tid = d->attr->inherit ? d->r.tid : 0;

	for (size_t i = 0; i < d->n_read; i++) {
		const struct perfdata_attr *a = attrs_by_id(&p->attrs, d->read[i].id);
		uint64_t delta;

		if (!a || a->slot == ATTR_NO_SLOT)
			continue;
		delta = attrs_delta(&p->attrs, d->read[i].id, tid, d->read[i].value);
		if (!delta)
			continue;
		d->r.sample.event = a->slot;
		d->r.sample.period = delta;
		p->fn(p->arg, &d->r);
	}
}

static void on_sample(struct perfdata *p, struct perfdata_record *d)
{
	bool group = d->n_read && d->attr->read_format & PERF_FORMAT_GROUP &&
		     d->attr->read_format & PERF_FORMAT_ID;

	d->attr->samples++;
	if (d->timed) {
		if (!p->stats.first || d->r.time < p->stats.first)
			p->stats.first = d->r.time;
		if (d->r.time > p->stats.last)
			p->stats.last = d->r.time;
	}
	take_regs(p, d);
	if (p->watch)
		p->watch(p->watch_arg, d);
	if (d->attr->slot == ATTR_NO_SLOT)
		p->stats.strangers++;
	else if (group)
		hand_out_group(p, d);
	else
		p->fn(p->arg, &d->r);
}

/* The kernel's own text: where its first symbol stood is in `pgoff`. */
static void on_kernel_mapping(struct perfdata *p, const struct record_mmap *m)
{
	if (!strncmp(m->path, "[kernel.kallsyms]_", 18) && !p->head.info.kernel_text)
		p->head.info.kernel_text = m->pgoff;
}

static void on_mapping(struct perfdata *p, struct perfdata_record *d)
{
	if (d->build_id)
		head_add_build_id(&p->head, d->r.mmap.path, d->build_id, d->build_id_len);
	on_kernel_mapping(p, &d->r.mmap);
	if (p->watch)
		p->watch(p->watch_arg, d);
	p->fn(p->arg, &d->r);
}

static void on_decoded(struct perfdata *p, struct perfdata_record *d, uint32_t type)
{
	switch (d->r.kind) {
	case RECORD_SAMPLE:
		on_sample(p, d);
		break;
	case RECORD_MMAP:
		on_mapping(p, d);
		break;
	case RECORD_LOST:
		if (type == PERF_RECORD_LOST)
			p->stats.lost += d->r.lost.lost;
		else
			p->stats.lost_samples += d->r.lost.lost;
		break;
	case RECORD_THROTTLE:
		p->stats.throttled++;
		break;
	case RECORD_COMM:
	case RECORD_FORK:
	case RECORD_EXIT:
		p->fn(p->arg, &d->r);
		break;
	default:
		break;
	}
}

static void deliver(void *arg, void *bytes, size_t len)
{
	struct perfdata *p = arg;
	uint32_t type = perfdata_header(bytes, p->head.swap).type;
	int e = perfdata_decode(&p->attrs, bytes, len, &p->decoded);

	if (e == -ENOENT)
		p->stats.strangers++;
	else if (e)
		p->stats.bad++;
	else
		on_decoded(p, &p->decoded, type);
}

/* ---- records as they come ---- */

static bool is_wanted(uint32_t type)
{
	switch (type) {
	case PERF_RECORD_SAMPLE:
	case PERF_RECORD_MMAP:
	case PERF_RECORD_MMAP2:
	case PERF_RECORD_COMM:
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
	case PERF_RECORD_THROTTLE:
		return true;
	default:
		return false;
	}
}

static void on_kernel_record(struct perfdata *p, uint32_t type, const uint8_t *bytes, size_t len)
{
	uint64_t time;

	if (!is_wanted(type))
		return;
	if (perfdata_time(&p->attrs, bytes, len, &time)) {
		if (order_add(p->order, time, bytes, len))
			p->error = -ENOMEM;
		return;
	}
	memcpy(p->record, bytes, len);
	deliver(p, p->record, len);
}

static void on_feature(struct perfdata *p, const uint8_t *bytes, size_t len)
{
	struct wire w = wire_over(bytes, len, p->head.swap);
	uint64_t feature;

	cursor_skip(&w.c, 8);
	feature = wire_u64(&w);
	if (!w.c.bad && feature < FEATURE_BITS)
		feature_apply(&p->head, &p->attrs, (unsigned)feature, w.c.at, cursor_left(&w.c));
}

static void on_perf_record(struct perfdata *p, uint32_t type, const uint8_t *bytes, size_t len)
{
	switch (type) {
	case HEADER_ATTR:
		if (p->head.pipe && head_attr_record(&p->head, &p->attrs, bytes, len))
			p->stats.bad++;
		break;
	case HEADER_EVENT_TYPE:
		head_event_type(&p->head, &p->attrs, bytes, len);
		break;
	case HEADER_BUILD_ID:
		head_build_id(&p->head, bytes, len);
		break;
	case EVENT_UPDATE:
		head_event_update(&p->head, &p->attrs, bytes, len);
		break;
	case HEADER_FEATURE:
		on_feature(p, bytes, len);
		break;
	case FINISHED_ROUND:
		order_round(p->order);
		break;
	default:
		break;
	}
}

static void count(struct perfdata *p, uint32_t type)
{
	if (type < PERFDATA_TYPES)
		p->stats.records[type]++;
	else
		p->stats.unknown++;
}

static void on_record(struct perfdata *p, uint32_t type, const uint8_t *bytes, size_t len)
{
	count(p, type);
	if (type < FIRST_OF_PERF)
		on_kernel_record(p, type, bytes, len);
	else
		on_perf_record(p, type, bytes, len);
}

/* Whole records out of what was inflated; compressed ones cannot be inside. */
static long on_inflated(void *arg, uint8_t *bytes, size_t len)
{
	struct perfdata *p = arg;
	size_t at = 0;

	while (len - at >= sizeof(struct perf_event_header) && !p->error) {
		struct perfdata_header h = perfdata_header(bytes + at, p->head.swap);

		if (h.size < sizeof(struct perf_event_header))
			return -EBADMSG;
		if (h.size > len - at)
			break;
		if (h.type == COMPRESSED || h.type == COMPRESSED2)
			p->stats.bad++;
		else
			on_record(p, h.type, bytes + at, h.size);
		at += h.size;
	}
	return p->error ? p->error : (long)at;
}

/* COMPRESSED2 says how many of its bytes are meant; the rest fills it up to a multiple of 8. */
static int on_compressed(struct perfdata *p, uint32_t type, const uint8_t *bytes, size_t len)
{
	struct wire w = wire_over(bytes, len, p->head.swap);
	uint64_t n;
	int e = p->inflate ? 0 : inflate_new(&p->inflate);

	count(p, type);
	cursor_skip(&w.c, sizeof(struct perf_event_header));
	n = type == COMPRESSED2 ? wire_u64(&w) : cursor_left(&w.c);
	if (w.c.bad || n > cursor_left(&w.c))
		return -EBADMSG;
	return e ? e : inflate_feed(p->inflate, w.c.at, n, on_inflated, p);
}

/* ---- the way through the file ---- */

/* Bytes that follow a record without being counted in its size. */
static uint64_t behind(const struct perfdata *p, uint32_t type, const uint8_t *bytes, size_t len)
{
	struct wire w = wire_over(bytes, len, p->head.swap);
	uint64_t n;

	cursor_skip(&w.c, sizeof(struct perf_event_header));
	if (type == AUXTRACE)
		n = wire_u64(&w);
	else if (type == HEADER_TRACING_DATA)
		n = ((uint64_t)wire_u32(&w) + 7) & ~UINT64_C(7);
	else
		n = 0;
	return w.c.bad ? 0 : n;
}

static bool stop(struct perfdata *p, const char *why)
{
	p->stats.ended = why;
	return false;
}

/* Zeros to the end: a file that was made longer before it was written. */
static bool next(struct perfdata *p)
{
	const uint8_t *at = stream_peek(&p->in, sizeof(struct perf_event_header));
	struct perfdata_header h;
	uint64_t more;
	int e = 0;

	p->stats.end_at = p->in.pos;
	if (!at)
		return stream_left(&p->in) ? stop(p, "it ends within a record") : false;
	h = perfdata_header(at, p->head.swap);
	if (h.size < sizeof(struct perf_event_header))
		return stop(p, "a record says that it has no size");
	at = stream_peek(&p->in, h.size);
	if (!at)
		return stop(p, "it ends within a record");
	more = behind(p, h.type, at, h.size);
	if (h.type == COMPRESSED || h.type == COMPRESSED2)
		e = on_compressed(p, h.type, at, h.size);
	else
		on_record(p, h.type, at, h.size);
	if (e == -EBADMSG)
		return stop(p, "what it compressed cannot be read");
	if (e || p->error) {
		p->error = p->error ? p->error : e;
		return false;
	}
	if (!stream_skip(&p->in, h.size + more))
		return stop(p, "it ends within a record");
	return true;
}

int perfdata_read(struct perfdata *p, perfdata_fn fn, void *arg)
{
	int e = stream_init(&p->in, p->fd, p->head.data_at, p->head.data_len);

	p->fn = fn;
	p->arg = arg;
	if (!e && !p->head.pipe && lseek(p->fd, (off_t)p->head.data_at, SEEK_SET) < 0)
		e = -errno;
	if (!e)
		e = order_new(deliver, p, &p->order);
	if (e)
		return e;
	while (next(p))
		;
	order_finish(p->order);
	p->stats.late = order_late(p->order);
	if (!p->stats.ended && p->inflate && inflate_left(p->inflate))
		p->stats.ended = "it ends within a compressed record";
	return p->error ? p->error : p->in.error;
}
