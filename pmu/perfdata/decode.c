/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/decode.h"

#include <errno.h>
#include <sys/mman.h>

#include "pmu/perfdata/wire.h"
#include "pmu/abi.h"

enum {
	BRANCH_WORDS = 3, /* from, to, flags */
	BRANCH_BYTES = 24,
	/* Newer than the headers of Debian 12. */
	BRANCH_COUNTERS = 1 << 19, /* PERF_SAMPLE_BRANCH_COUNTERS, Linux 6.8 */
};

#define ID_PARTS                                                                                   \
	(PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID |             \
	 PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER)

struct perfdata_header perfdata_header(const void *bytes, bool swap)
{
	struct wire w = wire_over(bytes, sizeof(struct perf_event_header), swap);
	struct perfdata_header h;

	h.type = wire_u32(&w);
	h.misc = wire_u16(&w);
	h.size = wire_u16(&w);
	return h;
}

static int words(uint64_t parts)
{
	return __builtin_popcountll(parts);
}

/* ---- whose a record is ---- */

static uint64_t word_at(const struct perfdata_attrs *as, const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return as->swap ? __builtin_bswap64(v) : v;
}

/* Where the id stands is the same for all events of a recording, or it could not be found. */
static struct perfdata_attr *owner(struct perfdata_attrs *as, const uint8_t *id_at, bool inside,
				   bool sample)
{
	uint64_t id;
	struct perfdata_attr *a;

	if (!inside)
		return NULL;
	id = word_at(as, id_at);
	a = id ? attrs_by_id(as, id) : as->at.at; /* 0: what perf itself has put together */
	return a || sample ? a : as->at.at;
}

static struct perfdata_attr *owner_of_sample(struct perfdata_attrs *as, const uint8_t *body,
					     size_t len)
{
	struct perfdata_attr *first = as->at.at;
	size_t at;

	if (as->at.len <= 1)
		return first;
	if (first->sample_type & PERF_SAMPLE_IDENTIFIER)
		at = 0;
	else if (first->sample_type & PERF_SAMPLE_ID)
		at = 8 * (size_t)words(first->sample_type & (PERF_SAMPLE_IP | PERF_SAMPLE_TID |
							      PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR));
	else
		return first;
	return owner(as, body + at, at + 8 <= len, true);
}

static struct perfdata_attr *owner_of_other(struct perfdata_attrs *as, const uint8_t *body,
					    size_t len)
{
	struct perfdata_attr *first = as->at.at;
	size_t back;

	if (as->at.len <= 1 || !first->sample_id_all)
		return first;
	if (first->sample_type & PERF_SAMPLE_IDENTIFIER)
		back = 8;
	else if (first->sample_type & PERF_SAMPLE_ID)
		back = 8 + 8 * (size_t)words(first->sample_type &
					     (PERF_SAMPLE_CPU | PERF_SAMPLE_STREAM_ID));
	else
		return first;
	return back <= len ? owner(as, body + (len - back), true, false) : first;
}

/* ---- when it was ---- */

static bool time_at(const struct perfdata_attr *a, bool sample, size_t len, size_t *ret)
{
	uint64_t t = a->sample_type, before;

	if (!(t & PERF_SAMPLE_TIME) || (!sample && !a->sample_id_all))
		return false;
	before = t & (PERF_SAMPLE_TID | (sample ? PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP : 0));
	*ret = 8 * (size_t)words(before);
	if (!sample) {
		size_t trailer = 8 * (size_t)words(t & ID_PARTS);
		if (trailer > len)
			return false;
		*ret += len - trailer;
	}
	return *ret + 8 <= len;
}

bool perfdata_time(struct perfdata_attrs *as, const void *bytes, size_t len, uint64_t *ret)
{
	const uint8_t *body = (const uint8_t *)bytes + sizeof(struct perf_event_header);
	bool sample = perfdata_header(bytes, as->swap).type == PERF_RECORD_SAMPLE;
	const struct perfdata_attr *a;
	size_t at;

	len -= sizeof(struct perf_event_header);
	a = sample ? owner_of_sample(as, body, len) : owner_of_other(as, body, len);
	if (!a || !time_at(a, sample, len, &at))
		return false;
	*ret = word_at(as, body + at);
	return *ret && *ret != UINT64_MAX;
}

