/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to the symbolizer in any order, with files of the input's: what its loop does with each
 * message. The process' own file is a part of this one, since it has no header.
 */
/* libFuzzer: -max_len=4096 */
int symbolizer_main(void);
#define main symbolizer_main
#include "symbolizer/main.c" /* NOLINT */
#undef main

#include "tests/fuzz/fuzz.h"

enum { REQUESTS_MAX_N = 16 };

static int file_of(struct cursor part)
{
	int fd = memfd_create("module", MFD_CLOEXEC);

	assert(fd >= 0 && fd_write_all(fd, part.at, cursor_left(&part)) == 0);
	return fd;
}

static void one(struct modules *ms, struct cursor *in, struct buf *out)
{
	struct msg m;
	struct cursor part;
	uint8_t head = cursor_u8(in);

	msg_init(&m, REQUEST_MAX);
	m.type = head & 7;
	part = fuzz_part(in);
	buf_put(&m.payload, part.at, cursor_left(&part));
	if (head & 8) {
		m.fds[0] = file_of(fuzz_part(in));
		m.n_fds = 1;
	}
	buf_reset(out);
	buf_i32(out, 0);
	assert(dispatch(ms, &m, out) <= 0);
	msg_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	struct buf out = BUF_INIT(SYM_REPLY_MAX);
	struct modules *ms;

	assert(modules_new(&ms) == 0);
	for (int i = 0; i < REQUESTS_MAX_N && cursor_left(&in); i++)
		one(ms, &in, &out);
	modules_free(&ms);
	buf_free(&out);
	return 0;
}
