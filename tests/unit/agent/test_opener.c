/* SPDX-License-Identifier: Apache-2.0
 *
 * The opener: what it hands over and what it refuses, its deadline, its rights seen from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/space/opener_priv.h"

enum { ALICE = 4711, BOB = 4712 };

static struct opener *o;
static char folder[64];

/* As `record` does: under root, not as root. */
static int set_up(void **state)
{
	uid_t id = geteuid() ? geteuid() : ALICE;
	gid_t group = geteuid() ? getegid() : ALICE;

	strcpy(folder, "/tmp/pmuscope-opener-XXXXXX");
	if (!mkdtemp(folder) || chmod(folder, 0755))
		return -1;
	return opener_start(id, group, &o);
}

static int tear_down(void **state)
{
	char command[128];

	opener_stop(&o);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void need_root(void)
{
	if (geteuid())
		skip();
}

static void expect_fd(int fd)
{
	if (fd < 0)
		fail_msg("%s", strerror(-fd));
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
}

/* ---- targets ---- */

/* The executable mapping of `pid` whose path ends in `end`. */
static struct opener_mapping mapping_of(pid_t pid, const char *end)
{
	static char path[4096];
	struct opener_mapping m = {.path = path};
	char file[64], line[4400], perms[8];
	unsigned long long start, stop, inode;
	unsigned a, b;
	FILE *f;

	snprintf(file, sizeof(file), "/proc/%d/maps", pid);
	f = fopen(file, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *deleted;
		path[0] = '\0';
		if (sscanf(line, "%llx-%llx %7s %*x %x:%x %llu %4095[^\n]", &start, &stop, perms, &a,
			   &b, &inode, path) < 7 || perms[2] != 'x')
			continue;
		deleted = strstr(path, " (deleted)");
		if (deleted)
			*deleted = '\0';
		if (strlen(path) < strlen(end) || strcmp(path + strlen(path) - strlen(end), end))
			continue;
		m.start = start, m.end = stop, m.major = a, m.minor = b, m.inode = inode;
		break;
	}
	fclose(f);
	assert_true(m.inode);
	return m;
}

/* Runs `program` (its arguments: 60) as ALICE under root; the caller kills it. */
static pid_t run(const char *program, int (*before)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (before && before())
			_exit(1);
		if (geteuid() == 0 && (setresgid(ALICE, ALICE, ALICE) ||
				       setresuid(ALICE, ALICE, ALICE)))
			_exit(1);
		execl(program, program, "60", NULL);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0); /* closed by the exec */
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void copy(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
}

/* ---- mappings ---- */

static void test_own_mapping(void **state)
{
	struct opener_mapping m = mapping_of(getpid(), "/test_opener");
	struct opener_stat st = {0};
	struct stat self;

	expect_fd(opener_mapping(o, getpid(), NULL, 0, &m, &st));
	assert_int_equal(stat("/proc/self/exe", &self), 0);
	assert_int_equal(st.inode, self.st_ino);
	assert_int_equal(st.dev, self.st_dev);
	assert_int_equal(st.size, self.st_size);
	assert_int_equal(st.ctime_ns, self.st_ctim.tv_sec * (int64_t)NS_PER_S + self.st_ctim.tv_nsec);
	m = mapping_of(getpid(), "/libc.so.6");
	expect_fd(opener_mapping(o, getpid(), NULL, 0, &m, &st));
	assert_true(st.matches);
}

static void replaced(bool deleted)
{
	char path[128];
	struct opener_mapping m;
	struct opener_stat st = {0};
	pid_t pid;

	snprintf(path, sizeof(path), "%s/program", folder);
	copy("/bin/sleep", path);
	pid = run(path, NULL);
	m = mapping_of(pid, "/program");
	assert_int_equal(unlink(path), 0);
	if (!deleted)
		copy("/bin/true", path);
	expect_fd(opener_mapping(o, pid, NULL, 0, &m, &st));
	assert_int_equal(st.inode, m.inode); /* the one that is mapped, not the new one */
	/* The mapping has been split or unmapped since: by /proc/PID/exe. */
	m.start += 4096;
	expect_fd(opener_mapping(o, pid, NULL, 0, &m, &st));
	assert_int_equal(st.inode, m.inode);
	end(pid);
	assert_true(opener_mapping(o, pid, NULL, 0, &m, &st) < 0);
}

static void test_deleted_binary(void **state)
{
	replaced(true);
}

static void test_replaced_binary(void **state)
{
	replaced(false);
}

/* A process that is gone: its file is still there, by its identity. */
static void test_dead_process(void **state)
{
	struct opener_mapping m = mapping_of(getpid(), "/libc.so.6");
	struct opener_stat st = {0};
	pid_t pid = run("/bin/sleep", NULL);

	end(pid);
	expect_fd(opener_mapping(o, pid, NULL, 0, &m, &st));
	assert_true(st.matches);
	m.inode++;
	assert_int_equal(opener_mapping(o, pid, NULL, 0, &m, &st), -ENOENT);
	m.inode--;
	m.minor++;
	assert_int_equal(opener_mapping(o, pid, NULL, 0, &m, &st), -ENOENT);
}

static int own_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/mnt", "tmpfs", 0, "mode=755"))
		return -1;
	return system("cp /bin/sleep /mnt/program");
}

