/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/exporters/fixture.h"

#include <pthread.h>
#include <sys/socket.h>

#include "agent/wire/exp.h"
#include "agent/wire/msg.h"
#include "exporters/pprof.h"
#include "exporters/serve.h"

static int sock; /* our end */
static pthread_t server;

static void *run_server(void *arg)
{
	return (void *)(intptr_t)serve((int)(intptr_t)arg);
}

static int start(void **state)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	sock = pair[0];
	return pthread_create(&server, NULL, run_server, (void *)(intptr_t)pair[1]);
}

static int stop(void **state)
{
	void *r;

	close(sock);
	pthread_join(server, &r);
	return (int)(intptr_t)r;
}

/* Sends a request with one descriptor (or none: -1); the reply's status, its rest in `m`. */
static int ask(uint16_t type, const void *payload, size_t len, int fd, struct msg *m,
	       struct cursor *c)
{
	static uint32_t seq;

	assert_int_equal(msg_send(sock, type, ++seq, payload, len, &fd, fd >= 0, 0), 0);
	msg_init(m, 1 << 20);
	assert_int_equal(msg_recv(sock, m, 0), 0);
	assert_int_equal(m->seq, seq);
	assert_int_equal(m->type, type | EXP_REPLY);
	*c = cursor_over(m->payload.data, m->payload.len);
	return cursor_i32(c);
}

static int output(uint32_t format, int fd)
{
	uint32_t words[] = {format, 0};
	struct cursor c;
	struct msg m;
	int r = ask(EXP_OUTPUT, words, sizeof(words), fd, &m, &c);

	assert_int_equal(cursor_left(&c), 0);
	msg_free(&m);
	return r;
}

static int profile_fd(const void *bytes, size_t len)
{
	int fd = memfd_create("profile", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	return fd;
}

static int encoded_fd(struct profile *p)
{
	struct buf b = BUF_INIT(PROFILE_ENCODED_MAX);
	int fd;

	profile_encode(p, &b);
	fd = profile_fd(b.data, b.len);
	buf_free(&b);
	return fd;
}

static void each_output_stands_for_itself(void **state)
{
	int file = memfd_create("out", MFD_CLOEXEC), html = memfd_create("html", MFD_CLOEXEC);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), fd;
	struct buf b = BUF_INIT(1 << 20);
	struct pprof_fault fault;
	struct profile p, q;
	struct cursor c;
	struct msg m;
	uint32_t n;

	fixture(&p);
	fd = encoded_fd(&p);
	assert_int_equal(output(EXP_FOLDED, full), 0);
	assert_int_equal(output(EXP_PPROF, file), 0);
	assert_int_equal(output(EXP_HTML, html), 0);
	assert_int_equal(ask(EXP_PROFILE, NULL, 0, fd, &m, &c), -ENOSPC);
	assert_int_equal(cursor_u32(&c), 3);
	assert_int_equal(cursor_i32(&c), -ENOSPC);
	(void)cursor_u64(&c);
	assert_int_equal(cursor_u32(&c), 0);
	assert_int_equal(cursor_i32(&c), 0);
	assert_int_equal(cursor_u64(&c), lseek(file, 0, SEEK_END));
	assert_int_equal(cursor_u32(&c), EXP_WHOLE);
	assert_int_equal(cursor_i32(&c), 0);
	assert_int_equal(cursor_u64(&c), lseek(html, 0, SEEK_END));
	assert_int_equal(cursor_u32(&c), EXP_WHOLE);
	n = cursor_u32(&c);
	assert_int_equal(n, cursor_left(&c));
	assert_non_null(memmem(c.at, n, "top self", 8));
	lseek(file, 0, SEEK_SET);
	assert_int_equal(buf_read_fd(&b, file), 0);
	assert_int_equal(pprof_read(b.data, b.len, &q, &fault), 0);
	assert_same(&p, &q);
	msg_free(&m);
	/* They are forgotten afterwards. */
	assert_int_equal(ask(EXP_PROFILE, NULL, 0, fd, &m, &c), 0);
	assert_int_equal(cursor_u32(&c), 0);
	msg_free(&m);
	buf_free(&b);
	close(fd);
	close(file);
	close(html);
	close(full);
	profile_free(&p);
	profile_free(&q);
}

static void wrong_requests(void **state)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), fd = profile_fd("nonsense", 8);
	struct cursor c;
	struct msg m;

	assert_int_equal(output(EXP_FORMATS, null), -EINVAL);
	assert_int_equal(output(EXP_PPROF, -1), -EINVAL);
	assert_int_equal(ask(EXP_OUTPUT, "x", 1, null, &m, &c), -EINVAL);
	msg_free(&m);
	assert_int_equal(ask(EXP_PROFILE, NULL, 0, -1, &m, &c), -EINVAL);
	msg_free(&m);
	assert_int_equal(ask(EXP_PROFILE, NULL, 0, fd, &m, &c), -EBADMSG);
	assert_int_equal(cursor_left(&c), 0);
	msg_free(&m);
	assert_int_equal(ask(77, NULL, 0, -1, &m, &c), -ENOSYS);
	msg_free(&m);
	for (int i = 0; i < EXP_OUTPUTS_MAX; i++)
		assert_int_equal(output(EXP_PPROF, null), 0);
	assert_int_equal(output(EXP_PPROF, null), -E2BIG);
	close(null);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_output_stands_for_itself, start, stop),
		cmocka_unit_test_setup_teardown(wrong_requests, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
