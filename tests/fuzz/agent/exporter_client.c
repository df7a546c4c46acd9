/* SPDX-License-Identifier: Apache-2.0
 *
 * The exporter's replies to its client, from two helpers one after the other, in frames that are
 * right.
 */
#include <errno.h>
#include <sys/socket.h>

#include "agent/base/fd.h"
#include "agent/helpers/exporter_priv.h"
#include "agent/wire/msg.h"
#include "tests/fuzz/fuzz.h"

enum { OUTPUTS = 2 };

static struct cursor in;
static int far_end = -1;
static uint32_t seq;

static int spawn(void *arg, pid_t *ret_pid, int *ret_sock)
{
	static const uint16_t types[] = {EXP_OUTPUT, EXP_OUTPUT, EXP_PROFILE};
	int s[2];

	fd_close(&far_end);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
	for (int i = 0; i < OUTPUTS + 1; i++) {
		struct cursor part = fuzz_part(&in);
		assert(msg_send(s[1], types[i] | EXP_REPLY, ++seq, part.at, cursor_left(&part), NULL,
				0, 2) == 0);
	}
	shutdown(s[1], SHUT_WR);
	far_end = s[1];
	*ret_pid = -1;
	*ret_sock = s[0];
	return 0;
}

static void check(const struct exporter_output *outputs, int r)
{
	for (int i = 0; i < OUTPUTS; i++)
		assert(outputs[i].status <= 0 && outputs[i].status >= -4095);
	assert(r <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exporter_output outputs[OUTPUTS];
	struct buf report = BUF_INIT(1 << 20);
	struct exporter *e;
	struct profile p;
	int fd;

	if (size > 4096)
		return 0;
	in = cursor_over(data, size);
	seq = 0;
	fd = fuzz_file("", 0);
	for (int i = 0; i < OUTPUTS; i++)
		outputs[i] = (struct exporter_output){.format = EXP_PPROF, .fd = fd};
	assert(profile_init(&p) == 0 && exporter_prepare_by(spawn, NULL, &e) == 0);
	check(outputs, exporter_write(e, &p, outputs, OUTPUTS, &report, 5));
	assert(!report.len || report.data[report.len - 1] == '\0');
	exporter_stop(&e);
	profile_free(&p);
	buf_free(&report);
	fd_close(&far_end);
	fd_close(&fd);
	return 0;
}