/* ---- samples ---- */

static void get_read(struct wire *w, uint64_t format, struct perfdata_record *p)
{
	bool group = format & PERF_FORMAT_GROUP;
	uint64_t n = group ? wire_u64(w) : 1;
	int times = words(format & (PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING));

	if (n > cursor_left(&w->c) / 8) {
		w->c.bad = true;
		return;
	}
	if (group)
		wire_skip_words(w, (uint64_t)times);
	for (uint64_t i = 0; i < n && !w->c.bad; i++) {
		struct perfdata_read one = {.value = wire_u64(w)};
		if (!group)
			wire_skip_words(w, (uint64_t)times);
		one.id = format & PERF_FORMAT_ID ? wire_u64(w) : 0;
		if (format & PERF_FORMAT_LOST)
			wire_u64(w);
		if (p->n_read < PERFDATA_GROUP_MAX)
			p->read[p->n_read++] = one;
	}
}

static void get_raw(struct wire *w)
{
	uint32_t size = wire_u32(w);

	cursor_skip(&w->c, size);
}

static void get_branches(struct wire *w, uint64_t type, struct perfdata_record *p)
{
	uint64_t n = wire_u64(w);

	if (type & PERF_SAMPLE_BRANCH_HW_INDEX)
		wire_u64(w);
	if (n > cursor_left(&w->c) / BRANCH_BYTES) {
		w->c.bad = true;
		return;
	}
	p->branches = wire_words(w, n * BRANCH_WORDS);
	p->n_branches = p->branches ? n : 0;
	if (type & BRANCH_COUNTERS)
		wire_skip_words(w, n);
}

/* Registers by a mask; NULL for a thread that has none. */
static const uint64_t *get_regs(struct wire *w, uint64_t mask, uint64_t *ret_abi)
{
	*ret_abi = wire_u64(w);
	return *ret_abi == PERF_SAMPLE_REGS_ABI_NONE ? NULL : wire_words(w, (uint64_t)words(mask));
}

static void get_stack(struct wire *w, struct record_sample *s)
{
	uint64_t size = wire_u64(w), copied;
	const uint8_t *stack;

	if (size == 0)
		return;
	if (size > cursor_left(&w->c)) {
		w->c.bad = true;
		return;
	}
	stack = cursor_take(&w->c, size);
	copied = wire_u64(w);
	s->stack = stack;
	s->stack_len = copied < size ? copied : size;
	s->stack_asked = size;
}

/* What comes last, to be passed over: the sizes still have to be right. */
static void get_rest(struct wire *w, const struct perfdata_attr *a, struct perfdata_record *p)
{
	uint64_t t = a->sample_type, abi;

	wire_skip_words(w, (uint64_t)words(t & (PERF_SAMPLE_WEIGHT | PERF_SAMPLE_WEIGHT_STRUCT)));
	p->has_data_src = t & PERF_SAMPLE_DATA_SRC;
	if (p->has_data_src)
		p->data_src = wire_u64(w);
	wire_skip_words(w, (uint64_t)words(t & PERF_SAMPLE_TRANSACTION));
	if (t & PERF_SAMPLE_REGS_INTR)
		(void)get_regs(w, a->regs_intr, &abi);
	wire_skip_words(w, (uint64_t)words(t & (PERF_SAMPLE_PHYS_ADDR | PERF_SAMPLE_CGROUP |
						PERF_SAMPLE_DATA_PAGE_SIZE |
						PERF_SAMPLE_CODE_PAGE_SIZE)));
	if (t & PERF_SAMPLE_AUX)
		cursor_skip(&w->c, wire_u64(w));
}

