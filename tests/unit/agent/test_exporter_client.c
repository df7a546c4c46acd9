/* SPDX-License-Identifier: Apache-2.0
 *
 * The exporter's client: what it hands over, and helpers that die, hang and lie.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/helpers/exporter_priv.h"
#include "agent/wire/msg.h"

enum misdeed {
	HONEST, DIE_ONCE, DIE, HANG, REFUSE_OUTPUT, FAIL_OUTPUT, FAIL_ALL, WRONG_SEQ, WRONG_TYPE,
	WITH_FD, POSITIVE, CUT, MORE, WRONG_COUNT, FLIP,
	MISDEEDS
};

static struct {
	enum misdeed misdeed;
	unsigned seed, starts;
	bool sealed;
} *plan;

/* ---- the fake: writes "hello" to each output ---- */

static int outputs[EXP_OUTPUTS_MAX];
static unsigned n_outputs;

static void on_output(struct msg *m, struct buf *b)
{
	bool refuse = plan->misdeed == REFUSE_OUTPUT && !n_outputs && plan->seed++ == 0;

	buf_i32(b, refuse ? -ENOTSUP : 0);
	if (!refuse)
		outputs[n_outputs++] = fd_take(&m->fds[0]);
}

static void on_profile(struct msg *m, struct buf *b)
{
	struct buf bytes = BUF_INIT(1 << 20);
	struct profile p;

	plan->sealed = fcntl(m->fds[0], F_GET_SEALS) ==
		       (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	if (buf_read_fd(&bytes, m->fds[0]) || profile_decode(bytes.data, bytes.len, &p))
		_exit(1);
	profile_free(&p);
	buf_free(&bytes);
	for (unsigned i = 0; i < n_outputs; i++)
		(void)!write(outputs[i], "hello", 5);
	if (plan->misdeed == DIE || (plan->misdeed == DIE_ONCE && plan->starts == 1))
		_exit(1);
	if (plan->misdeed == HANG)
		sleep(60);
	if (plan->misdeed == FAIL_ALL) {
		buf_i32(b, -ENOMEM);
		return;
	}
	buf_i32(b, plan->misdeed == FAIL_OUTPUT ? -ENOSPC : 0);
	buf_u32(b, n_outputs + (plan->misdeed == WRONG_COUNT));
	for (unsigned i = 0; i < n_outputs; i++) {
		buf_i32(b, plan->misdeed == FAIL_OUTPUT && i == 1 ? -ENOSPC : 0);
		buf_u64(b, 5);
		buf_u32(b, EXP_WHOLE);
	}
	buf_u32(b, 3);
	buf_put(b, "top", 3);
}

static void reply(int sock, struct msg *m, struct buf *b)
{
	uint16_t type = m->type | EXP_REPLY;
	bool now = m->type == EXP_PROFILE;
	int fd = -1;

	if (now && plan->misdeed == WRONG_SEQ)
		m->seq--;
	if (now && plan->misdeed == WRONG_TYPE)
		type ^= 1;
	if (now && plan->misdeed == WITH_FD)
		fd = 0;
	if (now && plan->misdeed == POSITIVE)
		b->data[0] = 1;
	if (now && plan->misdeed == CUT)
		b->len--;
	if (now && plan->misdeed == MORE)
		buf_u8(b, 0);
	if (plan->misdeed == FLIP)
		b->data[plan->seed / 8 % b->len] ^= (uint8_t)(1u << plan->seed % 8);
	(void)msg_send(sock, type, m->seq, b->data, b->len, &fd, fd >= 0, 0);
}

static _Noreturn void fake(int sock)
{
	struct msg m;

	msg_init(&m, 1 << 20);
	while (msg_recv(sock, &m, 0) == 0) {
		struct buf b = BUF_INIT(1 << 20);
		if (m.n_fds != 1)
			_exit(1);
		(m.type == EXP_OUTPUT ? on_output : on_profile)(&m, &b);
		reply(sock, &m, &b);
		buf_free(&b);
	}
	_exit(0);
}

static int spawn_fake(void *arg, pid_t *ret_pid, int *ret_sock)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	plan->starts++;
	*ret_pid = fork();
	if (*ret_pid == 0) {
		close(pair[0]);
		fake(pair[1]);
	}
	close(pair[1]);
	*ret_sock = pair[0];
	return 0;
}

/* ---- the asker ---- */

static struct exporter *e;
static struct exporter_output out[3];
static struct buf report;

static int set_up(void **state)
{
	memset(plan, 0, sizeof(*plan));
	report = BUF_INIT(4096);
	for (int i = 0; i < 3; i++) {
		out[i] = (struct exporter_output){.format = EXP_HTML, .status = 55};
		out[i].fd = memfd_create("out", MFD_CLOEXEC); /* a regular file */
	}
	return exporter_prepare_by(spawn_fake, NULL, &e);
}

