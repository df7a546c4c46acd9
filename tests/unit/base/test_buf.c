/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/buf.h"

static void test_append(void **state)
{
	struct buf b = BUF_INIT(1 << 20);

	buf_u8(&b, 1);
	buf_u16(&b, 2);
	buf_u32(&b, 3);
	buf_u64(&b, 4);
	buf_str(&b, "ab");
	assert_false(b.bad);
	assert_int_equal(b.len, 1 + 2 + 4 + 8 + 3);
	assert_memory_equal(b.data, "\1\2\0\3\0\0\0\4\0\0\0\0\0\0\0ab", b.len);
	for (int i = 0; i < 100000; i++)
		buf_u8(&b, (uint8_t)i);
	assert_false(b.bad);
	assert_int_equal(b.data[18 + 99999], (uint8_t)99999);
	buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.max, 1 << 20);
}

static void test_ceiling(void **state)
{
	struct buf b = BUF_INIT(10);

	buf_put(&b, "0123456789", 10);
	assert_false(b.bad);
	buf_put(&b, NULL, 0);
	assert_false(b.bad);
	buf_u8(&b, 1);
	assert_true(b.bad);
	assert_int_equal(b.len, 10);
	assert_null(buf_add(&b, 1));
	buf_reset(&b);
	assert_false(b.bad);
	assert_null(buf_add(&b, SIZE_MAX));
	assert_true(b.bad);
	buf_u8(&b, 1); /* latched: a later write that would fit does not hide the gap */
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void test_printf(void **state)
{
	struct buf b = BUF_INIT(1 << 16);

	buf_printf(&b, "%s %d", "x", 7);
	assert_memory_equal(b.data, "x 7", 3);
	buf_printf(&b, "%2000d", 1);
	assert_int_equal(b.len, 2003);
	assert_int_equal(b.data[2002], '1');
	buf_printf(&b, "%70000d", 1);
	assert_true(b.bad);
	buf_free(&b);
}

static int pipe_with(const char *text, size_t len)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], text, len), (ssize_t)len);
	close(p[1]);
	return p[0];
}

static void test_read_fd(void **state)
{
	struct buf b = BUF_INIT(5);
	int fd = pipe_with("hello", 5);

	assert_int_equal(buf_read_fd(&b, fd), 0);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "hello", 5);
	close(fd);
	buf_reset(&b);
	fd = pipe_with("hello!", 6);
	assert_int_equal(buf_read_fd(&b, fd), -EFBIG);
	close(fd);
	assert_int_equal(buf_read_fd(&b, fd), -EBADF);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_read_fd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
