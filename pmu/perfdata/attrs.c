/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/attrs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/hash.h"
#include <uthash.h>

#include "pmu/perfdata/wire.h"
#include "pmu/abi.h"

enum {
	LAST_MAX = 1 << 20, /* counters that are remembered */
	FLAGS_AT = 40,
	/* Bits of the word of flags, in the order of struct perf_event_attr. */
	FLAG_INHERIT = 1, FLAG_EXCLUDE_USER = 4, FLAG_EXCLUDE_KERNEL = 5, FLAG_FREQ = 10,
	FLAG_PRECISE = 15, FLAG_SAMPLE_ID_ALL = 18,
};

struct attr_last {
	struct {
		uint64_t id;
		uint64_t tid;
	} key;
	uint64_t value;
	UT_hash_handle hh;
};

void attrs_free(struct perfdata_attrs *as)
{
	struct attr_last *l, *next;

	HASH_ITER(hh, as->last, l, next) {
		HASH_DEL(as->last, l);
		free(l);
	}
	vec_free(&as->at);
	vec_free(&as->ids);
}

/* Bit fields stand in memory from the first byte on; machines of the other byte order fill each
 * byte from its other end. */
static uint64_t flags_of(const uint8_t *bytes, bool swap)
{
	uint64_t flags = 0;

	for (int i = 0; i < 64; i++) {
		int bit = swap ? 7 - i % 8 : i % 8;
		flags |= (uint64_t)(bytes[FLAGS_AT + i / 8] >> bit & 1) << i;
	}
	return flags;
}

static void set_flags(struct perfdata_attr *a, uint64_t flags)
{
	a->inherit = flags >> FLAG_INHERIT & 1;
	a->exclude_user = flags >> FLAG_EXCLUDE_USER & 1;
	a->exclude_kernel = flags >> FLAG_EXCLUDE_KERNEL & 1;
	a->freq = flags >> FLAG_FREQ & 1;
	a->precise = flags >> FLAG_PRECISE & 3;
	a->sample_id_all = flags >> FLAG_SAMPLE_ID_ALL & 1;
}

int attrs_add(struct perfdata_attrs *as, const void *bytes, size_t len)
{
	uint8_t whole[128] = {0}; /* what is not there is zero, as the kernel has it */
	struct wire w = wire_over(whole, sizeof(whole), as->swap);
	struct perfdata_attr *a;

	if (len < ATTR_BYTES_LEAST)
		return -EBADMSG;
	memcpy(whole, bytes, len < sizeof(whole) ? len : sizeof(whole));
	if (as->at.len >= ATTRS_MAX)
		return -E2BIG;
	a = vec_add(&as->at);
	if (!a)
		return -ENOMEM;
	a->slot = ATTR_NO_SLOT;
	a->type = wire_u32(&w);
	wire_u32(&w); /* its size */
	a->config = wire_u64(&w);
	a->period = wire_u64(&w);
	a->sample_type = wire_u64(&w);
	a->read_format = wire_u64(&w);
	set_flags(a, flags_of(whole, as->swap));
	wire_skip_words(&w, 2); /* flags; wakeup and breakpoint type */
	a->config1 = wire_u64(&w);
	a->config2 = wire_u64(&w);
	a->branch_type = wire_u64(&w);
	a->regs_user = wire_u64(&w);
	a->stack_user = wire_u32(&w);
	wire_u32(&w); /* clockid */
	a->regs_intr = wire_u64(&w);
	return 0;
}

int attrs_add_id(struct perfdata_attrs *as, uint64_t id, uint32_t attr)
{
	struct attr_id *slot;

	if (as->ids.len >= ATTR_IDS_MAX)
		return -E2BIG;
	slot = vec_add(&as->ids);
	if (!slot)
		return -ENOMEM;
	*slot = (struct attr_id){.id = id, .attr = attr};
	as->ids_sorted = false;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct attr_id *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->attr < y->attr ? -1 : x->attr > y->attr;
}

struct perfdata_attr *attrs_by_id(struct perfdata_attrs *as, uint64_t id)
{
	size_t lo = 0, hi = as->ids.len;

	if (!as->ids_sorted && hi)
		qsort(as->ids.at, hi, sizeof(*as->ids.at), by_id);
	as->ids_sorted = true;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (as->ids.at[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < as->ids.len && as->ids.at[lo].id == id ? &as->at.at[as->ids.at[lo].attr] : NULL;
}

uint64_t attrs_delta(struct perfdata_attrs *as, uint64_t id, uint32_t tid, uint64_t value)
{
	struct attr_last probe, *l;
	uint64_t before;

	memset(&probe, 0, sizeof(probe));
	probe.key.id = id;
	probe.key.tid = tid;
	HASH_FIND(hh, as->last, &probe.key, sizeof(probe.key), l);
	if (!l) {
		l = as->n_last < LAST_MAX ? malloc(sizeof(*l)) : NULL;
		if (!l)
			return 0;
		*l = probe;
		l->value = 0;
		HASH_ADD(hh, as->last, key, sizeof(l->key), l);
		as->n_last++;
	}
	before = l->value;
	l->value = value;
	return value > before ? value - before : 0;
}

bool attr_is_dummy(const struct perfdata_attr *a)
{
	return a->type == PERF_TYPE_SOFTWARE && a->config == PERF_COUNT_SW_DUMMY;
}
