/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests that look at programs which they compile themselves: a scratch folder, shell commands
 * in it, and text files. Everything is deleted at the end.
 */
#ifndef TESTS_COMPILE_H
#define TESTS_COMPILE_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char scratch[] = "/tmp/pmuscope-test-XXXXXX";

static inline int scratch_make(void **state)
{
	return mkdtemp(scratch) && chdir(scratch) == 0 ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
	return chdir("/") || system(command);
}

/* Runs a command in the scratch folder, silently; its exit status is the answer. */
static inline int __attribute__((format(printf, 1, 2))) shell(const char *fmt, ...)
{
	char command[4096];
	size_t n = (size_t)snprintf(command, sizeof(command), "exec >>log 2>&1; ");
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command + n, sizeof(command) - n, fmt, ap);
	va_end(ap);
	return system(command);
}

static inline void need_tool(const char *tool)
{
	if (shell("command -v %s", tool)) {
		print_message("%s is not installed\n", tool);
		skip();
	}
}

static inline void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* The whole file, terminated; the caller frees it. */
static inline char *read_file(const char *name, size_t *ret_len)
{
	FILE *f = fopen(name, "r");
	size_t len = 0, cap = 0;
	char *s = NULL;

	assert_non_null(f);
	do {
		cap = cap ? cap * 2 : 65536;
		s = realloc(s, cap + 1);
		assert_non_null(s);
		len += fread(s + len, 1, cap - len, f);
	} while (len == cap);
	fclose(f);
	s[len] = '\0';
	if (ret_len)
		*ret_len = len;
	return s;
}

/* A file without a name, with these bytes. */
static inline int memory_file(const void *bytes, size_t len)
{
	char name[] = "mutant-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* Deterministic: the same mutations on every machine. */
static inline uint32_t dice(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

#endif
