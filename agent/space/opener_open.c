/* SPDX-License-Identifier: Apache-2.0
 *
 * How the worker opens files that belong to others. A name is looked up with O_PATH first: only
 * when it has proved to be a regular file is it opened for reading, so that no device is touched
 * and no FIFO waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/base/fd.h"
#include "agent/helpers/effective.h"
#include "agent/space/opener_priv.h"

/* Whether CAP_DAC_READ_SEARCH may help to read what was found. */
enum trust {
	BY_KERNEL, /* the kernel or the owner says that the target has this file */
	BY_NAME,   /* found by a name that the asker gave */
};

/* Around a step that must not use the right to read everything. */
static void read_all(bool on)
{
	if (effective_switch(CAP_DAC_READ_SEARCH, on))
		_exit(1);
}

static int look_up(int root, const char *path, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};
	long fd;
	int tries = 3;

	do { /* EAGAIN: a rename elsewhere could not be told from an escape (openat2(2)) */
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	} while (fd < 0 && errno == EAGAIN && --tries);
	return fd < 0 ? -errno : (int)fd;
}

static int root_of(int pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* O_NONBLOCK, since a lease on it (fcntl(2), F_SETLEASE) would make us wait for its holder. */
static int open_again(int found)
{
	char path[64];
	int fd, flags;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	flags = fcntl(fd, F_GETFL);
	(void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	return fd;
}

/* What the kernel makes up looks like regular files, too; reading it may say much, or wait. */
static bool is_made_up(int found)
{
	static const long made_up[] = {PROC_SUPER_MAGIC,  SYSFS_MAGIC,        DEBUGFS_MAGIC,
				       TRACEFS_MAGIC,     CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
				       SECURITYFS_MAGIC,  BPF_FS_MAGIC};
	struct statfs fs;

	if (fstatfs(found, &fs))
		return true;
	for (size_t i = 0; i < sizeof(made_up) / sizeof(made_up[0]); i++)
		if (fs.f_type == made_up[i])
			return true;
	return false;
}

static bool is_plain_file(int found, struct stat *st)
{
	return fstat(found, st) == 0 && S_ISREG(st->st_mode) && !is_made_up(found);
}

/* Turns what look_up() found (taken) into a descriptor to read from. By a name, the asker may have
 * what is a program, or readable for all; /etc/shadow is neither. */
static int read_found(int found, enum trust trust)
{
	struct stat st;
	bool lower;
	int fd;

	if (found < 0)
		return found;
	if (!is_plain_file(found, &st)) {
		fd_close(&found);
		return -EINVAL;
	}
	lower = trust == BY_NAME && !(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH | S_IROTH));
	if (lower)
		read_all(false);
	fd = open_again(found);
	if (lower)
		read_all(true);
	fd_close(&found);
	return fd;
}

enum likeness { OTHER, SAME_INODE, SAME };

/* btrfs and overlayfs show other device numbers in maps than fstat(2) does; there, at the same
 * path, an equal inode number has to do. */
static enum likeness likeness(int found, const struct opener_mapping *m)
{
	struct statfs fs;
	struct stat st;

	if (found < 0 || fstat(found, &st) || st.st_ino != m->inode)
		return OTHER;
	if (major(st.st_dev) == m->major && minor(st.st_dev) == m->minor)
		return SAME;
	if (fstatfs(found, &fs) ||
	    (fs.f_type != BTRFS_SUPER_MAGIC && fs.f_type != OVERLAYFS_SUPER_MAGIC))
		return OTHER;
	return SAME_INODE;
}

static int in_map_files(int pid, const struct opener_mapping *m)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", pid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The main binary, also when it has been deleted, when the mapping is of it. */
static int in_exe(int pid, const struct opener_mapping *m)
{
	char path[64], target[4096 + 16];
	size_t len = strlen(m->path);
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (likeness(fd, m) != OTHER)
		return fd;
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	if (n > 0 && !strncmp(target, m->path, len) && !strcmp(target + len, " (deleted)"))
		return fd;
	fd_close(&fd);
	return -ENOENT;
}

static int below(int root, const struct opener_mapping *m)
{
	int fd = root < 0 ? root : look_up(root, m->path, 0);

	fd_close(&root);
	return fd;
}

/* Below the root of another process, or our own: only the very file. */
static int below_others(const int *parents, uint32_t n, const struct opener_mapping *m)
{
	for (uint32_t i = 0; i <= n; i++) {
		int root = i < n ? root_of(parents[i])
				 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		int fd = below(root, m);
		if (likeness(fd, m) != OTHER)
			return fd;
		fd_close(&fd);
	}
	return -ENOENT;
}

int open_mapping(int pid, const int *parents, uint32_t n, const struct opener_mapping *m)
{
	int fd = in_map_files(pid, m), by_path, err;

	if (fd >= 0)
		return read_found(fd, BY_KERNEL);
	if (m->path[0] != '/')
		return fd;
	by_path = err = below(root_of(pid), m);
	if (likeness(by_path, m) == SAME)
		return read_found(by_path, BY_NAME);
	fd = in_exe(pid, m);
	if (fd < 0 && by_path >= 0)
		return read_found(by_path, BY_NAME); /* the process is alive: overlayfs, or replaced */
	fd_close(&by_path);
	if (fd >= 0)
		return read_found(fd, BY_KERNEL);
	fd = below_others(parents, n, m);
	return fd >= 0 ? read_found(fd, BY_NAME) : err < 0 && err != -ENOENT ? err : fd;
}

/* "maps", "comm", "status", "cgroup", "task/TID/comm". */
static bool proc_name_allowed(const char *name)
{
	static const char *const names[] = {"maps", "comm", "status", "cgroup"};
	size_t digits;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	if (strncmp(name, "task/", 5))
		return false;
	digits = strspn(name + 5, "0123456789");
	return digits && digits < 11 && !strcmp(name + 5 + digits, "/comm");
}

int open_proc(int pid, const char *name)
{
	char path[128];
	int fd;

	if (!proc_name_allowed(name))
		return -EPERM;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : errno == ENOENT ? -ESRCH : -errno;
}

/* The pid as the target itself sees it: the last number of NSpid (proc(5)). */
static int inner_pid(int pid)
{
	char path[64], line[512];
	int inner = pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "NSpid:", 6)) {
			const char *last = strrchr(line, '\t');
			int v = last ? atoi(last + 1) : 0;
			inner = v > 0 ? v : pid;
		}
	if (f)
		fclose(f);
	return inner;
}

