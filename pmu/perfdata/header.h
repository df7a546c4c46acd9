/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands around the records of a perf.data file: its header, its events, its features (where
 * and how it was recorded, build IDs, the events' names). In pipe mode the same comes as records.
 *
 * Source: tools/perf/Documentation/perf.data-file-format.txt, tools/perf/util/header.h in Linux.
 */
#ifndef PERFDATA_HEADER_H
#define PERFDATA_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmu/perfdata/attrs.h"
#include "pmu/perfdata/decode.h"

enum perfdata_feature {
	FEATURE_TRACING_DATA = 1,
	FEATURE_BUILD_ID = 2,
	FEATURE_HOSTNAME = 3,
	FEATURE_OSRELEASE = 4,
	FEATURE_VERSION = 5,
	FEATURE_ARCH = 6,
	FEATURE_NRCPUS = 7,
	FEATURE_CPUDESC = 8,
	FEATURE_CMDLINE = 11,
	FEATURE_EVENT_DESC = 12,
	FEATURE_DIR_FORMAT = 24,
	FEATURE_CLOCK_DATA = 29,
	FEATURE_BITS = 256,
};

struct perfdata_info {
	char host[256], release[128], version[128], arch[32], cpu[256], command[1024];
	uint32_t cpus; /* online; 0 unknown */
	bool directory; /* perf record --threads: the samples are in other files */
	/* Two clocks at one moment; 0, 0: unknown. */
	uint64_t clock_wall, clock_record;
	uint64_t kernel_text; /* address of _text or _stext where it was recorded; 0 unknown */
};

struct build_ids;

struct perfdata_head {
	bool swap, pipe;
	uint64_t data_at, data_len;
	bool unfinished; /* its size was never written: the recorder was killed */
	uint64_t features[FEATURE_BITS / 64];
	struct perfdata_info info;
	struct build_ids *ids;
};

/* Reads the header; in file mode events and features as well, by pread(2). 0 or -errno with `why`:
 * -EMEDIUMTYPE: no recording of perf. */
int head_read(int fd, struct perfdata_head *ret, struct perfdata_attrs *as, char *why,
	      size_t size);
void head_free(struct perfdata_head *h);

/* One feature's content, as in the file's section or in a HEADER_FEATURE record. Broken ones are
 * passed over. */
void feature_apply(struct perfdata_head *h, struct perfdata_attrs *as, unsigned feature,
		   const void *bytes, size_t len);
/* The records of pipe mode: HEADER_ATTR, EVENT_TYPE, EVENT_UPDATE, HEADER_BUILD_ID. `bytes`
 * includes the header. 0 or -errno. */
int head_attr_record(struct perfdata_head *h, struct perfdata_attrs *as, const void *bytes,
		     size_t len);
void head_event_type(struct perfdata_head *h, struct perfdata_attrs *as, const void *bytes,
		     size_t len);
void head_event_update(struct perfdata_head *h, struct perfdata_attrs *as, const void *bytes,
		       size_t len);
void head_build_id(struct perfdata_head *h, const void *bytes, size_t len);

void head_add_build_id(struct perfdata_head *h, const char *path, const uint8_t *id, size_t len);
/* Of a path as recorded: its length, 0 unknown. */
size_t head_build_id_of(const struct perfdata_head *h, const char *path, const uint8_t **ret);

/* Gives an event its place in the profile. */
void head_slot(struct perfdata_attrs *as, uint32_t attr);

#endif
