/* SPDX-License-Identifier: Apache-2.0
 *
 * A finished profile in memory: what the collector builds, what crosses to the exporter, what
 * every reader of a profile file yields and every writer takes. The shapes are pprof's
 * (github.com/google/pprof, proto/profile.proto), with indices in the place of ids.
 *
 * Ownership: a profile owns everything in it; profile_free() releases it. The profile_*() makers
 * find or add: the same content yields the same index, so a caller never looks up first.
 * Makers return an index, or PROFILE_NONE when out of memory or over a ceiling (`full` is set).
 */
#ifndef WIRE_PROFILE_H
#define WIRE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/vec.h"

#define PROFILE_NONE UINT32_MAX

struct profile_string {
	char *s; /* NUL-terminated; may be any bytes: exporters make them valid UTF-8 */
	uint32_t len;
};

struct profile_type { /* of a value: "cycles" in "count" */
	uint32_t type, unit; /* strings */
};

enum profile_mapping_kind {
	PROFILE_MAP_FILE = 0,
	PROFILE_MAP_KERNEL, /* the kernel, or one of its modules */
	PROFILE_MAP_VDSO,
	PROFILE_MAP_JIT,  /* code made at run time, in anonymous memory */
};

struct profile_mapping {
	uint64_t start, limit, offset; /* ELF virtual addresses; file offset of `start` */
	uint32_t file, build_id;       /* strings; build_id in lower-case hex, 0 unknown */
	uint32_t kind;                 /* enum profile_mapping_kind */
	bool has_functions, has_filenames, has_lines, has_inline_frames;
};

struct profile_function {
	uint32_t name, system_name, file; /* strings */
	int64_t start_line;
};

struct profile_line {
	uint32_t function;
	uint32_t line;
};

enum profile_location_flag {
	PROFILE_LOC_FP = 1 << 0,     /* found by a frame pointer, not by CFI */
	PROFILE_LOC_KERNEL = 1 << 1,
	PROFILE_LOC_UNNAMED = 1 << 2, /* its only function is "module+0xoffset", for want of a symbol */
};

struct profile_location {
	uint32_t mapping; /* index, or PROFILE_NONE */
	uint32_t flags;   /* enum profile_location_flag */
	uint64_t address; /* ELF virtual address (kernel: absolute) */
	uint32_t first_line, n_lines; /* into `lines`, innermost (inlined) first */
};

struct profile_label {
	uint32_t key;
	uint32_t str;  /* string, 0 when the label is a number */
	int64_t num;
	uint32_t unit; /* string, 0 none */
};

struct profile_sample {
	uint32_t first_location, n_locations; /* into `stack`, leaf first */
	uint32_t first_label, n_labels;       /* into `labels` */
	uint32_t first_value;                 /* into `values`; types.len of them */
};

struct profile {
	VEC(struct profile_string) strings; /* [0] is "" */
	VEC(struct profile_type) types;
	VEC(struct profile_mapping) mappings;
	VEC(struct profile_function) functions;
	VEC(struct profile_line) lines;
	VEC(struct profile_location) locations;
	VEC(struct profile_label) labels;
	VEC(uint32_t) stack; /* location indices */
	VEC(int64_t) values;
	VEC(struct profile_sample) samples;
	VEC(uint32_t) comments; /* strings: "name: value", the quality figures among them */
	struct profile_type period_type;
	int64_t period;
	int64_t time_nanos, duration_nanos;
	uint32_t default_type; /* string */
	uint32_t drop_frames, keep_frames; /* strings: regular expressions */
	bool full; /* a maker has failed */
	struct profile_index *index; /* of the makers; opaque */
};

enum { PROFILE_ENCODED_MAX = 1 << 30 };

int profile_init(struct profile *p); /* 0 or -ENOMEM */
void profile_free(struct profile *p);

uint32_t profile_string(struct profile *p, const char *s);
uint32_t profile_string_n(struct profile *p, const char *s, size_t len);
const char *profile_str(const struct profile *p, uint32_t string); /* "" when out of range */

uint32_t profile_add_type(struct profile *p, const char *type, const char *unit);
/* Found again by (file, build_id, start). */
uint32_t profile_add_mapping(struct profile *p, const struct profile_mapping *m);
uint32_t profile_add_function(struct profile *p, const struct profile_function *f);
/* Found again by (mapping, address, flags). */
uint32_t profile_add_location(struct profile *p, const struct profile_location *l,
			      const struct profile_line *lines, uint32_t n_lines);
/* Finds a sample of the same stack and labels and adds `values` to it, or adds one.
 * `stack` is leaf first; n values = types.len. 0 or -ENOMEM. */
int profile_add_sample(struct profile *p, const uint32_t *stack, uint32_t n_stack,
		       const struct profile_label *labels, uint32_t n_labels,
		       const int64_t *values);
void profile_comment(struct profile *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The value of the comment "name: value", or NULL. */
const char *profile_comment_get(const struct profile *p, const char *name);

/* True when every index in it is in range (readers call it once after decoding). */
bool profile_valid(const struct profile *p);

/* The flat form that crosses from the collector to the exporter. */
void profile_encode(const struct profile *p, struct buf *b);
/* 0, -EBADMSG, -ENOMEM; on an error `ret` is left freed. The makers work on the result. */
int profile_decode(const void *bytes, size_t len, struct profile *ret);

#endif