static void get_heads(struct wire *w, const struct perfdata_attr *a, struct record *r)
{
	uint64_t t = a->sample_type;
	struct record_sample *s = &r->sample;

	wire_skip_words(w, (uint64_t)words(t & PERF_SAMPLE_IDENTIFIER));
	if (t & PERF_SAMPLE_IP)
		s->ip = wire_u64(w);
	if (t & PERF_SAMPLE_TID) {
		r->pid = wire_u32(w);
		r->tid = wire_u32(w);
	}
	if (t & PERF_SAMPLE_TIME)
		r->time = wire_u64(w);
	if (t & PERF_SAMPLE_ADDR)
		s->addr = wire_u64(w);
	wire_skip_words(w, (uint64_t)words(t & (PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID)));
	if (t & PERF_SAMPLE_CPU) {
		r->cpu = wire_u32(w);
		wire_u32(w);
	}
	s->period = t & PERF_SAMPLE_PERIOD ? wire_u64(w) : a->freq ? 1 : a->period;
	s->weighed = true;
}

/* The order of the kernel's perf_output_sample(). */
static void get_sample(struct wire *w, struct perfdata_record *p)
{
	const struct perfdata_attr *a = p->attr;
	struct record_sample *s = &p->r.sample;
	uint64_t t = a->sample_type, abi = 0;

	p->r.kind = RECORD_SAMPLE;
	get_heads(w, a, &p->r);
	if (t & PERF_SAMPLE_READ)
		get_read(w, a->read_format, p);
	if (t & PERF_SAMPLE_CALLCHAIN) {
		s->n_chain = wire_u64(w);
		s->chain = wire_words(w, s->n_chain);
	}
	if (t & PERF_SAMPLE_RAW)
		get_raw(w);
	if (t & PERF_SAMPLE_BRANCH_STACK)
		get_branches(w, a->branch_type, p);
	if (t & PERF_SAMPLE_REGS_USER)
		p->regs = get_regs(w, a->regs_user, &abi);
	s->abi32 = abi == PERF_SAMPLE_REGS_ABI_32;
	if (t & PERF_SAMPLE_STACK_USER)
		get_stack(w, s);
	get_rest(w, a, p);
}

static void get_mode(struct record_sample *s, uint16_t misc)
{
	uint16_t mode = misc & PERF_RECORD_MISC_CPUMODE_MASK;

	s->user = mode == PERF_RECORD_MISC_USER;
	s->kernel = mode == PERF_RECORD_MISC_KERNEL;
	s->guest = mode == PERF_RECORD_MISC_GUEST_KERNEL || mode == PERF_RECORD_MISC_GUEST_USER;
	s->exact_ip = misc & PERF_RECORD_MISC_EXACT_IP;
}

/* ---- the others ---- */

/* The sample_id trailer; `w` loses it from its end. */
static void get_trailer(struct wire *w, const struct perfdata_attr *a, struct record *r)
{
	uint64_t t = a->sample_type & ID_PARTS;
	size_t size = 8 * (size_t)words(t);
	struct wire tail;

	if (!a->sample_id_all)
		return;
	if (cursor_left(&w->c) < size) {
		w->c.bad = true;
		return;
	}
	w->c.end -= size;
	tail = wire_over(w->c.end, size, w->swap);
	if (t & PERF_SAMPLE_TID) {
		r->pid = wire_u32(&tail);
		r->tid = wire_u32(&tail);
	}
	if (t & PERF_SAMPLE_TIME)
		r->time = wire_u64(&tail);
	wire_skip_words(&tail, (uint64_t)words(t & (PERF_SAMPLE_ID | PERF_SAMPLE_STREAM_ID)));
	if (t & PERF_SAMPLE_CPU)
		r->cpu = wire_u32(&tail);
}

static void get_range(struct wire *w, struct record *r)
{
	r->kind = RECORD_MMAP;
	r->pid = wire_u32(w);
	r->tid = wire_u32(w);
	r->mmap.start = wire_u64(w);
	r->mmap.len = wire_u64(w);
	r->mmap.pgoff = wire_u64(w);
	if (r->mmap.start + r->mmap.len < r->mmap.start)
		w->c.bad = true;
}

static void get_mmap(struct wire *w, struct perfdata_record *p, uint16_t misc)
{
	get_range(w, &p->r);
	p->data_mapping = misc & PERF_RECORD_MISC_MMAP_DATA;
	p->r.mmap.prot = p->data_mapping ? PROT_READ : PROT_READ | PROT_EXEC;
	p->r.mmap.path = cursor_str(&w->c);
}