static void test_mount_namespace(void **state)
{
	struct opener_mapping m, lost;
	struct opener_stat st = {0};
	pid_t pid, dead;

	need_root();
	pid = run("/bin/sleep", own_mounts);
	dead = run("/bin/sleep", NULL);
	end(dead);
	m = mapping_of(pid, "/sleep");
	expect_fd(opener_mapping(o, pid, NULL, 0, &m, &st));
	/* A child of it has mapped /mnt/program and died: found below its parent's root only. */
	lost = (struct opener_mapping){.start = 0x1000, .end = 0x2000, .path = "/mnt/program"};
	struct stat inside;
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/root/mnt/program", pid);
	assert_int_equal(stat(path, &inside), 0);
	lost.major = (uint32_t)(inside.st_dev >> 8) & 0xfff;
	lost.minor = (uint32_t)inside.st_dev & 0xff;
	lost.inode = inside.st_ino;
	assert_int_equal(opener_mapping(o, dead, NULL, 0, &lost, &st), -ENOENT);
	expect_fd(opener_mapping(o, dead, &pid, 1, &lost, &st));
	assert_true(st.matches);
	lost.inode += 1000;
	assert_int_equal(opener_mapping(o, dead, &pid, 1, &lost, &st), -ENOENT);
	/* Alive, it may be overlayfs: handed over, and said to be another. */
	expect_fd(opener_mapping(o, pid, NULL, 0, &lost, &st));
	assert_false(st.matches);
	end(pid);
}

/* No name makes it read what is secret, or touch what is no file. */
static void test_refused_names(void **state)
{
	static const char *const names[] = {"/etc/shadow", "/../../etc/shadow", "/dev/zero", "/etc",
					    "/proc/self/mem", "/proc/self/exe", "/proc/version",
					    "/sys/kernel/mm/hugepages", "", "libc.so.6"};
	struct opener_mapping m = {.start = 0x1000, .end = 0x2000};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd;
		m.path = names[i];
		fd = opener_mapping(o, getpid(), NULL, 0, &m, NULL);
		if (fd >= 0)
			fail_msg("opened %s", names[i]);
	}
	assert_int_equal(opener_mapping(o, 0, NULL, 0, &m, NULL), -EINVAL);
	assert_int_equal(opener_mapping(o, -1, NULL, 0, &m, NULL), -EINVAL);
}

/* ---- /proc ---- */

