/* SPDX-License-Identifier: Apache-2.0
 *
 * The symbolizer's replies to its client: a module's info, rows, names, a wish. The first helper
 * says what the input says, in frames that are right; each further one is dead on arrival.
 */
#include <errno.h>
#include <sys/socket.h>

#include "agent/base/fd.h"
#include "agent/helpers/symbolizer_priv.h"
#include "tests/fuzz/fuzz.h"

static struct cursor in;
static int far_end = -1;
static unsigned starts;

static int spawn(void *arg, pid_t *ret_pid, int *ret_sock)
{
	static const uint16_t types[] = {SYM_MODULE, SYM_ROWS, SYM_NAMES, SYM_DEBUG};
	int s[2];

	fd_close(&far_end);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
	for (uint32_t i = 0; !starts && i < 4; i++) {
		struct cursor part = fuzz_part(&in);
		assert(msg_send(s[1], types[i] | SYM_REPLY, i + 1, part.at, cursor_left(&part), NULL,
				0, 2) == 0);
	}
	if (starts++)
		shutdown(s[1], SHUT_RDWR);
	far_end = s[1];
	*ret_pid = -1;
	*ret_sock = s[0];
	return 0;
}

static void on_rows(void *arg, uint32_t id, uint32_t page, int status, const struct rows_page *rows)
{
	assert(id == 0 && page == 1 && (!rows || rows->head.page == 1));
}

static void on_name(void *arg, size_t i, const struct symbolizer_frame *f, unsigned n)
{
	assert(i == (*(size_t *)arg)++ && n <= SYM_FRAMES_MAX);
	for (unsigned k = 0; k < n; k++)
		assert(*f[k].name && f[k].linkage && f[k].file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct symbolizer_limits limits = {.rows_ms = 1000, .names_ms = 1000,
							.module_ms = 1000, .restarts = 2};
	static const uint64_t addresses[] = {0x1000, 0x1001, 0x1002};
	struct sym_want want = {.kind = SYM_WANT_DEBUGLINK, .name = "x"};
	struct symbolizer *s;
	struct sym_info info;
	size_t names = 0;
	uint32_t id;

	if (size > 4096)
		return 0;
	in = cursor_over(data, size);
	starts = 0;
	assert(symbolizer_start_by(spawn, NULL, &limits, &s) == 0);
	symbolizer_module(s, SYM_ELF, dup(STDERR_FILENO), &id, &info);
	assert(id == 0 && info.n_segs <= SYM_SEGS_MAX && info.n_wants <= SYM_WANTS_MAX);
	if (symbolizer_ask_rows(s, id, 1) == 0)
		symbolizer_poll(s, 1, on_rows, NULL);
	symbolizer_names(s, id, addresses, 3, on_name, &names);
	assert(names == 3);
	symbolizer_debug(s, id, &want, -1, &info);
	symbolizer_stop(&s);
	fd_close(&far_end);
	return 0;
}