static int tear_down(void **state)
{
	for (int i = 0; i < 3; i++)
		fd_close(&out[i].fd);
	buf_free(&report);
	exporter_stop(&e);
	return 0;
}

static int try(unsigned seconds)
{
	struct profile p;
	int r;

	assert_int_equal(profile_init(&p), 0);
	profile_add_type(&p, "cycles", "count");
	r = exporter_write(e, &p, out, 3, &report, seconds);
	profile_free(&p);
	return r;
}

static void expect_content(int i, const char *text)
{
	char got[32] = "";

	assert_true(pread(out[i].fd, got, sizeof(got) - 1, 0) >= 0);
	assert_string_equal(got, text);
}

static void test_honest(void **state)
{
	assert_int_equal(try(10), 0);
	assert_true(plan->sealed);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(out[i].status, 0);
		assert_int_equal(out[i].written, 5);
		expect_content(i, "hello");
	}
	assert_string_equal((char *)report.data, "top");
	assert_int_equal(try(10), 0); /* again, by another process */
	assert_int_equal(plan->starts, 2);
}

/* The second try begins where the first one did, also behind what the file had before. */
static void test_dies_once(void **state)
{
	plan->misdeed = DIE_ONCE;
	assert_int_equal(write(out[1].fd, "head ", 5), 5);
	assert_int_equal(try(10), 0);
	assert_int_equal(plan->starts, 2);
	expect_content(0, "hello");
	expect_content(1, "head hello");
}

/* What a pipe has taken cannot be taken back. */
static void test_dies_at_a_pipe(void **state)
{
	char got[16] = "";
	int p[2];

	plan->misdeed = DIE_ONCE;
	assert_int_equal(pipe(p), 0);
	fd_close(&out[2].fd);
	out[2].fd = p[1];
	assert_int_equal(try(10), -EPIPE);
	assert_int_equal(plan->starts, 1);
	assert_int_equal(read(p[0], got, sizeof(got)), 5);
	assert_int_equal(out[2].status, -EPIPE);
	close(p[0]);
}

static void test_dies(void **state)
{
	plan->misdeed = DIE;
	assert_int_equal(try(10), -EPIPE);
	assert_int_equal(plan->starts, 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(out[i].status, -EPIPE);
	assert_int_equal(report.len, 0);
}

static void test_hangs(void **state)
{
	uint64_t start = clock_mono();

	plan->misdeed = HANG;
	assert_int_equal(try(1), -ETIMEDOUT);
	assert_true(clock_mono() - start < 3ull * NS_PER_S);
	assert_int_equal(out[0].status, -ETIMEDOUT);
	assert_int_equal(plan->starts, 1);
}

static void test_failures(void **state)
{
	plan->misdeed = FAIL_OUTPUT;
	assert_int_equal(try(10), -ENOSPC);
	assert_int_equal(out[0].status, 0);
	assert_int_equal(out[1].status, -ENOSPC);
	assert_int_equal(out[2].status, 0);
	assert_int_equal(out[2].written, 5);
	assert_int_equal(plan->starts, 1);

	plan->misdeed = REFUSE_OUTPUT;
	assert_int_equal(try(10), -ENOTSUP);
	assert_int_equal(out[0].status, -ENOTSUP);
	assert_int_equal(out[1].status, 0);
	assert_int_equal(out[1].written, 5);

	plan->misdeed = FAIL_ALL;
	assert_int_equal(try(10), -ENOMEM);
	assert_int_equal(out[0].status, -ENOMEM);
	assert_int_equal(out[2].status, -ENOMEM);
}

static void test_lies(void **state)
{
	for (int d = WRONG_SEQ; d < FLIP; d++) {
		plan->misdeed = d;
		plan->starts = 0;
		buf_reset(&report);
		assert_true(try(10) < 0);
		assert_int_equal(plan->starts, 2);
		assert_true(out[0].status < 0 && out[1].status < 0 && out[2].status < 0);
		assert_int_equal(report.len, 0);
	}
}

static void test_mutations(void **state)
{
	plan->misdeed = FLIP;
	for (plan->seed = 0; plan->seed < 8 * 55; plan->seed++) {
		int r = try(10);
		assert_true(r <= 0 && r > -4096);
		for (int i = 0; i < 3; i++)
			assert_true(out[i].status <= 0 && out[i].status > -4096);
	}
}

static void test_limits(void **state)
{
	struct exporter_output many[EXP_OUTPUTS_MAX + 1] = {0};
	struct profile p;

	assert_int_equal(profile_init(&p), 0);
	assert_int_equal(exporter_write(e, &p, many, EXP_OUTPUTS_MAX + 1, &report, 1), -EINVAL);
	assert_int_equal(plan->starts, 0);
	profile_free(&p);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_honest), TEST(test_dies_once), TEST(test_dies_at_a_pipe),
		TEST(test_dies),   TEST(test_hangs),     TEST(test_failures),
		TEST(test_lies),   TEST(test_mutations), TEST(test_limits),
	};

	plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