static void test_proc(void **state)
{
	static const char *const bad[] = {"mem", "environ", "task", "task/", "task/1", "task/x/comm",
					  "task/1/mem", "task/1/../comm", "../1/maps", "maps/", "",
					  "task/12345678901/comm", "root/etc/passwd"};
	pid_t pid = run("/bin/sleep", NULL);
	char task[64], got[16] = "";
	int fd;

	snprintf(task, sizeof(task), "task/%d/comm", pid);
	expect_fd(opener_proc(o, pid, "maps"));
	expect_fd(opener_proc(o, pid, "status"));
	expect_fd(opener_proc(o, pid, "cgroup"));
	expect_fd(opener_proc(o, pid, task));
	fd = opener_proc(o, pid, "comm");
	assert_int_equal(read(fd, got, sizeof(got)), 6);
	assert_memory_equal(got, "sleep\n", 6);
	close(fd);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(opener_proc(o, pid, bad[i]), -EPERM);
	end(pid);
	assert_int_equal(opener_proc(o, pid, "maps"), -ESRCH);
}

static void test_kallsyms(void **state)
{
	char line[256] = "";
	int fd = opener_kallsyms(o);
	FILE *f;

	if (fd == -ENOENT)
		skip();
	assert_true(fd >= 0);
	f = fdopen(fd, "r");
	assert_non_null(fgets(line, sizeof(line), f));
	while (geteuid() == 0 && strtoull(line, NULL, 16) == 0 && fgets(line, sizeof(line), f))
		; /* per-CPU symbols come first, at 0 */
	assert_true(geteuid() || strtoull(line, NULL, 16) != 0);
	fclose(f);
}

/* ---- perf maps ---- */

static void owned(const char *path, uid_t uid)
{
	if (geteuid() == 0)
		assert_int_equal(lchown(path, uid, uid), 0);
}

static void test_perfmap(void **state)
{
	pid_t pid = run("/bin/sleep", NULL);
	char path[64], precious[128];
	int fd;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", pid);
	unlink(path);
	assert_int_equal(opener_perfmap(o, pid, 1000), -ENOENT);

	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600); /* its owner's umask may be 077 */
	assert_int_equal(write(fd, "1000 10 f\n", 10), 10);
	owned(path, ALICE);
	expect_fd(opener_perfmap(o, pid, 10));
	assert_int_equal(opener_perfmap(o, pid, 9), -EFBIG);
	assert_int_equal(ftruncate(fd, 2ll << 30), 0);
	assert_int_equal(opener_perfmap(o, pid, 64 << 20), -EFBIG);
	assert_int_equal(ftruncate(fd, 10), 0);
	close(fd);
	if (geteuid() == 0) {
		owned(path, BOB);
		assert_int_equal(opener_perfmap(o, pid, 1000), -EACCES);
		owned(path, 0);
		assert_int_equal(opener_perfmap(o, pid, 1000), -EACCES);
	}
	unlink(path);

	assert_int_equal(mkfifo(path, 0666), 0);
	owned(path, ALICE);
	assert_int_equal(opener_perfmap(o, pid, 1000), -EINVAL); /* at once: nobody writes */
	unlink(path);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(opener_perfmap(o, pid, 100000), -EINVAL);
	rmdir(path);
	snprintf(precious, sizeof(precious), "%s/precious", folder);
	close(open(precious, O_CREAT | O_WRONLY, 0644));
	owned(precious, ALICE);
	assert_int_equal(symlink(precious, path), 0);
	owned(path, ALICE);
	assert_int_equal(opener_perfmap(o, pid, 1000), -ELOOP);
	unlink(path);
	end(pid);
	assert_int_equal(opener_perfmap(o, pid, 1000), -ESRCH);
}

/* The pid in the name is the one that the target knows; so is its /tmp. The pid as seen
 * from outside goes to `report`. */
