/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/record.h"

#include <errno.h>

#include "agent/base/cursor.h"
#include "pmu/abi.h"

static const struct record_format *format_of(const struct record_format *f, size_t n, uint64_t id)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (f[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && f[lo].id == id ? &f[lo] : NULL;
}

static const uint64_t *take_words(struct cursor *c, uint64_t n)
{
	if (n > cursor_left(c) / sizeof(uint64_t)) {
		c->bad = true;
		return NULL;
	}
	return cursor_take(c, n * sizeof(uint64_t));
}

static void get_regs(struct cursor *c, struct record_sample *s, uint32_t n_regs)
{
	uint64_t abi = cursor_u64(c);

	if (abi == PERF_SAMPLE_REGS_ABI_NONE)
		return;
	s->regs = take_words(c, n_regs);
	s->abi32 = abi == PERF_SAMPLE_REGS_ABI_32;
}

static void get_stack(struct cursor *c, struct record_sample *s)
{
	uint64_t size = cursor_u64(c), copied;

	if (size == 0)
		return;
	if (size > cursor_left(c)) {
		c->bad = true;
		return;
	}
	s->stack = cursor_take(c, size);
	copied = cursor_u64(c);
	if (copied > size)
		c->bad = true;
	s->stack_len = copied;
	s->stack_asked = size;
}

static void get_mode(struct record_sample *s, uint16_t misc)
{
	uint16_t mode = misc & PERF_RECORD_MISC_CPUMODE_MASK;

	s->user = mode == PERF_RECORD_MISC_USER;
	s->kernel = mode == PERF_RECORD_MISC_KERNEL;
	s->guest = mode == PERF_RECORD_MISC_GUEST_KERNEL || mode == PERF_RECORD_MISC_GUEST_USER;
	s->exact_ip = misc & PERF_RECORD_MISC_EXACT_IP;
}

/* The fields in the order of the kernel's perf_output_sample(). */
static int get_sample(struct cursor *c, const struct record_format *f, size_t n, struct record *r)
{
	struct record_sample *s = &r->sample;
	const struct record_format *fmt = format_of(f, n, cursor_u64(c));
	uint64_t t = fmt ? fmt->sample_type : 0;

	if (!fmt)
		return -EBADMSG;
	s->event = fmt->event;
	s->ip = cursor_u64(c);
	r->pid = cursor_u32(c);
	r->tid = cursor_u32(c);
	r->time = cursor_u64(c);
	if (t & PERF_SAMPLE_ADDR)
		s->addr = cursor_u64(c);
	if (t & PERF_SAMPLE_CPU)
		r->cpu = (uint32_t)cursor_u64(c);
	if (t & PERF_SAMPLE_PERIOD)
		s->period = cursor_u64(c);
	if (t & PERF_SAMPLE_CALLCHAIN) {
		s->n_chain = cursor_u64(c);
		s->chain = take_words(c, s->n_chain);
	}
	if (t & PERF_SAMPLE_REGS_USER)
		get_regs(c, s, fmt->n_regs);
	if (t & PERF_SAMPLE_STACK_USER)
		get_stack(c, s);
	return c->bad ? -EBADMSG : 0;
}

/* The sample_id trailer; `c` loses it from its end. */
static void get_trailer(struct cursor *c, struct record *r)
{
	struct cursor t;

	if (c->bad || cursor_left(c) < RECORD_TRAILER) {
		c->bad = true;
		return;
	}
	t = cursor_over(c->end - RECORD_TRAILER, RECORD_TRAILER);
	c->end -= RECORD_TRAILER;
	r->pid = cursor_u32(&t);
	r->tid = cursor_u32(&t);
	r->time = cursor_u64(&t);
	r->cpu = (uint32_t)cursor_u64(&t);
}

static void get_mmap2(struct cursor *c, struct record *r, uint16_t misc)
{
	struct record_mmap *m = &r->mmap;

	r->kind = RECORD_MMAP;
	r->pid = cursor_u32(c);
	r->tid = cursor_u32(c);
	m->start = cursor_u64(c);
	m->len = cursor_u64(c);
	m->pgoff = cursor_u64(c);
	if (misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		cursor_skip(c, 24);
	} else {
		m->major = cursor_u32(c);
		m->minor = cursor_u32(c);
		m->inode = cursor_u64(c);
		m->generation = cursor_u64(c);
	}
	m->prot = cursor_u32(c);
	m->flags = cursor_u32(c);
	m->path = cursor_str(c);
	if (m->start + m->len < m->start)
		c->bad = true;
}

static void get_task(struct cursor *c, struct record *r)
{
	r->pid = cursor_u32(c);
	r->fork.ppid = cursor_u32(c);
	r->tid = cursor_u32(c);
	r->fork.ptid = cursor_u32(c);
	r->time = cursor_u64(c);
}

static void get_comm(struct cursor *c, struct record *r, uint16_t misc)
{
	r->kind = RECORD_COMM;
	r->pid = cursor_u32(c);
	r->tid = cursor_u32(c);
	r->comm.name = cursor_str(c);
	r->comm.exec = misc & PERF_RECORD_MISC_COMM_EXEC;
}

static void get_sideband(struct cursor *c, struct record *r, const struct perf_event_header *h)
{
	get_trailer(c, r);
	switch (h->type) {
	case PERF_RECORD_MMAP2:
		get_mmap2(c, r, h->misc);
		break;
	case PERF_RECORD_COMM:
		get_comm(c, r, h->misc);
		break;
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		r->kind = h->type == PERF_RECORD_FORK ? RECORD_FORK : RECORD_EXIT;
		get_task(c, r);
		break;
	case PERF_RECORD_LOST:
		r->kind = RECORD_LOST;
		cursor_skip(c, 8); /* the id of the event: read(2) tells the total for each */
		r->lost.lost = cursor_u64(c);
		break;
	case PERF_RECORD_LOST_SAMPLES:
		r->kind = RECORD_LOST;
		r->lost.lost = cursor_u64(c);
		break;
	case PERF_RECORD_THROTTLE:
		r->kind = RECORD_THROTTLE;
		break;
	default:
		break;
	}
}

int record_decode(const void *at, size_t len, const struct record_format *formats,
		  size_t n_formats, struct record *ret)
{
	struct cursor c = cursor_over(at, len);
	const struct perf_event_header *h = cursor_take(&c, sizeof(*h));
	struct record r = {0};

	if (!h || h->size != len || len % sizeof(uint64_t))
		return -EBADMSG;
	if (h->type == PERF_RECORD_SAMPLE) {
		int e = get_sample(&c, formats, n_formats, &r);
		if (e)
			return e;
		r.kind = RECORD_SAMPLE;
		get_mode(&r.sample, h->misc);
	} else {
		get_sideband(&c, &r, h);
	}
	if (c.bad)
		return -EBADMSG;
	*ret = r;
	return 0;
}

bool record_is_mark(uint64_t entry)
{
	return entry >= (uint64_t)PERF_CONTEXT_MAX;
}

bool record_is_user_mark(uint64_t entry)
{
	return entry == (uint64_t)PERF_CONTEXT_USER;
}

bool record_is_kernel_mark(uint64_t entry)
{
	return entry == (uint64_t)PERF_CONTEXT_KERNEL;
}
