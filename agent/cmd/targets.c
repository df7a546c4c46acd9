/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/targets.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/base/fd.h"

static int add_int(struct int_list *list, int v)
{
	int *slot = vec_add(list);

	if (!slot)
		return -ENOMEM;
	*slot = v;
	return 0;
}

static int add_threads(int pid, struct targets *t)
{
	char path[64];
	struct dirent *e;
	DIR *d;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	if (!d)
		return -ESRCH;
	while (!r && (e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]))
			r = add_int(&t->tids, atoi(e->d_name));
	closedir(d);
	return r;
}

/* The process that a thread belongs to ("Tgid:" of proc(5) status); -1 when there is none. */
static int process_of(int tid)
{
	char path[64], line[256];
	int pid = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	while (f && pid < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "Tgid: %d", &pid);
	if (f)
		fclose(f);
	return pid;
}

static void read_name(int pid, char *name, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, (int)size, f))
		snprintf(name, size, "?");
	name[strcspn(name, "\n")] = '\0';
	if (f)
		fclose(f);
}

static int add_target(int id, bool thread, struct targets *t)
{
	int pid = process_of(id), fd, r;

	if (pid < 0)
		return -ESRCH;
	if (pid != id)
		thread = true; /* the id of a thread where a process was asked for: as perf does */
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	if (!t->pids.len)
		read_name(pid, t->name, sizeof(t->name));
	r = add_int(&t->pidfds, fd);
	if (!r)
		r = add_int(&t->pids, pid);
	if (r)
		return r;
	return thread ? add_int(&t->tids, id) : add_threads(pid, t);
}

int targets_find(const int *ids, size_t n, bool threads, struct targets *ret, char *why,
		 size_t size)
{
	for (size_t i = 0; i < n; i++) {
		int r = add_target(ids[i], threads, ret);
		if (r == -ESRCH)
			snprintf(why, size, "there is no %s %d (pgrep -a NAME shows which there are)",
				 threads ? "thread" : "process", ids[i]);
		else if (r)
			snprintf(why, size, "%s %d: %s", threads ? "thread" : "process", ids[i],
				 strerror(-r));
		if (r)
			return r;
	}
	return 0;
}

void targets_free(struct targets *t)
{
	for (size_t i = 0; i < t->pidfds.len; i++)
		fd_close(&t->pidfds.at[i]);
	vec_free(&t->pidfds);
	vec_free(&t->pids);
	vec_free(&t->tids);
}

bool targets_gone(const struct targets *t)
{
	for (size_t i = 0; i < t->pidfds.len; i++) {
		struct pollfd p = {.fd = t->pidfds.at[i], .events = POLLIN};
		if (poll(&p, 1, 0) == 0)
			return false;
	}
	return t->pidfds.len > 0;
}

/* The kernel takes a directory of the one hierarchy that perf_event is attached to: v1's, where
 * that is in use ("perf_event  HIERARCHY …" of /proc/cgroups is not 0), else the unified one. */
static bool perf_event_is_v1(void)
{
	FILE *f = fopen("/proc/cgroups", "re");
	int hierarchy = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "perf_event %d", &hierarchy) == 1)
			break;
	if (f)
		fclose(f);
	return hierarchy != 0;
}

static int open_directory(const char *path, bool v1)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	bool right = fd >= 0 && fstatfs(fd, &fs) == 0 &&
		     fs.f_type == (v1 ? CGROUP_SUPER_MAGIC : CGROUP2_SUPER_MAGIC);

	if (!right)
		fd_close(&fd);
	return fd;
}

static int search_mounts(const char *name, bool v1, bool *ret_mounted)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	char path[4096];
	int fd = -1;

	*ret_mounted = false;
	while (f && fd < 0 && (m = getmntent(f))) {
		if (v1 ? strcmp(m->mnt_type, "cgroup") || !hasmntopt(m, "perf_event")
		       : strcmp(m->mnt_type, "cgroup2"))
			continue;
		*ret_mounted = true;
		snprintf(path, sizeof(path), "%s/%s", m->mnt_dir, name);
		fd = open_directory(path, v1);
	}
	if (f)
		endmntent(f);
	return fd;
}

int cgroup_open(const char *name, char *why, size_t size)
{
	bool v1 = perf_event_is_v1(), mounted;
	int fd = name[0] == '/' ? open_directory(name, v1) : -1;
	const char *relative = name + strspn(name, "/");

	if (fd < 0)
		fd = search_mounts(relative, v1, &mounted);
	if (fd >= 0)
		return fd;
	if (mounted)
		snprintf(why, size, "there is no control group '%s' in the %s hierarchy, which perf_event"
			 " belongs to here (find /sys/fs/cgroup -type d shows which there are)", name,
			 v1 ? "v1 perf_event" : "cgroup2");
	else if (v1)
		snprintf(why, size, "perf_event belongs to a v1 hierarchy here, which is not mounted"
			 " (mount -t cgroup -o perf_event none DIR)");
	else
		snprintf(why, size, "no cgroup2 is mounted (mount -t cgroup2 none /sys/fs/cgroup)");
	return -ENOENT;
}
