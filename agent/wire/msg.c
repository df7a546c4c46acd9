/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wire/msg.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"

struct msg_header {
	uint32_t len;
	uint16_t type;
	uint16_t n_fds;
	uint32_t seq;
	uint32_t magic;
};

enum { MSG_MAGIC = 0x706d7573 }; /* "pmus" */

void msg_init(struct msg *m, size_t max)
{
	*m = (struct msg){.payload = BUF_INIT(max > MSG_MAX ? MSG_MAX : max)};
	for (int i = 0; i < MSG_FDS; i++)
		m->fds[i] = -1;
}

void msg_free(struct msg *m)
{
	for (int i = 0; i < MSG_FDS; i++)
		fd_close(&m->fds[i]);
	buf_free(&m->payload);
}

/* Waits until `sock` is ready for `events` or the deadline passes: 0, -ETIMEDOUT, -errno. */
static int ready(int sock, short events, uint64_t deadline)
{
	struct pollfd p = {.fd = sock, .events = events};

	for (;;) {
		uint64_t now = deadline ? clock_mono() : 0;
		int64_t ns = deadline > now ? (int64_t)(deadline - now) : 0;
		int n = poll(&p, 1, !deadline ? -1 : (int)((ns + NS_PER_MS - 1) / NS_PER_MS));

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static ssize_t send_part(int sock, struct iovec iov[2], const int *fds, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * MSG_FDS)];
		struct cmsghdr align;
	} control = {0};
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = 2};

	if (n_fds) {
		struct cmsghdr *c = &control.align;
		mh.msg_control = control.bytes;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	return sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void advance(struct iovec iov[2], size_t n)
{
	for (int i = 0; i < 2; i++) {
		size_t part = n < iov[i].iov_len ? n : iov[i].iov_len;
		iov[i].iov_base = (char *)iov[i].iov_base + part;
		iov[i].iov_len -= part;
		n -= part;
	}
}

/* Header and payload in one go: the other side wakes up once. */
static int send_all(int sock, struct iovec iov[2], const int *fds, size_t n_fds, uint64_t deadline)
{
	while (iov[0].iov_len + iov[1].iov_len) {
		ssize_t n = send_part(sock, iov, fds, n_fds);
		int e = n < 0 ? errno : 0;

		if (n > 0) {
			advance(iov, (size_t)n);
			n_fds = 0; /* they rode on the first byte */
		} else if (e == EAGAIN) {
			int r = ready(sock, POLLOUT, deadline);
			if (r)
				return r;
		} else if (e != EINTR) {
			return e == ECONNRESET ? -EPIPE : -e;
		}
	}
	return 0;
}

int msg_send(int sock, uint16_t type, uint32_t seq, const void *payload, size_t len,
	     const int *fds, size_t n_fds, uint64_t deadline)
{
	struct msg_header h = {.len = (uint32_t)len, .type = type, .n_fds = (uint16_t)n_fds,
			       .seq = seq, .magic = MSG_MAGIC};
	struct iovec iov[2] = {{&h, sizeof(h)}, {(void *)payload, len}};

	if (len > MSG_MAX || n_fds > MSG_FDS)
		return -EMSGSIZE;
	return send_all(sock, iov, fds, n_fds, deadline);
}

/* Takes the descriptors that came with a part of the header; surplus ones are closed. */
static void take_fds(struct msghdr *mh, struct msg *m, size_t *got)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS
				   ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
		for (size_t i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*got < MSG_FDS)
				m->fds[(*got)++] = fd;
			else
				fd_close(&fd);
		}
	}
}

static int recv_all(int sock, uint8_t *p, size_t len, struct msg *m, size_t *got_fds,
		    uint64_t deadline)
{
	size_t done = 0;

	while (done < len) {
		union {
			char bytes[CMSG_SPACE(sizeof(int) * MSG_FDS)];
			struct cmsghdr align;
		} control;
		struct iovec iov = {.iov_base = p + done, .iov_len = len - done};
		struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
				    .msg_controllen = sizeof(control.bytes)};
		ssize_t n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		int e = n < 0 ? errno : 0, r;

		if (n > 0) {
			take_fds(&mh, m, got_fds);
			done += (size_t)n;
		} else if (n == 0 || e == ECONNRESET) {
			return -EPIPE;
		} else if (e == EAGAIN) {
			if (deadline == 1 && !done)
				return -EAGAIN;
			r = ready(sock, POLLIN, deadline == 1 ? 0 : deadline);
			if (r)
				return r;
		} else if (e != EINTR) {
			return -e;
		}
	}
	return 0;
}

int msg_recv(int sock, struct msg *m, uint64_t deadline)
{
	struct msg_header h;
	size_t got = 0;
	uint8_t *p;
	int r;

	for (int i = 0; i < MSG_FDS; i++)
		fd_close(&m->fds[i]);
	buf_reset(&m->payload);
	r = recv_all(sock, (uint8_t *)&h, sizeof(h), m, &got, deadline);
	if (r)
		return r;
	if (h.magic != MSG_MAGIC || h.n_fds != got)
		return -EPROTO;
	m->type = h.type;
	m->n_fds = h.n_fds;
	m->seq = h.seq;
	if (h.len > m->payload.max)
		return -EMSGSIZE;
	p = h.len ? buf_add(&m->payload, h.len) : NULL;
	if (h.len && !p)
		return -ENOMEM;
	return recv_all(sock, p, h.len, m, &got, deadline == 1 ? 0 : deadline);
}