static int find_perfmap(int root, int number, uid_t owner, uint64_t max)
{
	char name[64];
	struct stat st;
	int fd, r = 0;

	snprintf(name, sizeof(name), "/tmp/perf-%d.map", number);
	fd = look_up(root, name, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL;
	else if (st.st_uid != owner)
		r = -EACCES;
	else if ((uint64_t)st.st_size > max)
		r = -EFBIG;
	if (r)
		fd_close(&fd);
	return r ? r : fd;
}

int open_perfmap(int pid, uint64_t max)
{
	char path[64];
	struct stat st;
	int root, fd, inner;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	if (stat(path, &st)) /* its owner is the effective uid (proc(5)) */
		return -ESRCH;
	root = root_of(pid);
	if (root < 0)
		return root;
	inner = inner_pid(pid);
	read_all(false);
	fd = find_perfmap(root, inner, st.st_uid, max);
	if (fd == -ENOENT && inner != pid)
		fd = find_perfmap(root, pid, st.st_uid, max);
	read_all(true);
	fd_close(&root);
	/* The target's own file: it tells nobody more than the target may know, so one that it made
	 * with umask 077 is read as well. */
	return read_found(fd, BY_KERNEL);
}

static int find_debug(const int *roots, int n_roots, char paths[][4096], int n)
{
	int fd = -ENOENT;

	read_all(false);
	for (int i = 0; i < n_roots * n && fd < 0; i++) {
		int found = roots[i / n] < 0 ? -ENOENT : look_up(roots[i / n], paths[i % n], 0);
		struct stat st;
		if (found >= 0 && is_plain_file(found, &st))
			fd = open_again(found);
		fd_close(&found);
	}
	read_all(true);
	return fd;
}

int open_debug(int pid, char paths[][4096], int n)
{
	int roots[2] = {root_of(pid), open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
	int fd = find_debug(roots, 2, paths, n);

	fd_close(&roots[0]);
	fd_close(&roots[1]);
	return fd;
}

int open_recorded_debug(int root, char paths[][4096], int n)
{
	return find_debug(&root, 1, paths, n);
}

/* What a recording names is whatever its maker wrote: found by name, as anybody's. */
int open_recorded(int root, const char *path)
{
	return path[0] == '/' ? read_found(look_up(root, path, 0), BY_NAME) : -ENOENT;
}