static _Noreturn void in_pid_namespace(int report)
{
	pid_t inner;
	char byte;
	int go[2];

	if (pipe(go) || unshare(CLONE_NEWNS | CLONE_NEWPID) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/tmp", "tmpfs", 0, NULL))
		_exit(1);
	inner = fork(); /* pid 1 inside */
	if (inner == 0) {
		int fd = open("/tmp/perf-1.map", O_WRONLY | O_CREAT, 0600);
		(void)!write(fd, "1000 10 f\n", 10);
		(void)!write(go[1], "", 1);
		pause();
		_exit(0);
	}
	if (read(go[0], &byte, 1) == 1)
		(void)!write(report, &inner, sizeof(inner));
	close(report);
	waitpid(inner, NULL, 0);
	_exit(0);
}

static void test_perfmap_in_namespaces(void **state)
{
	int report[2];
	pid_t outer, inner = 0;

	need_root();
	assert_int_equal(pipe(report), 0);
	outer = fork();
	if (outer == 0)
		in_pid_namespace(report[1]);
	close(report[1]);
	if (read(report[0], &inner, sizeof(inner)) != sizeof(inner))
		skip();
	expect_fd(opener_perfmap(o, inner, 1000));
	kill(inner, SIGKILL);
	waitpid(outer, NULL, 0);
	close(report[0]);
}

/* ---- debug files ---- */

static int own_debug_files(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    (mkdir("/usr/lib/debug", 0755) && errno != EEXIST) ||
	    mount("none", "/usr/lib/debug", "tmpfs", 0, "mode=755"))
		return -1;
	return system("cd /usr/lib/debug && mkdir -p .build-id/ab .build-id/cd .dwz/x86_64-linux-gnu"
		      " usr/bin && touch real secret usr/bin/tool.debug .dwz/one.debug &&"
		      " touch .dwz/x86_64-linux-gnu/two.debug && chmod 600 secret &&"
		      " ln -s ../../real .build-id/ab/cdef01.debug &&"
		      " ln -s /usr/lib/debug/secret .build-id/ab/cdef02.debug &&"
		      " ln -s ../../../../../../../../etc/hostname .build-id/ab/cdef03.debug &&"
		      " ln -s /proc/self/exe .build-id/ab/cdef04.debug &&"
		      " mkfifo .build-id/ab/cdef05.debug usr/bin/fifo.debug");
}

static void test_debug_files(void **state)
{
	uint8_t id[4] = {0xab, 0xcd, 0xef, 0x01};
	pid_t pid;

	need_root();
	pid = run("/bin/sleep", own_debug_files);
	expect_fd(opener_debug_by_id(o, pid, id, 4));
	/* What it supplies serves it alone. */
	assert_int_equal(opener_debug_by_id(o, getpid(), id, 4), -ENOENT);
	id[3] = 2; /* readable by root only: DAC_READ_SEARCH is not used */
	assert_true(opener_debug_by_id(o, pid, id, 4) < 0);
	id[3] = 4;
	assert_true(opener_debug_by_id(o, pid, id, 4) < 0);
	id[3] = 5;
	assert_true(opener_debug_by_id(o, pid, id, 4) < 0);
	assert_int_equal(opener_debug_by_id(o, pid, id, 2), -EINVAL);
	assert_int_equal(opener_debug_by_id(o, pid, id, 100), -EINVAL);

	expect_fd(opener_debug_by_name(o, pid, "/usr/bin/tool", "tool.debug"));
	assert_int_equal(opener_debug_by_name(o, getpid(), "/usr/bin/tool", "tool.debug"), -ENOENT);
	assert_true(opener_debug_by_name(o, pid, "/usr/bin/tool", "fifo.debug") < 0);
	expect_fd(opener_debug_alt(o, pid, NULL, 0, "one.debug"));
	expect_fd(opener_debug_alt(o, pid, id, 4, "two.debug"));
	assert_int_equal(opener_debug_alt(o, pid, NULL, 0, ""), -EINVAL);
	end(pid);
}

static void test_debug_names_refused(void **state)
{
	static const char *const bad[] = {"", ".", "..", "../shadow", "/etc/shadow", "a/b"};
	uint8_t id[3] = {1, 2, 3};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(opener_debug_by_name(o, getpid(), "/etc/x", bad[i]), -EINVAL);
	assert_int_equal(opener_debug_by_name(o, getpid(), "x", "y"), -EINVAL);
	assert_int_equal(opener_debug_by_name(o, getpid(), "/a/../etc/x", "y"), -EINVAL);
	assert_true(opener_debug_by_name(o, getpid(), "/etc/x", "shadow") < 0);
	assert_int_equal(opener_debug_alt(o, getpid(), id, 3, "../x"), -ENOENT);
}