static void get_file_id(struct wire *w, struct perfdata_record *p, uint16_t misc)
{
	struct record_mmap *m = &p->r.mmap;

	if (!(misc & PERF_RECORD_MISC_MMAP_BUILD_ID)) {
		m->major = wire_u32(w);
		m->minor = wire_u32(w);
		m->inode = wire_u64(w);
		m->generation = wire_u64(w);
		return;
	}
	p->build_id_len = cursor_u8(&w->c);
	cursor_skip(&w->c, 3);
	p->build_id = cursor_take(&w->c, PERFDATA_BUILD_ID_MAX);
	if (p->build_id_len > PERFDATA_BUILD_ID_MAX)
		w->c.bad = true;
}

static void get_mmap2(struct wire *w, struct perfdata_record *p, uint16_t misc)
{
	get_range(w, &p->r);
	get_file_id(w, p, misc);
	p->r.mmap.prot = wire_u32(w);
	p->r.mmap.flags = wire_u32(w);
	p->data_mapping = misc & PERF_RECORD_MISC_MMAP_DATA;
	if (!p->data_mapping) /* what else is recorded is code, whatever its recorder wrote there */
		p->r.mmap.prot |= PROT_EXEC;
	p->r.mmap.path = cursor_str(&w->c);
}

static void get_comm(struct wire *w, struct record *r, uint16_t misc)
{
	r->kind = RECORD_COMM;
	r->pid = wire_u32(w);
	r->tid = wire_u32(w);
	r->comm.name = cursor_str(&w->c);
	r->comm.exec = misc & PERF_RECORD_MISC_COMM_EXEC;
}

static void get_task(struct wire *w, struct record *r, uint32_t type)
{
	r->kind = type == PERF_RECORD_FORK ? RECORD_FORK : RECORD_EXIT;
	r->pid = wire_u32(w);
	r->fork.ppid = wire_u32(w);
	r->tid = wire_u32(w);
	r->fork.ptid = wire_u32(w);
	r->time = wire_u64(w);
}

static void get_other(struct wire *w, struct perfdata_record *p, const struct perfdata_header *h)
{
	get_trailer(w, p->attr, &p->r);
	switch (h->type) {
	case PERF_RECORD_MMAP:
		get_mmap(w, p, h->misc);
		break;
	case PERF_RECORD_MMAP2:
		get_mmap2(w, p, h->misc);
		break;
	case PERF_RECORD_COMM:
		get_comm(w, &p->r, h->misc);
		break;
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		get_task(w, &p->r, h->type);
		break;
	case PERF_RECORD_LOST:
		wire_u64(w); /* the event's id */
		/* fall through */
	case PERF_RECORD_LOST_SAMPLES:
		p->r.kind = RECORD_LOST;
		p->r.lost.lost = wire_u64(w);
		break;
	case PERF_RECORD_THROTTLE:
		p->r.kind = RECORD_THROTTLE;
		break;
	default:
		break;
	}
}

int perfdata_decode(struct perfdata_attrs *as, void *bytes, size_t len,
		    struct perfdata_record *ret)
{
	struct perfdata_header h = perfdata_header(bytes, as->swap);
	struct wire w = wire_over(bytes, len, as->swap);
	bool sample = h.type == PERF_RECORD_SAMPLE;

	memset(ret, 0, offsetof(struct perfdata_record, read));
	ret->n_read = 0;
	ret->build_id = NULL;
	ret->build_id_len = 0;
	ret->data_mapping = false;
	cursor_skip(&w.c, sizeof(struct perf_event_header));
	ret->attr = sample ? owner_of_sample(as, w.c.at, cursor_left(&w.c))
			   : owner_of_other(as, w.c.at, cursor_left(&w.c));
	if (!ret->attr)
		return -ENOENT;
	if (sample) {
		get_sample(&w, ret);
		get_mode(&ret->r.sample, h.misc);
		ret->r.sample.event = ret->attr->slot;
	} else {
		get_other(&w, ret, &h);
	}
	ret->timed = ret->r.time && ret->r.time != UINT64_MAX;
	return w.c.bad ? -EBADMSG : 0;
}
