/* SPDX-License-Identifier: Apache-2.0
 *
 * One record of a perf ring, decoded. Layouts: perf_event_open(2), "MMAP layout", and the
 * comments at PERF_RECORD_* in <linux/perf_event.h>. A record is input: nothing in it is
 * believed before it is checked against the record's own size.
 */
#ifndef PMU_RECORD_H
#define PMU_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECORD_HEADER = 8,     /* bytes of struct perf_event_header */
	RECORD_TRAILER = 32,   /* bytes of sample_id on all but samples: TID, TIME, CPU, IDENTIFIER */
	RECORD_TIME_AT = 32,   /* of a sample: after header, IDENTIFIER, IP, TID */
	RECORD_MAX = 65536,
};

enum record_kind {
	RECORD_OTHER = 0, /* a type that we do not use: skipped by its size */
	RECORD_SAMPLE,
	RECORD_MMAP,
	RECORD_COMM,
	RECORD_FORK, /* a new thread, or a new process where pid differs from ppid */
	RECORD_EXIT,
	RECORD_LOST,
	RECORD_THROTTLE,
	RECORD_KINDS
};

/* What samples of one event look like; `id` is PERF_EVENT_IOC_ID's. */
struct record_format {
	uint64_t id;
	uint64_t sample_type;
	uint32_t event;  /* index of the event, for the reader */
	uint32_t n_regs; /* bits in sample_regs_user */
};

struct record_sample {
	uint64_t ip, period, addr;
	const uint64_t *chain; /* with PERF_CONTEXT_* marks; NULL where there is none */
	uint64_t n_chain;
	const uint64_t *regs;  /* n_regs of the format, ascending; NULL: no user registers */
	bool abi32;
	const uint8_t *stack;  /* from the user's stack pointer upwards */
	uint64_t stack_len;    /* bytes that the kernel could copy */
	uint64_t stack_asked;  /* bytes that it tried to */
	bool user, kernel, guest; /* where ip is */
	bool exact_ip;         /* PERF_RECORD_MISC_EXACT_IP */
	bool weighed;          /* period is its weight, 0 too */
	uint32_t event;
};

struct record_mmap {
	uint64_t start, len, pgoff, inode, generation;
	uint32_t major, minor, prot, flags;
	const char *path; /* NUL-terminated, inside the record */
};

struct record {
	enum record_kind kind;
	uint64_t time; /* clock_mono() */
	uint32_t pid, tid, cpu;
	union {
		struct record_sample sample;
		struct record_mmap mmap;
		struct { const char *name; bool exec; } comm;
		struct { uint32_t ppid, ptid; } fork; /* EXIT as well */
		struct { uint64_t lost; } lost;
	};
};

/* `at`: a whole record, 8-byte aligned, `len` bytes = its header's size. `formats` sorted by id.
 * Pointers in `ret` point into the record. 0, or -EBADMSG where its parts do not fit in it or its
 * id is nobody's. */
int record_decode(const void *at, size_t len, const struct record_format *formats,
		  size_t n_formats, struct record *ret);

/* The PERF_CONTEXT_* marks of a callchain, for its readers. */
bool record_is_mark(uint64_t entry);
bool record_is_user_mark(uint64_t entry);
bool record_is_kernel_mark(uint64_t entry);

#endif
