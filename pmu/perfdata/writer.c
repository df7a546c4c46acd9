/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/perfdata/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/fd.h"
#include "pmu/perfdata/header.h"
#include "pmu/perfdata/spool.h"
#include "pmu/abi.h"
#include "pmu/record.h"

enum {
	HEADER = 104,
	SECTION = 16,
	DATA_SIZE_AT = 48,
	FEATURES_AT = 72,
	FINISHED_ROUND = 68,
	NAME_ALIGN = 64,  /* perf fills its strings up to that */
	FEATURES_MAX = 32,
	FEATURE_BYTES_MAX = 64 * 1024 * 1024,
	BUILD_ID_FIELD = 24,
	MISC_BUILD_ID_SIZE = 1 << 15,
};

struct writer {
	int fd;
	struct spool *spool;
	uint64_t data_at, data_len, end;
	uint64_t dropped, unsaid; /* unsaid: not yet in a LOST record */
	struct buf body; /* of all features */
	struct {
		unsigned number;
		size_t at; /* in `body` */
	} features[FEATURES_MAX];
	unsigned n_features;
};

/* ---- header ---- */

static void put_head(struct buf *b, size_t n_events, uint64_t data_at)
{
	buf_put(b, "PERFILE2", 8);
	buf_u64(b, HEADER);
	buf_u64(b, WRITER_ATTR + SECTION);
	buf_u64(b, HEADER);
	buf_u64(b, n_events * (WRITER_ATTR + SECTION));
	buf_u64(b, data_at);
	while (!b->bad && b->len < HEADER) /* the data's size, event types, features: at the end */
		buf_u64(b, 0);
}

static void put_attr(struct buf *b, const uint8_t *attr)
{
	uint32_t size = WRITER_ATTR;

	buf_put(b, attr, 4);
	buf_u32(b, size);
	buf_put(b, attr + 8, WRITER_ATTR - 8);
}

static void put_events(struct buf *b, const struct writer_event *events, size_t n)
{
	uint64_t ids_at = HEADER + n * (WRITER_ATTR + SECTION);

	for (size_t i = 0; i < n; i++) {
		put_attr(b, events[i].attr);
		buf_u64(b, ids_at);
		buf_u64(b, events[i].n_ids * sizeof(uint64_t));
		ids_at += events[i].n_ids * sizeof(uint64_t);
	}
	for (size_t i = 0; i < n; i++)
		buf_put(b, events[i].ids, events[i].n_ids * sizeof(uint64_t));
}

static int write_head(struct writer *w, const struct writer_event *events, size_t n)
{
	struct buf b = BUF_INIT(FEATURE_BYTES_MAX);
	int e;

	w->data_at = HEADER + n * (WRITER_ATTR + SECTION);
	for (size_t i = 0; i < n; i++)
		w->data_at += events[i].n_ids * sizeof(uint64_t);
	put_head(&b, n, w->data_at);
	put_events(&b, events, n);
	e = b.bad ? -ENOMEM : fd_write_all(w->fd, b.data, b.len);
	buf_free(&b);
	return e;
}

int writer_start(int fd, const struct writer_event *events, size_t n, struct writer **ret)
{
	struct writer *w = calloc(1, sizeof(*w));
	struct stat st;
	int e;

	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->body = BUF_INIT(FEATURE_BYTES_MAX);
	e = fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : -ESPIPE;
	if (!e)
		e = write_head(w, events, n);
	if (!e)
		e = spool_start(fd, &w->spool);
	if (e)
		writer_free(&w);
	else
		*ret = w;
	return e;
}

void writer_free(struct writer **wp)
{
	struct writer *w = *wp;

	*wp = NULL;
	if (!w)
		return;
	if (w->spool)
		spool_end(&w->spool, &w->data_len);
	buf_free(&w->body);
	free(w);
}

uint64_t writer_bytes(const struct writer *w)
{
	return w->end;
}

uint64_t writer_dropped(const struct writer *w)
{
	return w->dropped;
}

/* ---- records ---- */

/* As the kernel does it: when there is room again. */
static void say_lost(struct writer *w)
{
	struct {
		struct perf_event_header h;
		uint64_t id, lost, trailer[4];
	} r = {.h = {.type = PERF_RECORD_LOST, .size = sizeof(r)}, .lost = w->unsaid};

	if (spool_put(w->spool, &r, sizeof(r)))
		w->unsaid = 0;
}

void writer_record(struct writer *w, const void *bytes, size_t len)
{
	if (w->unsaid)
		say_lost(w);
	if (spool_put(w->spool, bytes, len))
		return;
	w->dropped++;
	w->unsaid++;
}

