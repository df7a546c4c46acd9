/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/helpers/exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/helpers/children.h"
#include "agent/helpers/exporter_priv.h"
#include "agent/helpers/spawn.h"
#include "agent/wire/msg.h"

enum {
	TRIES = 2, REPLY_MAX = 1 << 20, STOP_MS = 1000,
	WRITE_FDS = 2 + SPAWN_FDS, /* the profile, a pidfd at the end */
};

static const char program[] = "pmuscope-exporter";

struct exporter {
	exporter_spawn_fn spawn;
	void *arg;
	int exe;
	pid_t pid; /* -1: not running */
	int sock;
	uint32_t seq;
	struct fd_room room; /* whatever a recording opens, its profile can be written */
};

/* One exporter_write(). */
struct job {
	struct exporter_output *outputs;
	unsigned n;
	off_t start[EXP_OUTPUTS_MAX]; /* where a second try writes again; -1 where none can */
	int memfd;
	uint64_t deadline;
	struct buf *report;
};

static int spawn_program(void *arg, pid_t *ret_pid, int *ret_sock)
{
	const struct exporter *e = arg;
	return spawn_start(e->exe, program, ret_pid, ret_sock);
}

int exporter_prepare_by(exporter_spawn_fn spawn, void *arg, struct exporter **ret)
{
	struct exporter *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	*e = (struct exporter){.spawn = spawn, .arg = arg, .exe = -1, .pid = -1, .sock = -1};
	*ret = e;
	r = fd_room_take(&e->room, WRITE_FDS);
	if (r)
		exporter_stop(ret);
	return r;
}

int exporter_prepare(struct exporter **ret)
{
	struct exporter *e = NULL;
	int r = exporter_prepare_by(spawn_program, NULL, &e);

	if (r)
		return r;
	e->arg = e;
	r = spawn_find(program, &e->exe);
	if (r)
		exporter_stop(&e);
	else
		*ret = e;
	return r;
}

static void end_helper(struct exporter *e, unsigned ms)
{
	fd_close(&e->sock);
	if (e->pid > 0)
		(void)child_end(e->pid, ms); /* one that hangs outlives us by that hang */
	e->pid = -1;
}

void exporter_stop(struct exporter **e)
{
	if (!*e)
		return;
	end_helper(*e, STOP_MS);
	fd_close(&(*e)->exe);
	fd_room_give(&(*e)->room);
	free(*e);
	*e = NULL;
}

