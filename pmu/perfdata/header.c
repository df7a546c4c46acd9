/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/header.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pmu/perfdata/wire.h"
#include "pmu/event.h"

enum {
	HEADER_FILE = 104,
	HEADER_PIPE = 16,
	SECTION = 16,
	FEATURE_BYTES_MAX = 16 * 1024 * 1024,
	IDS_AT_ONCE = 8192,
	HOSTNAME_BIT = FEATURE_HOSTNAME,
};

static const char magic[8] = "PERFILE2", magic_old[8] = "PERFFILE";

struct section {
	uint64_t at, len;
};

static struct section take_section(struct wire *w)
{
	struct section s;

	s.at = wire_u64(w);
	s.len = wire_u64(w);
	return s;
}

/* All of it or nothing. */
static bool read_at(int fd, void *to, size_t n, uint64_t at)
{
	uint8_t *p = to;

	while (n) {
		ssize_t got = pread(fd, p, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

static bool read_pipe(int fd, void *to, size_t n)
{
	uint8_t *p = to;

	while (n) {
		ssize_t got = read(fd, p, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static bool is_magic(const uint8_t *bytes, bool *ret_swap)
{
	char turned[8];

	for (int i = 0; i < 8; i++)
		turned[i] = (char)bytes[7 - i];
	*ret_swap = !memcmp(turned, magic, 8) || !memcmp(turned, magic_old, 8);
	return *ret_swap || !memcmp(bytes, magic, 8) || !memcmp(bytes, magic_old, 8);
}

/* ---- events ---- */

void head_slot(struct perfdata_attrs *as, uint32_t attr)
{
	uint32_t used = 0;

	if (attr_is_dummy(&as->at.at[attr]))
		return;
	for (size_t i = 0; i < as->at.len; i++)
		used += as->at.at[i].slot != ATTR_NO_SLOT;
	if (used < EVENTS_MAX)
		as->at.at[attr].slot = used;
}

static int read_ids(int fd, struct perfdata_attrs *as, uint32_t attr, struct section s,
		    uint64_t file_len)
{
	uint64_t ids[IDS_AT_ONCE], n = s.len / sizeof(uint64_t);

	if (s.at > file_len || s.len > file_len - s.at)
		return -EBADMSG;
	while (n) {
		size_t now = n < IDS_AT_ONCE ? (size_t)n : IDS_AT_ONCE;
		if (!read_at(fd, ids, now * sizeof(*ids), s.at))
			return -EBADMSG;
		for (size_t i = 0; i < now; i++) {
			int e = attrs_add_id(as, as->swap ? __builtin_bswap64(ids[i]) : ids[i],
					     attr);
			if (e)
				return e;
		}
		s.at += now * sizeof(*ids);
		n -= now;
	}
	return 0;
}

/* An entry is an attribute of whatever size, then where its ids stand. */
static int read_attrs(int fd, struct perfdata_attrs *as, struct section s, uint64_t entry,
		      uint64_t file_len)
{
	uint8_t bytes[ATTR_BYTES_MAX + SECTION];

	if (entry < ATTR_BYTES_LEAST + SECTION || entry > sizeof(bytes) || s.at > file_len ||
	    s.len > file_len - s.at)
		return -EBADMSG;
	for (uint64_t i = 0; i < s.len / entry && i < ATTRS_MAX; i++) {
		struct wire w = wire_over(bytes, entry, as->swap), own = w;
		uint32_t size;
		int e;

		if (!read_at(fd, bytes, entry, s.at + i * entry))
			return -EBADMSG;
		wire_u32(&own);
		size = wire_u32(&own);
		if (size < ATTR_BYTES_LEAST || size > entry - SECTION)
			size = (uint32_t)(entry - SECTION);
		e = attrs_add(as, bytes, size);
		if (e)
			return e;
		head_slot(as, (uint32_t)i);
		cursor_skip(&w.c, size);
		e = read_ids(fd, as, (uint32_t)i, take_section(&w), file_len);
		if (e)
			return e;
	}
	return 0;
}

int head_attr_record(struct perfdata_head *h, struct perfdata_attrs *as, const void *bytes,
		     size_t len)
{
	struct wire w = wire_over(bytes, len, h->swap), own;
	uint32_t attr = (uint32_t)as->at.len, size;
	int e;

	cursor_skip(&w.c, 8);
	own = w;
	wire_u32(&own);
	size = wire_u32(&own);
	if (own.c.bad || size > cursor_left(&w.c))
		return -EBADMSG;
	size = size < ATTR_BYTES_LEAST ? ATTR_BYTES_LEAST : size;
	if (size > cursor_left(&w.c))
		return -EBADMSG;
	e = attrs_add(as, cursor_take(&w.c, size), size);
	if (e)
		return e;
	head_slot(as, attr);
	while (cursor_left(&w.c) >= 8 && !e)
		e = attrs_add_id(as, wire_u64(&w), attr);
	return e;
}

/* ---- features ---- */

/* Their sections' places follow the data, one for each bit, ascending. */
static void read_features(int fd, struct perfdata_head *h, struct perfdata_attrs *as,
			  uint64_t file_len)
{
	uint64_t at = h->data_at + h->data_len;

	for (unsigned f = 0; f < FEATURE_BITS; f++) {
		uint8_t place[SECTION], *bytes;
		struct wire w = wire_over(place, SECTION, h->swap);
		struct section s;

		if (!(h->features[f / 64] >> f % 64 & 1))
			continue;
		if (!read_at(fd, place, SECTION, at))
			return;
		at += SECTION;
		s = take_section(&w);
		if (f == FEATURE_DIR_FORMAT)
			h->info.directory = true;
		if (s.len == 0 || s.len > FEATURE_BYTES_MAX || s.at > file_len ||
		    s.len > file_len - s.at || f == FEATURE_TRACING_DATA)
			continue;
		bytes = malloc(s.len);
		if (bytes && read_at(fd, bytes, s.len, s.at))
			feature_apply(h, as, f, bytes, s.len);
		free(bytes);
	}
}

/* The set of features is an array of the recorder's long: of 32 bits on some machines. Every
 * recording has its host's name. */
static void take_features(struct perfdata_head *h, struct wire *w)
{
	for (int i = 0; i < FEATURE_BITS / 64; i++)
		h->features[i] = wire_u64(w);
	if (h->swap && !(h->features[0] >> HOSTNAME_BIT & 1))
		for (int i = 0; i < FEATURE_BITS / 64; i++)
			h->features[i] = h->features[i] << 32 | h->features[i] >> 32;
}

static int read_file(int fd, struct perfdata_head *h, struct perfdata_attrs *as,
		     const uint8_t *bytes, char *why, size_t size)
{
	struct wire w = wire_over(bytes, HEADER_FILE, h->swap);
	uint64_t entry, file_len;
	struct section attrs, data;
	struct stat st;
	int e;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return snprintf(why, size, "it was not recorded for a pipe: give the file's path"
				" instead"), -ESPIPE;
	file_len = (uint64_t)st.st_size;
	wire_skip_words(&w, 2); /* magic, size */
	entry = wire_u64(&w);
	attrs = take_section(&w);
	data = take_section(&w);
	take_section(&w); /* event types, before perf 3.10 */
	take_features(h, &w);
	e = read_attrs(fd, as, attrs, entry, file_len);
	if (e)
		return snprintf(why, size, "its table of events makes no sense (byte %llu)",
				(unsigned long long)attrs.at), e;
	h->data_at = data.at;
	h->unfinished = data.len == 0 && data.at < file_len;
	if (data.at > file_len)
		return snprintf(why, size, "its data would begin at byte %llu, past its end",
				(unsigned long long)data.at), -EBADMSG;
	h->data_len = h->unfinished || data.len > file_len - data.at ? file_len - data.at
								     : data.len;
	if (!h->unfinished && data.len <= file_len - data.at)
		read_features(fd, h, as, file_len);
	return 0;
}

int head_read(int fd, struct perfdata_head *ret, struct perfdata_attrs *as, char *why,
	      size_t size)
{
	uint8_t bytes[HEADER_FILE] = {0};
	struct wire w;
	uint64_t header;

	*ret = (struct perfdata_head){0};
	if (!read_pipe(fd, bytes, HEADER_PIPE) || !is_magic(bytes, &ret->swap))
		return snprintf(why, size, "it is no recording of perf"), -EMEDIUMTYPE;
	as->swap = ret->swap;
	w = wire_over(bytes, HEADER_PIPE, ret->swap);
	wire_u64(&w);
	header = wire_u64(&w);
	if (header == HEADER_PIPE) {
		ret->pipe = true;
		ret->data_at = HEADER_PIPE;
		ret->data_len = UINT64_MAX;
		return 0;
	}
	if (header < HEADER_FILE || !read_pipe(fd, bytes + HEADER_PIPE, HEADER_FILE - HEADER_PIPE))
		return snprintf(why, size, "it ends within its header"), -EBADMSG;
	return read_file(fd, ret, as, bytes, why, size);
}