void writer_sample(struct writer *w, const void *bytes, size_t len, size_t chain_at)
{
	static uint8_t copy[RECORD_MAX];
	const uint64_t *chain = (const uint64_t *)((const uint8_t *)bytes + chain_at);
	uint64_t n = chain[-1], keep = 0, left;
	struct perf_event_header h;
	size_t rest = chain_at + 8 * n;

	while (keep < n && !record_is_user_mark(chain[keep]))
		keep++;
	if (keep == n) {
		writer_record(w, bytes, len);
		return;
	}
	left = len - 8 * (n - keep);
	memcpy(copy, bytes, chain_at + 8 * keep);
	memcpy(copy + chain_at + 8 * keep, (const uint8_t *)bytes + rest, len - rest);
	memcpy(copy + chain_at - 8, &keep, sizeof(keep));
	memcpy(&h, copy, sizeof(h));
	h.size = (uint16_t)left;
	memcpy(copy, &h, sizeof(h));
	writer_record(w, copy, left);
}

static void begin(struct buf *b, uint32_t type, uint16_t misc)
{
	buf_u32(b, type);
	buf_u16(b, misc);
	buf_u16(b, 0);
}

/* The name, filled up, then a trailer as sample_id_all has it: TID, TIME, CPU, IDENTIFIER. */
static void end_with(struct writer *w, struct buf *b, int pid, int tid, const char *name)
{
	static const uint64_t unknown[3];
	uint16_t size;

	buf_str(b, name);
	while (!b->bad && b->len % sizeof(uint64_t))
		buf_u8(b, 0);
	buf_i32(b, pid);
	buf_i32(b, tid);
	buf_put(b, unknown, sizeof(unknown));
	size = (uint16_t)b->len;
	if (!b->bad) {
		memcpy(b->data + 6, &size, sizeof(size));
		writer_record(w, b->data, b->len);
	}
	buf_free(b);
}

void writer_mapping(struct writer *w, int pid, const struct writer_mapping *m)
{
	struct buf b = BUF_INIT(RECORD_MAX / 2);

	begin(&b, PERF_RECORD_MMAP2,
	      PERF_RECORD_MISC_USER | (m->prot & PROT_EXEC ? 0 : PERF_RECORD_MISC_MMAP_DATA));
	buf_i32(&b, pid);
	buf_i32(&b, pid);
	buf_u64(&b, m->start);
	buf_u64(&b, m->len);
	buf_u64(&b, m->pgoff);
	buf_u32(&b, m->major);
	buf_u32(&b, m->minor);
	buf_u64(&b, m->inode);
	buf_u64(&b, 0);
	buf_u32(&b, m->prot);
	buf_u32(&b, m->flags);
	end_with(w, &b, pid, pid, m->path[0] ? m->path : "//anon");
}

void writer_kernel(struct writer *w, uint64_t text, uint64_t end)
{
	struct buf b = BUF_INIT(RECORD_MAX / 2);

	begin(&b, PERF_RECORD_MMAP, PERF_RECORD_MISC_KERNEL);
	buf_i32(&b, -1);
	buf_i32(&b, 0);
	buf_u64(&b, text);
	buf_u64(&b, end - text);
	buf_u64(&b, text);
	end_with(w, &b, 0, 0, "[kernel.kallsyms]_text");
}

void writer_comm(struct writer *w, int pid, int tid, const char *comm)
{
	struct buf b = BUF_INIT(RECORD_MAX / 2);

	begin(&b, PERF_RECORD_COMM, 0);
	buf_i32(&b, pid);
	buf_i32(&b, tid);
	end_with(w, &b, pid, tid, comm);
}

void writer_round(struct writer *w)
{
	struct perf_event_header h = {.type = FINISHED_ROUND, .size = sizeof(h)};

	writer_record(w, &h, sizeof(h));
	spool_push(w->spool);
}

/* ---- features ---- */