/* Sealed: whoever reads it may rely on it, and it may not be changed under the reader. */
static int profile_memfd(const struct profile *p, int *ret)
{
	struct buf b = BUF_INIT(PROFILE_ENCODED_MAX);
	int fd = memfd_create("profile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : 0;

	if (!r)
		profile_encode(p, &b);
	if (!r)
		r = b.bad ? -ENOMEM : fd_write_all(fd, b.data, b.len);
	buf_free(&b);
	if (!r && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
		r = -errno;
	if (!r && lseek(fd, 0, SEEK_SET))
		r = -errno;
	if (r)
		fd_close(&fd);
	else
		*ret = fd;
	return r;
}

/* Sends a request and receives its reply: 0 when it is the right one. */
static int ask(struct exporter *e, uint16_t type, const struct buf *b, int fd, struct msg *m,
	       uint64_t deadline)
{
	uint32_t seq = ++e->seq;
	int r = msg_send(e->sock, type, seq, b->data, b->len, &fd, 1, deadline);

	if (!r)
		r = msg_recv(e->sock, m, deadline);
	if (!r && (m->seq != seq || m->type != (type | EXP_REPLY) || m->n_fds))
		r = -EPROTO;
	return r;
}

static int status_of(struct cursor *c, int *ret)
{
	int32_t s = cursor_i32(c);

	if (c->bad || s > 0 || s < -4095)
		return -EPROTO;
	*ret = s;
	return 0;
}

static int send_output(struct exporter *e, const struct job *j, unsigned i, struct msg *m)
{
	struct buf b = BUF_INIT(64);
	struct cursor c;
	int r;

	buf_u32(&b, j->outputs[i].format);
	buf_u32(&b, 0);
	r = b.bad ? -ENOMEM : ask(e, EXP_OUTPUT, &b, j->outputs[i].fd, m, j->deadline);
	buf_free(&b);
	c = cursor_over(m->payload.data, m->payload.len);
	return r ? r : status_of(&c, &j->outputs[i].status);
}

/* The statuses of the outputs that were accepted, in their order, then the report. */
static int parse_result(const struct job *j, struct cursor *c, int *ret_status)
{
	struct exporter_output out[EXP_OUTPUTS_MAX];
	unsigned accepted = 0;
	const void *text;
	uint32_t len;
	int r = status_of(c, ret_status);

	for (unsigned i = 0; i < j->n; i++) {
		out[i] = j->outputs[i];
		accepted += !out[i].status;
	}
	if (r || (*ret_status && !cursor_left(c)))
		return r; /* refused as a whole */
	if (cursor_u32(c) != accepted)
		return -EPROTO;
	for (unsigned i = 0; i < j->n && !r; i++) {
		if (out[i].status)
			continue;
		r = status_of(c, &out[i].status);
		out[i].written = cursor_u64(c);
		out[i].kept = cursor_u32(c);
		if (out[i].kept > EXP_WHOLE)
			return -EPROTO;
	}
	len = cursor_u32(c);
	text = cursor_take(c, len);
	if (r || c->bad || cursor_left(c))
		return -EPROTO;
	for (unsigned i = 0; i < j->n; i++)
		j->outputs[i] = out[i];
	if (j->report) {
		buf_put(j->report, text, len);
		buf_u8(j->report, 0);
	}
	return 0;
}

static int talk(struct exporter *e, struct job *j, struct msg *m, int *ret_status)
{
	struct buf none = BUF_INIT(0);
	struct cursor c;
	int r = 0;

	for (unsigned i = 0; i < j->n && !r; i++)
		r = send_output(e, j, i, m);
	if (!r)
		r = ask(e, EXP_PROFILE, &none, j->memfd, m, j->deadline);
	if (r)
		return r;
	c = cursor_over(m->payload.data, m->payload.len);
	return parse_result(j, &c, ret_status);
}

/* 0 when the helper has answered; its verdict in `ret_status`. */
static int try_once(struct exporter *e, struct job *j, int *ret_status)
{
	struct msg m;
	int r = e->spawn(e->arg, &e->pid, &e->sock);

	if (r) {
		e->pid = e->sock = -1;
		return r;
	}
	msg_init(&m, REPLY_MAX);
	r = talk(e, j, &m, ret_status);
	msg_free(&m);
	end_helper(e, r ? 0 : STOP_MS);
	return r;
}

/* A pipe has taken what it has taken: a second try would append to half a profile. */
static void mark_starts(struct job *j)
{
	for (unsigned i = 0; i < j->n; i++) {
		struct stat st;
		bool file = fstat(j->outputs[i].fd, &st) == 0 && S_ISREG(st.st_mode);
		j->start[i] = file ? lseek(j->outputs[i].fd, 0, SEEK_CUR) : -1;
		j->outputs[i].status = 0;
		j->outputs[i].written = 0;
		j->outputs[i].kept = 0;
	}
}

static bool rewind_all(const struct job *j)
{
	if (lseek(j->memfd, 0, SEEK_SET))
		return false;
	for (unsigned i = 0; i < j->n; i++) {
		j->outputs[i].status = 0;
		if (j->start[i] < 0 || ftruncate(j->outputs[i].fd, j->start[i]) ||
		    lseek(j->outputs[i].fd, j->start[i], SEEK_SET) < 0)
			return false;
	}
	return true;
}

static int first_error(const struct job *j, int r)
{
	for (unsigned i = 0; i < j->n && !r; i++)
		r = j->outputs[i].status;
	return r;
}

int exporter_write(struct exporter *e, const struct profile *p, struct exporter_output *outputs,
		   unsigned n, struct buf *report, unsigned seconds)
{
	struct job j = {.outputs = outputs, .n = n, .memfd = -1, .report = report};
	int r, status = 0;

	if (n > EXP_OUTPUTS_MAX)
		return -EINVAL;
	fd_room_give(&e->room);
	mark_starts(&j);
	j.deadline = clock_mono() + (uint64_t)seconds * NS_PER_S;
	r = profile_memfd(p, &j.memfd);
	for (int i = 0; i < TRIES && !r; i++) {
		r = try_once(e, &j, &status);
		if (!r || r == -ETIMEDOUT || i == TRIES - 1 || !rewind_all(&j))
			break;
		r = 0;
	}
	fd_close(&j.memfd);
	(void)fd_room_take(&e->room, WRITE_FDS);
	r = r ? r : status;
	for (unsigned i = 0; i < n && r; i++)
		if (!outputs[i].status && !outputs[i].written)
			outputs[i].status = r; /* nothing good was heard of it */
	return first_error(&j, r);
}
