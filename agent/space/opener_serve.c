/* SPDX-License-Identifier: Apache-2.0
 *
 * The opener's worker: reads a request, opens, answers. Its asker holds fewer rights than it does:
 * what may be opened is in this table and in opener_open.c, whatever the asker says.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/space/opener_priv.h"

enum { PATH_SIZE = 4096 };

struct request {
	struct cursor c;
	struct opener_mapping mapping; /* what `matches` is measured by; inode 0: nothing */
	int root; /* of a recording; -1: live processes */
};

/* One component of a path, of which nothing can be made but a name. */
static bool plain(const char *name)
{
	return name && *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..") &&
	       strlen(name) < 256;
}

static int serve_mapping(struct request *q)
{
	int pid = cursor_i32(&q->c), parents[OPENER_PARENTS_MAX];
	uint32_t n = cursor_u32(&q->c);
	struct opener_mapping *m = &q->mapping;

	if (n > OPENER_PARENTS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++)
		parents[i] = cursor_i32(&q->c);
	m->start = cursor_u64(&q->c);
	m->end = cursor_u64(&q->c);
	m->major = cursor_u32(&q->c);
	m->minor = cursor_u32(&q->c);
	m->inode = cursor_u64(&q->c);
	m->path = cursor_str(&q->c);
	if (q->root >= 0)
		return q->c.bad ? -EINVAL : open_recorded(q->root, m->path);
	return q->c.bad || pid <= 0 ? -EINVAL : open_mapping(pid, parents, n, m);
}

static int serve_proc(struct request *q)
{
	int pid = cursor_i32(&q->c);
	const char *name = cursor_str(&q->c);

	if (q->root >= 0)
		return -ESRCH;
	return q->c.bad || pid <= 0 ? -EINVAL : open_proc(pid, name);
}

static int serve_kallsyms(struct request *q)
{
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int serve_perfmap(struct request *q)
{
	int pid = cursor_i32(&q->c);
	uint64_t max = cursor_u64(&q->c);

	if (q->root >= 0)
		return -ENOENT;
	return q->c.bad || pid <= 0 ? -EINVAL : open_perfmap(pid, max);
}

static int find_debug(const struct request *q, int pid, char paths[][PATH_SIZE], int n)
{
	if (q->root >= 0)
		return open_recorded_debug(q->root, paths, n);
	return pid <= 0 ? -EINVAL : open_debug(pid, paths, n);
}

/* "xx/yyyy…" of a build ID; at least 3 bytes, or the folder alone would be its name. */
static bool take_id(struct cursor *c, char *out, size_t size)
{
	uint8_t len = cursor_u8(c);
	const uint8_t *id = cursor_take(c, len);
	size_t n = 0;

	if (!id || len < 3 || len > OPENER_ID_MAX || size < 2 * (size_t)len + 2)
		return false;
	for (uint8_t i = 0; i < len; i++)
		n += (size_t)snprintf(out + n, size - n, "%02x%s", id[i], i ? "" : "/");
	return true;
}

static int serve_debug_id(struct request *q)
{
	int pid = cursor_i32(&q->c);
	char paths[2][PATH_SIZE], id[2 * OPENER_ID_MAX + 2];

	if (!take_id(&q->c, id, sizeof(id)))
		return -EINVAL;
	snprintf(paths[0], PATH_SIZE, "/usr/lib/debug/.build-id/%s.debug", id);
	snprintf(paths[1], PATH_SIZE, "/usr/lib/.build-id/%s.debug", id);
	return find_debug(q, pid, paths, 2);
}

static int serve_debug_name(struct request *q)
{
	int pid = cursor_i32(&q->c), dir;
	const char *module = cursor_str(&q->c), *name = cursor_str(&q->c), *slash;
	char paths[3][PATH_SIZE];

	if (q->c.bad || module[0] != '/' || strlen(module) > PATH_SIZE - 300 ||
	    strstr(module, "/../") || !plain(name))
		return -EINVAL;
	slash = strrchr(module, '/');
	dir = (int)(slash - module);
	snprintf(paths[0], PATH_SIZE, "%.*s/%s", dir, module, name);
	snprintf(paths[1], PATH_SIZE, "%.*s/.debug/%s", dir, module, name);
	snprintf(paths[2], PATH_SIZE, "/usr/lib/debug%.*s/%s", dir, module, name);
	return find_debug(q, pid, paths, 3);
}

static int serve_debug_alt(struct request *q)
{
	static const char *const folders[] = {"", "x86_64-linux-gnu/", "aarch64-linux-gnu/"};
	int pid = cursor_i32(&q->c), n = 0;
	char paths[4][PATH_SIZE], id[2 * OPENER_ID_MAX + 2];
	bool has_id = take_id(&q->c, id, sizeof(id));
	const char *name = cursor_str(&q->c);

	if (q->c.bad)
		return -EINVAL;
	if (has_id)
		snprintf(paths[n++], PATH_SIZE, "/usr/lib/debug/.build-id/%s.debug", id);
	for (int i = 0; i < 3 && plain(name); i++)
		snprintf(paths[n++], PATH_SIZE, "/usr/lib/debug/.dwz/%s%s", folders[i], name);
	return n ? find_debug(q, pid, paths, n) : -EINVAL;
}

static int (*const table[OPENER_OPS])(struct request *q) = {
	[OPENER_MAPPING] = serve_mapping,
	[OPENER_PROC] = serve_proc,
	[OPENER_KALLSYMS] = serve_kallsyms,
	[OPENER_PERFMAP] = serve_perfmap,
	[OPENER_DEBUG_ID] = serve_debug_id,
	[OPENER_DEBUG_NAME] = serve_debug_name,
	[OPENER_DEBUG_ALT] = serve_debug_alt,
};

static struct opener_stat describe(int fd, const struct opener_mapping *m)
{
	struct stat st;

	if (fstat(fd, &st))
		return (struct opener_stat){0};
	return (struct opener_stat){
		.dev = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.ctime_ns = st.st_ctim.tv_sec * (int64_t)NS_PER_S + st.st_ctim.tv_nsec,
		.matches = major(st.st_dev) == m->major && minor(st.st_dev) == m->minor &&
			   st.st_ino == m->inode,
	};
}

static void answer(int sock, struct opener_reply *reply, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = reply, .iov_len = sizeof(*reply)};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		mh.msg_control = control.bytes;
		mh.msg_controllen = sizeof(control.bytes);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &mh, MSG_NOSIGNAL) < 0)
		_exit(0); /* the collector is gone */
}

void opener_serve_one(int sock, int root, const void *bytes, size_t len)
{
	struct request q = {.c = cursor_over(bytes, len), .root = root};
	struct opener_reply reply;
	uint32_t op;
	int fd = -EINVAL;

	memset(&reply, 0, sizeof(reply)); /* its padding crosses too */
	reply.seq = cursor_u32(&q.c);
	op = cursor_u32(&q.c);
	if (!q.c.bad && op < OPENER_OPS)
		fd = table[op](&q);
	reply.status = fd < 0 ? fd : 0;
	if (fd >= 0)
		reply.st = describe(fd, &q.mapping);
	answer(sock, &reply, fd);
	fd_close(&fd);
}

_Noreturn void opener_serve(int data, int root, pid_t parent)
{
	static uint8_t bytes[OPENER_REQUEST_MAX];
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(0); /* it died before this could be told */
	while ((n = recv(data, bytes, sizeof(bytes), 0)) != 0)
		if (n > 0)
			opener_serve_one(data, root, bytes, (size_t)n);
		else if (errno != EINTR)
			break;
	_exit(0);
}
