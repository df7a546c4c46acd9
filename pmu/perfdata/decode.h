/* SPDX-License-Identifier: Apache-2.0
 *
 * One record of a recording → struct record of pmu/record.h, whatever its event was asked to
 * deliver. The rings' own decoder knows one layout; this one knows all of them.
 */
#ifndef PERFDATA_DECODE_H
#define PERFDATA_DECODE_H

#include "pmu/perfdata/attrs.h"
#include "pmu/record.h"

enum { PERFDATA_GROUP_MAX = 64, PERFDATA_BUILD_ID_MAX = 20 };

struct perfdata_header {
	uint32_t type;
	uint16_t misc, size;
};

struct perfdata_read { /* one counter of a sample's PERF_SAMPLE_READ */
	uint64_t id, value;
};

struct perfdata_record {
	struct record r; /* pointers point into the record; sample.event is the attribute's slot */
	struct perfdata_attr *attr;
	bool timed; /* r.time is one */
	/* Of samples, what has no place in struct record: */
	uint64_t n_branches, data_src;
	const uint64_t *branches; /* n_branches × from, to, flags; the latest first */
	const uint64_t *regs;     /* in the recording's own order and number: attr->regs_user */
	bool has_data_src;
	struct perfdata_read read[PERFDATA_GROUP_MAX];
	size_t n_read;
	/* Of mappings: */
	const uint8_t *build_id;
	uint8_t build_id_len;
	bool data_mapping; /* not of code */
};

/* The header at `bytes` (8 of them). */
struct perfdata_header perfdata_header(const void *bytes, bool swap);

/* When a record was written, without the rest of it. False: it does not say, or makes no sense. */
bool perfdata_time(struct perfdata_attrs *as, const void *bytes, size_t len, uint64_t *ret);

/* `bytes`: a whole record, 8-byte aligned, ours to change; once for each record. 0; -EBADMSG where
 * its parts do not fit in it; -ENOENT where its event is not known. */
int perfdata_decode(struct perfdata_attrs *as, void *bytes, size_t len,
		    struct perfdata_record *ret);

#endif
