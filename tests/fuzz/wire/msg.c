/* SPDX-License-Identifier: Apache-2.0
 *
 * Framed messages as they come in from a socket, with more or fewer descriptors than they say.
 */
/* libFuzzer: -max_len=300 */
#include <sys/socket.h>

#include "agent/base/fd.h"
#include "agent/wire/msg.h"
#include "tests/fuzz/fuzz.h"

enum { PAYLOAD_MAX = 512, FDS_MAX = MSG_FDS + 2 };

static void send_with_fds(int sock, const void *bytes, size_t len, unsigned n)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)bytes, .iov_len = len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	int fds[FDS_MAX];

	for (unsigned i = 0; i < n; i++)
		fds[i] = sock;
	if (n) {
		mh.msg_control = control.bytes;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * n);
	}
	assert(sendmsg(sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	unsigned n_fds = cursor_u8(&in) % (FDS_MAX + 1);
	struct msg m;
	int s[2], r;

	if (in.bad || !cursor_left(&in) || cursor_left(&in) > 4096)
		return 0;
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
	send_with_fds(s[0], in.at, cursor_left(&in), n_fds);
	fd_close(&s[0]);
	msg_init(&m, PAYLOAD_MAX);
	do {
		r = msg_recv(s[1], &m, 2); /* a deadline that has passed */
		assert(r <= 0 && m.payload.len <= PAYLOAD_MAX);
	} while (r == 0);
	msg_free(&m);
	fd_close(&s[1]);
	return 0;
}