/* ---- its processes ---- */

/* The youngest child; a killed one may take a while to vanish. */
static pid_t worker(void)
{
	char path[64];
	int pid = 0, next;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", opener_supervisor(o),
		 opener_supervisor(o));
	f = fopen(path, "re");
	assert_non_null(f);
	while (fscanf(f, "%d", &next) == 1)
		pid = next;
	fclose(f);
	return pid;
}

static void expect_status(pid_t pid, const char *line)
{
	char path[64], got[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(got, sizeof(got), f)) {
		got[strcspn(got, "\n")] = '\0';
		if (!strcmp(got, line)) {
			fclose(f);
			return;
		}
	}
	fclose(f);
	fail_msg("no line '%s' in %s", line, path);
}

static void test_rights(void **state)
{
	pid_t pids[2] = {opener_supervisor(o), worker()};
	/* DAC_READ_SEARCH 2, SYS_PTRACE 19, SYSLOG 34, CHECKPOINT_RESTORE 40: linux/capability.h */
	const char *set = geteuid() ? "0000000000000000" : "0000010400080004";
	char line[64];

	opener_perfmap(o, getpid(), 1000); /* lowers and raises */
	for (int i = 0; i < 2; i++) {
		expect_status(pids[i], "Name:\tpmuscope-open");
		expect_status(pids[i], "NoNewPrivs:\t1");
		snprintf(line, sizeof(line), "CapPrm:\t%s", set);
		expect_status(pids[i], line);
		snprintf(line, sizeof(line), "CapEff:\t%s", set);
		expect_status(pids[i], line);
		expect_status(pids[i], "CapInh:\t0000000000000000");
		expect_status(pids[i], "CapAmb:\t0000000000000000");
		if (geteuid() == 0) {
			expect_status(pids[i], "CapBnd:\t0000000000000000");
			expect_status(pids[i], "Uid:\t4711\t4711\t4711\t4711");
			expect_status(pids[i], "Gid:\t4711\t4711\t4711\t4711");
			expect_status(pids[i], "Groups:\t ");
		}
	}
}

/* A worker that hangs, here: stopped. The next request meets a new one, and never the old one's
 * late answer. */
static void test_deadline(void **state)
{
	for (int i = 0; i < 20; i++) {
		pid_t stuck = worker();
		uint64_t start;
		char got[64] = "";
		int fd;

		kill(stuck, SIGSTOP);
		start = clock_mono();
		assert_int_equal(opener_proc(o, getpid(), "maps"), -ETIMEDOUT);
		assert_true(clock_mono() - start >= 240ull * NS_PER_MS);
		assert_true(clock_mono() - start < 800ull * NS_PER_MS);
		fd = opener_proc(o, getpid(), "comm");
		assert_true(fd >= 0);
		assert_true(read(fd, got, sizeof(got)) > 0);
		assert_string_equal(got, "test_opener\n");
		close(fd);
		assert_int_not_equal(worker(), stuck);
	}
}

static void test_worker_dies(void **state)
{
	for (int i = 0; i < 5; i++) {
		pid_t old = worker();
		int fd = -1;

		kill(old, SIGKILL);
		for (int k = 0; k < 3 && fd < 0; k++)
			fd = opener_proc(o, getpid(), "comm");
		expect_fd(fd);
	}
}

/* Ended; whether its new parent reaps it is not our matter. */
static bool ended(pid_t pid)
{
	char path[64], state = 'Z';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	if (f)
		fclose(f);
	return state == 'Z' || state == 'X';
}

static bool gone(pid_t pid)
{
	for (int i = 0; i < 200 && !ended(pid); i++)
		usleep(10000);
	return ended(pid);
}

