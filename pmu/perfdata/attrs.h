/* SPDX-License-Identifier: Apache-2.0
 *
 * The events of a recording: what struct perf_event_attr said when they were opened, the ids that
 * records name them by, and what their counters showed last (group reads).
 *
 * Source: <linux/perf_event.h>; tools/perf/Documentation/perf.data-file-format.txt in Linux.
 */
#ifndef PERFDATA_ATTRS_H
#define PERFDATA_ATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/vec.h"

enum {
	ATTRS_MAX = 4096,
	ATTR_IDS_MAX = 1 << 22,  /* of all events: CPUs × threads × events */
	ATTR_BYTES_LEAST = 64,   /* PERF_ATTR_SIZE_VER0 */
	ATTR_BYTES_MAX = 4096,
	ATTR_NO_SLOT = UINT32_MAX,
};

struct perfdata_attr {
	uint32_t type;
	uint64_t config, config1, config2;
	uint64_t period; /* or the rate, by `freq` */
	uint64_t sample_type, read_format, branch_type;
	uint64_t regs_user, regs_intr;
	uint32_t stack_user;
	bool freq, inherit, exclude_user, exclude_kernel, sample_id_all;
	uint8_t precise;
	uint32_t slot;   /* which event of the profile it is; ATTR_NO_SLOT: none */
	char name[256];  /* "" where the file has none */
	uint64_t samples; /* met so far */
};

struct attr_id {
	uint64_t id;
	uint32_t attr;
};

struct attr_last; /* a counter's last reading */

struct perfdata_attrs {
	VEC(struct perfdata_attr) at;
	VEC(struct attr_id) ids;
	bool ids_sorted;
	bool swap;
	struct attr_last *last;
	uint64_t n_last;
};

void attrs_free(struct perfdata_attrs *as);

/* One attribute of `len` bytes, shorter or longer than ours: bytes that we do not know change
 * nothing that we read. 0, -EBADMSG (shorter than any, or another size inside), -E2BIG, -ENOMEM. */
int attrs_add(struct perfdata_attrs *as, const void *bytes, size_t len);
int attrs_add_id(struct perfdata_attrs *as, uint64_t id, uint32_t attr);
/* NULL: nobody's. */
struct perfdata_attr *attrs_by_id(struct perfdata_attrs *as, uint64_t id);

/* What a counter has counted since its last reading; the first counts from zero. */
uint64_t attrs_delta(struct perfdata_attrs *as, uint64_t id, uint32_t tid, uint64_t value);

/* Software event "dummy": it carries mappings, never a sample. */
bool attr_is_dummy(const struct perfdata_attr *a);

#endif
