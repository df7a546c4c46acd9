/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings put together by hand, in either byte order.
 */
#ifndef TESTS_FAKE_FILE_H
#define TESTS_FAKE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pmu/abi.h"

enum { FAKE_MAX = 1 << 20, FAKE_ATTR = 136, FAKE_HEADER = 104 };

struct fake {
	uint8_t bytes[FAKE_MAX];
	size_t n, record; /* where the record under construction begins */
	size_t data;      /* where the records begin */
	bool swap;
};

static inline void put(struct fake *f, const void *bytes, size_t n)
{
	memcpy(f->bytes + f->n, bytes, n);
	f->n += n;
}

static inline void u8(struct fake *f, uint8_t v)
{
	put(f, &v, 1);
}

static inline void u16(struct fake *f, uint16_t v)
{
	v = f->swap ? __builtin_bswap16(v) : v;
	put(f, &v, sizeof(v));
}

static inline void u32(struct fake *f, uint32_t v)
{
	v = f->swap ? __builtin_bswap32(v) : v;
	put(f, &v, sizeof(v));
}

static inline void u64(struct fake *f, uint64_t v)
{
	v = f->swap ? __builtin_bswap64(v) : v;
	put(f, &v, sizeof(v));
}

static inline void patch64(struct fake *f, size_t at, uint64_t v)
{
	v = f->swap ? __builtin_bswap64(v) : v;
	memcpy(f->bytes + at, &v, sizeof(v));
}

static inline void text(struct fake *f, const char *s) /* with NULs up to a multiple of 8 */
{
	size_t n = strlen(s) + 1;

	put(f, s, n);
	while (n++ % 8)
		u8(f, 0);
}

static inline void begin(struct fake *f, uint32_t type, uint16_t misc)
{
	f->record = f->n;
	u32(f, type);
	u16(f, misc);
	u16(f, 0);
}

static inline void end(struct fake *f)
{
	uint16_t size = (uint16_t)(f->n - f->record);

	size = f->swap ? __builtin_bswap16(size) : size;
	memcpy(f->bytes + f->record + 6, &size, sizeof(size));
}

struct fake_attr {
	uint32_t type;
	uint64_t config, period, sample_type, read_format, branch_type, regs_user;
	bool freq, sample_id_all;
	size_t len; /* bytes; FAKE_ATTR where 0 */
};

/* Bit fields fill a byte from its other end on machines of the other order. */
static inline uint8_t flag_byte(const struct fake *f, uint8_t v)
{
	uint8_t r = 0;

	for (int i = 0; f->swap && i < 8; i++)
		r |= (uint8_t)((v >> i & 1) << (7 - i));
	return f->swap ? r : v;
}

static inline void attr(struct fake *f, const struct fake_attr *a)
{
	size_t start = f->n, len = a->len ? a->len : FAKE_ATTR;

	u32(f, a->type);
	u32(f, (uint32_t)len);
	u64(f, a->config);
	u64(f, a->period);
	u64(f, a->sample_type);
	u64(f, a->read_format);
	u8(f, 0);
	u8(f, flag_byte(f, (uint8_t)(a->freq << 2)));          /* bit 10 */
	u8(f, flag_byte(f, (uint8_t)(a->sample_id_all << 2))); /* bit 18 */
	for (int i = 0; i < 5; i++)
		u8(f, 0);
	u64(f, 0);
	u64(f, 0); /* config1 */
	u64(f, 0);
	u64(f, a->branch_type);
	u64(f, a->regs_user);
	while (f->n < start + len)
		u64(f, 0);
	f->n = start + len;
}

/* A file with n attributes of one size; attribute i has the id 10 + i. Records follow. */
static inline void file_begin(struct fake *f, bool swap, const struct fake_attr *attrs, int n)
{
	size_t len = attrs[0].len ? attrs[0].len : FAKE_ATTR, ids;

	f->n = 0;
	f->swap = swap;
	u64(f, UINT64_C(0x32454c4946524550)); /* "PERFILE2" */
	u64(f, FAKE_HEADER);
	u64(f, len + 16);
	u64(f, FAKE_HEADER);
	u64(f, (uint64_t)n * (len + 16));
	while (f->n < FAKE_HEADER)
		u64(f, 0);
	ids = FAKE_HEADER + (size_t)n * (len + 16);
	for (int i = 0; i < n; i++) {
		attr(f, &attrs[i]);
		u64(f, ids + 8 * (size_t)i);
		u64(f, 8);
	}
	for (int i = 0; i < n; i++)
		u64(f, 10 + (uint64_t)i);
	f->data = f->n;
}

static inline void file_end(struct fake *f)
{
	patch64(f, 40, f->data);
	patch64(f, 48, f->n - f->data);
}

static inline void pipe_begin(struct fake *f, bool swap)
{
	f->n = 0;
	f->swap = swap;
	u64(f, UINT64_C(0x32454c4946524550));
	u64(f, 16);
	f->data = f->n;
}

static inline int memory_file(const void *bytes, size_t n)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET))
		abort();
	return fd;
}

#endif
