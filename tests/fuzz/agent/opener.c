/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to the opener's worker, which holds rights that its asker does not: whatever is asked,
 * what it opens lies below the roots that it knows.
 */
#include <errno.h>
#include <sys/socket.h>

#include "agent/base/fd.h"
#include "agent/space/opener_priv.h"
#include "tests/fuzz/fuzz.h"

int open_mapping(int pid, const int *parents, uint32_t n, const struct opener_mapping *m)
{
	assert(pid > 0 && n <= OPENER_PARENTS_MAX && m->path);
	return dup(STDERR_FILENO);
}

int open_proc(int pid, const char *name)
{
	assert(pid > 0 && name);
	return -ENOENT;
}

int open_perfmap(int pid, uint64_t max)
{
	assert(pid > 0);
	return -ENOENT;
}

static void check_paths(char paths[][4096], int n)
{
	assert(n > 0 && n <= 4);
	for (int i = 0; i < n; i++) {
		assert(paths[i][0] == '/' && strlen(paths[i]) < 4095 && !strstr(paths[i], "/../"));
		assert(strcmp(strrchr(paths[i], '/'), "/.."));
	}
}

int open_debug(int pid, char paths[][4096], int n)
{
	assert(pid > 0);
	check_paths(paths, n);
	return -ENOENT;
}

int open_recorded_debug(int root, char paths[][4096], int n)
{
	check_paths(paths, n);
	return -ENOENT;
}

int open_recorded(int root, const char *path)
{
	assert(path);
	return -ENOENT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct opener_reply reply;
	uint8_t *copy;
	int s[2];

	if (size > OPENER_REQUEST_MAX)
		return 0;
	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == 0);
	copy = fuzz_copy(data, size);
	opener_serve_one(s[0], size % 2 ? STDIN_FILENO : -1, copy, size); /* a recording, or not */
	assert(recv(s[1], &reply, sizeof(reply), MSG_DONTWAIT) == sizeof(reply));
	assert(reply.status <= 0 && reply.status >= -4095);
	free(copy);
	fd_close(&s[0]);
	fd_close(&s[1]);
	return 0;
}
