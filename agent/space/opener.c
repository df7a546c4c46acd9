/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/space/opener.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/helpers/children.h"
#include "agent/space/opener_priv.h"

enum {
	REPLACE_MS = 100, STOP_MS = 200,
	LEFT_TO_OTHERS = 4, /* descriptors: files of /proc, for as long as they are read */
};

struct opener {
	int data, control;
	pid_t supervisor;
	uint32_t seq;
	uint64_t starved, late;
};

pid_t opener_supervisor(const struct opener *o)
{
	return o->supervisor;
}

uint64_t opener_starved(const struct opener *o)
{
	return o->starved;
}

uint64_t opener_late(const struct opener *o)
{
	return o->late;
}

static bool wait_for(int fd, uint64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do {
		uint64_t now = clock_mono();
		uint64_t ns = deadline > now ? deadline - now : 0;
		n = poll(&p, 1, (int)((ns + NS_PER_MS - 1) / NS_PER_MS));
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static uint64_t in_ms(unsigned ms)
{
	return clock_mono() + (uint64_t)ms * NS_PER_MS;
}

static int greeted(int control)
{
	int32_t status = 0;
	ssize_t n;

	do {
		n = recv(control, &status, sizeof(status), 0);
	} while (n < 0 && errno == EINTR);
	return n == sizeof(status) ? status : -EPIPE;
}

static int start(uid_t uid, gid_t gid, int root, struct opener **ret)
{
	struct opener *o = calloc(1, sizeof(*o));
	int data[2] = {-1, -1}, control[2] = {-1, -1}, r = o ? 0 : -ENOMEM;

	if (!r && (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, data) ||
		   socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) ||
		   (o->supervisor = fork()) < 0))
		r = -errno;
	if (!r && o->supervisor == 0)
		opener_supervise(data[1], control[1], root, uid, gid);
	fd_close(&data[1]);
	fd_close(&control[1]);
	if (r) {
		fd_close(&data[0]);
		fd_close(&control[0]);
		free(o);
		return r;
	}
	o->data = data[0];
	o->control = control[0];
	r = greeted(o->control);
	if (r)
		opener_stop(&o);
	else
		*ret = o;
	return r;
}

int opener_start(uid_t uid, gid_t gid, struct opener **ret)
{
	return start(uid, gid, -1, ret);
}

int opener_start_recorded(uid_t uid, gid_t gid, int root, struct opener **ret)
{
	return start(uid, gid, root, ret);
}

void opener_stop(struct opener **op)
{
	struct opener *o = *op;

	if (!o)
		return;
	fd_close(&o->data);
	fd_close(&o->control);
	(void)child_end(o->supervisor, STOP_MS);
	free(o);
	*op = NULL;
}

/* Waits for the killing, so that the next request is not read by the old worker. */
static void replace_worker(struct opener *o)
{
	char byte;

	while (recv(o->control, &byte, 1, MSG_DONTWAIT) > 0)
		; /* of an earlier one that came late */
	byte = OPENER_REPLACE;
	if (send(o->control, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 &&
	    wait_for(o->control, in_ms(REPLACE_MS)))
		(void)!recv(o->control, &byte, 1, MSG_DONTWAIT);
}

static int take_fd(struct msghdr *mh)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(mh);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len >= CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* One packet; -EAGAIN where there is none. */
static int receive(struct opener *o, struct opener_reply *ret, int *ret_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))]; /* the kernel drops what does not fit */
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = ret, .iov_len = sizeof(*ret)};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(o->data, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*ret_fd = n >= 0 ? take_fd(&mh) : -1;
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n == sizeof(*ret) && (*ret_fd >= 0) == (ret->status == 0) && ret->status <= 0)
		return 0;
	fd_close(ret_fd);
	if (n == sizeof(*ret) && mh.msg_flags & MSG_CTRUNC) {
		ret->status = -EMFILE; /* no room for it here (unix(7)) */
		o->starved++;
		return 0;
	}
	return n ? -EPROTO : -EPIPE;
}

/* Answers to requests that were given up may still come: they are dropped here. */
static int await(struct opener *o, uint64_t deadline, struct opener_reply *ret)
{
	while (wait_for(o->data, deadline)) {
		int fd, r = receive(o, ret, &fd);
		if (r == -EAGAIN)
			continue;
		if (r)
			return r;
		if (ret->seq == o->seq)
			return ret->status ? ret->status : fd;
		fd_close(&fd);
	}
	return -ETIMEDOUT;
}

