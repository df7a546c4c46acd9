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

static int check_paths(char paths[][4096], int n)
{
	assert(n > 0 && n <= 4);
	for (int i = 0; i < n; i++) {
		assert(paths[i][0] == '/' && strlen(paths[i]) < 4095 && !strstr(paths[i], "/../"));
		assert(strcmp(strrchr(paths[i], '/'), "/.."));
	}
	return -ENOENT;
}

int open_debug(int pid, char paths[][4096], int n)
{
	assert(pid > 0);
	return check_paths(paths, n);
}

int open_recorded_debug(int root, char paths[][4096], int n)
{
	assert(root == STDERR_FILENO);
	return check_paths(paths, n);
}

int open_recorded(int root, const char *path)
{
	assert(root == STDERR_FILENO && path);
	return -ENOENT;
}

static void serve(const uint8_t *data, size_t size, int root)
{
	struct opener_reply reply;
	uint8_t *copy = fuzz_copy(data, size);
	int s[2];

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) == 0);
	opener_serve_one(s[0], root, copy, size);
	assert(recv(s[1], &reply, sizeof(reply), MSG_DONTWAIT) == sizeof(reply));
	assert(reply.status <= 0 && reply.status >= -4095);
	free(copy);
	fd_close(&s[0]);
	fd_close(&s[1]);
}

/* For live processes, then for a recording. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > OPENER_REQUEST_MAX)
		return 0;
	serve(data, size, -1);
	serve(data, size, STDERR_FILENO);
	return 0;
}
