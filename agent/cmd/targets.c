/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/targets.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
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

/* The kernel takes a directory of the hierarchy that perf_event is attached to: a v1 mount with
 * that controller, else the unified one. */
static int open_below(const char *mount, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", mount, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int search_mounts(const char *name, bool v1, bool *found)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	int fd = -1;

	while (f && fd < 0 && (m = getmntent(f))) {
		bool is_v1 = !strcmp(m->mnt_type, "cgroup") && hasmntopt(m, "perf_event");
		bool is_v2 = !strcmp(m->mnt_type, "cgroup2");
		if (v1 ? !is_v1 : !is_v2)
			continue;
		*found = true;
		fd = open_below(m->mnt_dir, name);
	}
	if (f)
		endmntent(f);
	return fd;
}

int cgroup_open(const char *name, char *why, size_t size)
{
	bool found = false;
	int fd = name[0] == '/' ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	while (fd < 0 && *name == '/')
		name++;
	if (fd < 0)
		fd = search_mounts(name, true, &found);
	if (fd < 0)
		fd = search_mounts(name, false, &found);
	if (fd >= 0)
		return fd;
	if (!found)
		snprintf(why, size, "no cgroup hierarchy with perf_event is mounted"
			 " (mount -t cgroup2 cgroup2 /sys/fs/cgroup)");
	else
		snprintf(why, size, "there is no control group '%s' (systemd-cgls shows them)", name);
	return -ENOENT;
}