static int write_at(int fd, const void *bytes, size_t n, uint64_t at)
{
	const uint8_t *p = bytes;

	while (n) {
		ssize_t done = pwrite(fd, p, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -EIO;
		p += done;
		at += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

/* What a full disk has cut is cut off, and the size says how much is there. */
int writer_end_data(struct writer *w, int *ret_cut)
{
	*ret_cut = spool_end(&w->spool, &w->data_len);
	w->end = w->data_at + w->data_len;
	if (ftruncate(w->fd, (off_t)w->end))
		return -errno;
	return write_at(w->fd, &w->data_len, sizeof(w->data_len), DATA_SIZE_AT);
}

static void feature(struct writer *w, unsigned number)
{
	if (w->n_features == FEATURES_MAX) {
		w->body.bad = true;
		return;
	}
	w->features[w->n_features].number = number;
	w->features[w->n_features++].at = w->body.len;
}

static void put_text(struct buf *b, const char *s)
{
	size_t len = strlen(s) + 1, room = (len + NAME_ALIGN - 1) / NAME_ALIGN * NAME_ALIGN;
	void *at;

	buf_u32(b, (uint32_t)room);
	at = buf_add(b, room);
	if (!at)
		return;
	memset(at, 0, room);
	memcpy(at, s, len);
}

void writer_text(struct writer *w, unsigned number, const char *s)
{
	feature(w, number);
	put_text(&w->body, s);
}

void writer_words(struct writer *w, unsigned number, const char *const *words, uint32_t n)
{
	feature(w, number);
	buf_u32(&w->body, n);
	for (uint32_t i = 0; i < n; i++)
		put_text(&w->body, words[i]);
}

void writer_cpus(struct writer *w, uint32_t configured, uint32_t online)
{
	feature(w, FEATURE_NRCPUS);
	buf_u32(&w->body, configured);
	buf_u32(&w->body, online);
}

void writer_event_desc(struct writer *w, const struct writer_event *events, size_t n)
{
	feature(w, FEATURE_EVENT_DESC);
	buf_u32(&w->body, (uint32_t)n);
	buf_u32(&w->body, WRITER_ATTR);
	for (size_t i = 0; i < n; i++) {
		put_attr(&w->body, events[i].attr);
		buf_u32(&w->body, (uint32_t)events[i].n_ids);
		put_text(&w->body, events[i].name);
		buf_put(&w->body, events[i].ids, events[i].n_ids * sizeof(uint64_t));
	}
}

void writer_clocks(struct writer *w, uint32_t clockid, uint64_t wall, uint64_t record)
{
	feature(w, FEATURE_CLOCK_DATA);
	buf_u32(&w->body, 1); /* version */
	buf_u32(&w->body, clockid);
	buf_u64(&w->body, wall);
	buf_u64(&w->body, record);
}

void writer_build_id(struct writer *w, const char *path, const uint8_t *id, size_t len)
{
	size_t n = strlen(path) + 1, room = (n + NAME_ALIGN - 1) / NAME_ALIGN * NAME_ALIGN;
	bool kernel = path[0] == '[' && !strncmp(path, "[kernel", 7);
	uint8_t field[BUILD_ID_FIELD] = {0}, *at;

	if (!len || len > PERFDATA_BUILD_ID_MAX || room > RECORD_MAX / 2)
		return;
	if (!w->n_features)
		feature(w, FEATURE_BUILD_ID);
	memcpy(field, id, len);
	field[PERFDATA_BUILD_ID_MAX] = (uint8_t)len;
	buf_u32(&w->body, 0);
	buf_u16(&w->body, MISC_BUILD_ID_SIZE |
				  (kernel ? PERF_RECORD_MISC_KERNEL : PERF_RECORD_MISC_USER));
	buf_u16(&w->body, (uint16_t)(8 + 4 + BUILD_ID_FIELD + room));
	buf_i32(&w->body, -1);
	buf_put(&w->body, field, sizeof(field));
	at = buf_add(&w->body, room);
	if (!at)
		return;
	memset(at, 0, room);
	memcpy(at, path, n);
}

/* Where each feature stands, behind the data; then the features; last the header's bits, without
 * which nobody looks for them. */
int writer_finish(struct writer *w)
{
	uint64_t bits[FEATURE_BITS / 64] = {0}, at = w->end + (uint64_t)w->n_features * SECTION;
	struct buf table = BUF_INIT((size_t)FEATURES_MAX * SECTION);
	int e = w->body.bad ? -ENOMEM : 0;

	for (unsigned i = 0; i < w->n_features; i++) {
		size_t next = i + 1 < w->n_features ? w->features[i + 1].at : w->body.len;
		buf_u64(&table, at + w->features[i].at);
		buf_u64(&table, next - w->features[i].at);
		bits[w->features[i].number / 64] |= UINT64_C(1) << w->features[i].number % 64;
	}
	if (!e)
		e = write_at(w->fd, table.data, table.len, w->end);
	if (!e)
		e = write_at(w->fd, w->body.data, w->body.len, at);
	if (!e)
		e = write_at(w->fd, bits, sizeof(bits), FEATURES_AT);
	if (!e)
		w->end = at + w->body.len;
	else if (ftruncate(w->fd, (off_t)w->end))
		e = -errno;
	buf_free(&table);
	return e;
}