static void test_supervisor_dies(void **state)
{
	pid_t old = worker();

	kill(opener_supervisor(o), SIGKILL);
	assert_true(gone(old));
	for (int i = 0; i < 10; i++)
		assert_true(opener_proc(o, getpid(), "comm") < 0);
}

static void test_stop(void **state)
{
	pid_t a = opener_supervisor(o), b = worker();

	kill(a, SIGINT);
	kill(b, SIGTERM); /* both of the terminal, not for them */
	expect_fd(opener_proc(o, getpid(), "comm"));
	kill(b, SIGSTOP); /* a hanging one does not hold us up */
	opener_stop(&o);
	assert_null(o);
	assert_true(gone(a) && gone(b));
}

static void test_we_die(void **state)
{
	int report[2];
	pid_t pids[2] = {0, 0}, pid;

	assert_int_equal(pipe(report), 0);
	pid = fork();
	if (pid == 0) {
		opener_stop(&o);
		if (set_up(NULL) == 0) {
			pids[0] = opener_supervisor(o);
			pids[1] = worker();
			rmdir(folder);
			(void)!write(report[1], pids, sizeof(pids));
		}
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(read(report[0], pids, sizeof(pids)), sizeof(pids));
	assert_true(pids[0] > 0 && pids[1] > 0);
	assert_true(gone(pids[0]) && gone(pids[1]));
	close(report[0]);
	close(report[1]);
}

/* ---- hostile requests ---- */

static struct buf request(unsigned kind)
{
	struct buf b = BUF_INIT(OPENER_REQUEST_MAX);

	buf_u32(&b, 1);
	buf_u32(&b, kind);
	buf_i32(&b, getpid());
	if (kind == OPENER_MAPPING) {
		buf_u32(&b, 1);
		buf_i32(&b, 1);
		for (int i = 0; i < 4; i++)
			buf_u64(&b, 0x1000);
		buf_str(&b, "/usr/bin/env");
	} else if (kind == OPENER_PERFMAP) {
		buf_u64(&b, 1000);
	} else if (kind == OPENER_DEBUG_ID || kind == OPENER_DEBUG_ALT) {
		buf_u8(&b, 4);
		buf_u32(&b, 0x01020304);
		buf_str(&b, "x.debug");
	} else {
		buf_str(&b, kind == OPENER_PROC ? "maps" : "/usr/bin/env");
		buf_str(&b, "x.debug");
	}
	return b;
}

static void test_mutations(void **state)
{
	uint32_t random = 1;
	int pair[2], status;
	pid_t pid, self;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	self = getpid();
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		opener_serve(pair[1], -1, self);
	}
	close(pair[1]);
	for (unsigned i = 0; i < 4000; i++) {
		struct buf b = request(i % OPENER_OPS);
		struct opener_reply reply;
		random = random * 1664525u + 1013904223u;
		if (i % 3 == 0)
			b.len = 1 + (random >> 8) % b.len;
		else /* the pid stays, so that no other process is looked at */
			b.data[12 + (random >> 8) % (b.len - 12)] ^= (uint8_t)(1u << (random >> 29));
		assert_true(send(pair[0], b.data, b.len, MSG_NOSIGNAL) > 0);
		/* plain read(2): a descriptor that came along is dropped by the kernel */
		assert_int_equal(read(pair[0], &reply, sizeof(reply)), sizeof(reply));
		assert_true(reply.status <= 0 && reply.status > -4096);
		buf_free(&b);
	}
	close(pair[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own_mapping),
		TEST(test_deleted_binary),
		TEST(test_replaced_binary),
		TEST(test_dead_process),
		TEST(test_mount_namespace),
		TEST(test_refused_names),
		TEST(test_proc),
		TEST(test_kallsyms),
		TEST(test_perfmap),
		TEST(test_perfmap_in_namespaces),
		TEST(test_debug_files),
		TEST(test_debug_names_refused),
		TEST(test_rights),
		TEST(test_deadline),
		TEST(test_worker_dies),
		TEST(test_supervisor_dies),
		TEST(test_stop),
		TEST(test_we_die),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
