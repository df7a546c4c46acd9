/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/wire/msg.h"

static int pair[2];
static struct msg m;

static int set_up(void **state)
{
	msg_init(&m, 1 << 20);
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
}

static int tear_down(void **state)
{
	msg_free(&m);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	return 0;
}

static uint64_t soon(int ms)
{
	return clock_mono() + (uint64_t)ms * NS_PER_MS;
}

static void test_round_trip(void **state)
{
	assert_int_equal(msg_send(pair[0], 7, 42, "hello", 5, NULL, 0, 0), 0);
	assert_int_equal(msg_send(pair[0], 8, 43, NULL, 0, NULL, 0, 0), 0);
	assert_int_equal(msg_recv(pair[1], &m, 0), 0);
	assert_int_equal(m.type, 7);
	assert_int_equal(m.seq, 42);
	assert_int_equal(m.payload.len, 5);
	assert_memory_equal(m.payload.data, "hello", 5);
	assert_int_equal(msg_recv(pair[1], &m, 0), 0);
	assert_int_equal(m.type, 8);
	assert_int_equal(m.payload.len, 0);
	assert_int_equal(msg_recv(pair[1], &m, 1), -EAGAIN);
	assert_int_equal(msg_recv(pair[1], &m, soon(20)), -ETIMEDOUT);
	fd_close(&pair[0]);
	assert_int_equal(msg_recv(pair[1], &m, 0), -EPIPE);
	assert_int_equal(msg_send(pair[1], 1, 1, "x", 1, NULL, 0, 0), -EPIPE);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_descriptors(void **state)
{
	int fds[MSG_FDS], before = count_fds(), taken;
	struct stat a, b;

	for (int i = 0; i < MSG_FDS; i++)
		fds[i] = open(i % 2 ? "/dev/null" : "/dev/zero", O_RDONLY);
	assert_int_equal(msg_send(pair[0], 1, 1, "x", 1, fds, MSG_FDS, 0), 0);
	assert_int_equal(msg_recv(pair[1], &m, 0), 0);
	assert_int_equal(m.n_fds, MSG_FDS);
	for (int i = 0; i < MSG_FDS; i++) {
		fstat(fds[i], &a);
		fstat(m.fds[i], &b);
		assert_true(a.st_rdev == b.st_rdev);
		assert_true(fcntl(m.fds[i], F_GETFD) & FD_CLOEXEC);
		close(fds[i]);
	}
	taken = fd_take(&m.fds[3]);
	msg_free(&m);
	assert_int_equal(count_fds(), before + 1);
	close(taken);
	assert_int_equal(msg_send(pair[0], 1, 1, "x", 1, fds, MSG_FDS + 1, 0), -EMSGSIZE);
}

static void *send_large(void *arg)
{
	static uint8_t bytes[1 << 20];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	*(int *)arg = msg_send(pair[0], 1, 1, bytes, sizeof(bytes), NULL, 0, soon(5000));
	return NULL;
}

/* Larger than the socket's buffer: in many parts. */
static void test_large(void **state)
{
	pthread_t thread;
	int sent = -1;

	assert_int_equal(pthread_create(&thread, NULL, send_large, &sent), 0);
	assert_int_equal(msg_recv(pair[1], &m, soon(5000)), 0);
	pthread_join(thread, NULL);
	assert_int_equal(sent, 0);
	assert_int_equal(m.payload.len, 1 << 20);
	for (size_t i = 0; i < m.payload.len; i += 997)
		assert_int_equal(m.payload.data[i], (uint8_t)(i * 7));
}

static void test_ceiling_and_stall(void **state)
{
	static uint8_t bytes[4 << 20];

	msg_free(&m);
	msg_init(&m, 16);
	assert_int_equal(msg_send(pair[0], 1, 1, bytes, 17, NULL, 0, 0), 0);
	assert_int_equal(msg_recv(pair[1], &m, 0), -EMSGSIZE);
	/* Nobody reads: the sender is not held for ever. */
	assert_int_equal(msg_send(pair[0], 1, 1, bytes, sizeof(bytes), NULL, 0, soon(30)), -ETIMEDOUT);
}

/* Headers of any content, whole and cut: an error each, never a wait, never a lost descriptor. */
static void test_malformed(void **state)
{
	uint64_t seed = 6;
	int before = count_fds();

	for (int i = 0; i < 2000; i++) {
		uint8_t bytes[16];
		size_t len = i % 4 ? 16 : (size_t)i % 16;
		int r;
		for (size_t k = 0; k < sizeof(bytes); k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			bytes[k] = (uint8_t)(seed >> 56);
		}
		assert_int_equal(write(pair[0], bytes, len), (ssize_t)len);
		fd_close(&pair[0]);
		r = msg_recv(pair[1], &m, soon(1000));
		assert_true(r == -EPROTO || r == -EPIPE);
		fd_close(&pair[1]);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	}
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_descriptors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_large, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ceiling_and_stall, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