static struct buf begin(struct opener *o, enum opener_op op)
{
	struct buf b = BUF_INIT(OPENER_REQUEST_MAX);

	buf_u32(&b, ++o->seq);
	buf_u32(&b, op);
	return b;
}

/* Sends what begin() began and waits: fd or -errno. */
static int finish(struct opener *o, struct buf *b, struct opener_stat *ret_stat)
{
	struct opener_reply reply = {0};
	uint64_t deadline = in_ms(OPENER_DEADLINE_MS);
	int r = b->bad ? -ENAMETOOLONG : 0;

	if (!r && send(o->data, b->data, b->len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		r = errno == EAGAIN ? -ETIMEDOUT : -errno;
	buf_free(b);
	if (!r)
		r = await(o, deadline, &reply);
	if (r == -ETIMEDOUT) {
		o->late++;
		replace_worker(o);
	}
	if (r >= 0 && ret_stat)
		*ret_stat = reply.st;
	return r;
}

/* As finish(), for a file that stays open: the lowest free number is used, so a high one tells
 * how few are left. */
static int finish_kept(struct opener *o, struct buf *b, struct opener_stat *ret_stat)
{
	int fd = finish(o, b, ret_stat);
	struct rlimit l;

	if (fd < 0 || getrlimit(RLIMIT_NOFILE, &l) || (rlim_t)fd + LEFT_TO_OTHERS < l.rlim_cur)
		return fd;
	fd_close(&fd);
	o->starved++;
	return -EMFILE;
}

int opener_mapping(struct opener *o, int pid, const int *parents, int n_parents,
		   const struct opener_mapping *m, struct opener_stat *ret_stat)
{
	struct buf b = begin(o, OPENER_MAPPING);
	int n = n_parents < 0 ? 0 : n_parents > OPENER_PARENTS_MAX ? OPENER_PARENTS_MAX : n_parents;

	buf_i32(&b, pid);
	buf_u32(&b, (uint32_t)n);
	for (int i = 0; i < n; i++)
		buf_i32(&b, parents[i]);
	buf_u64(&b, m->start);
	buf_u64(&b, m->end);
	buf_u32(&b, m->major);
	buf_u32(&b, m->minor);
	buf_u64(&b, m->inode);
	buf_str(&b, m->path ? m->path : "");
	return finish_kept(o, &b, ret_stat);
}

int opener_proc(struct opener *o, int pid, const char *name)
{
	struct buf b = begin(o, OPENER_PROC);

	buf_i32(&b, pid);
	buf_str(&b, name);
	return finish(o, &b, NULL);
}

int opener_kallsyms(struct opener *o)
{
	struct buf b = begin(o, OPENER_KALLSYMS);
	return finish(o, &b, NULL);
}

int opener_perfmap(struct opener *o, int pid, uint64_t max)
{
	struct buf b = begin(o, OPENER_PERFMAP);

	buf_i32(&b, pid);
	buf_u64(&b, max);
	return finish(o, &b, NULL);
}

static void put_id(struct buf *b, const uint8_t *id, size_t len)
{
	uint8_t n = (uint8_t)(len > OPENER_ID_MAX ? 0 : len);

	buf_u8(b, n);
	buf_put(b, id, n);
}

int opener_debug_by_id(struct opener *o, int pid, const uint8_t *id, size_t len)
{
	struct buf b = begin(o, OPENER_DEBUG_ID);

	buf_i32(&b, pid);
	put_id(&b, id, len);
	return finish_kept(o, &b, NULL);
}

int opener_debug_by_name(struct opener *o, int pid, const char *module_path, const char *name)
{
	struct buf b = begin(o, OPENER_DEBUG_NAME);

	buf_i32(&b, pid);
	buf_str(&b, module_path);
	buf_str(&b, name);
	return finish_kept(o, &b, NULL);
}

int opener_debug_alt(struct opener *o, int pid, const uint8_t *id, size_t len, const char *name)
{
	struct buf b = begin(o, OPENER_DEBUG_ALT);

	buf_i32(&b, pid);
	put_id(&b, id, len);
	buf_str(&b, name);
	return finish_kept(o, &b, NULL);
}
