/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages to the exporter, as a collector that lies would send them, profiles in their memfds
 * included; its loop ends when there are no more.
 */
/* libFuzzer: -max_len=2048 */
#include "exporters/serve.h"

#include <sys/socket.h>

#include "agent/base/fd.h"
#include "agent/wire/msg.h"
#include "tests/fuzz/fuzz.h"

enum { MESSAGES_MAX = 8, ROOM = 4096 };

static void send_one(int sock, struct cursor *in, uint32_t seq)
{
	uint8_t head = cursor_u8(in);
	struct cursor payload = fuzz_part(in), file;
	int fd = -1;

	if (head & 0x80) {
		file = fuzz_part(in);
		fd = memfd_create("file", MFD_CLOEXEC);
		assert(fd >= 0 && fd_write_all(fd, file.at, cursor_left(&file)) == 0);
	}
	assert(msg_send(sock, head & 0x7f, seq, payload.at, cursor_left(&payload), &fd, fd >= 0,
			2) == 0);
	fd_close(&fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	int s[2];

	if (size > ROOM)
		return 0;
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
	for (uint32_t i = 0; i < MESSAGES_MAX && cursor_left(&in); i++)
		send_one(s[0], &in, i);
	shutdown(s[0], SHUT_WR);
	assert(serve(s[1]) <= 0);
	fd_close(&s[0]);
	fd_close(&s[1]);
	return 0;
}
