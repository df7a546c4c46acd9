/* SPDX-License-Identifier: Apache-2.0
 *
 * Output files: found unwritable before anything runs, made as the caller, never half there; and
 * the child that keeps the caller's identity, seen from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/base/fd.h"
#include "agent/cmd/output.h"

enum { ALICE = 4711 };

static char folder[64], why[1024];

static int set_up(void **state)
{
	strcpy(folder, "/tmp/pmuscope-output-XXXXXX");
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	why[0] = '\0';
	return mkdtemp(folder) ? chmod(folder, 0755) : -1;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct output at(const char *name)
{
	struct output o = {.format = EXP_PPROF};

	snprintf(o.path, sizeof(o.path), "%s/%s", folder, name);
	return o;
}

static void put(const char *name, const char *text)
{
	struct output o = at(name);
	int fd = open(o.path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void expect_text(const char *name, const char *text)
{
	struct output o = at(name);
	char got[64] = "";
	int fd = open(o.path, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	assert_string_equal(got, text);
	close(fd);
}

static int files(void)
{
	DIR *d = opendir(folder);
	int n = -2;

	for (; readdir(d); n++)
		;
	closedir(d);
	return n;
}

static int open_error(const char *name)
{
	struct output o = at(name);
	int before = files(), r = outputs_open(&o, 1, why, sizeof(why));

	assert_int_equal(files(), before);
	assert_int_equal(o.fd, -1);
	return r;
}

static void record(const char *name, const char *text, int expected)
{
	struct output o = at(name);
	struct caller *c;

	if (outputs_open(&o, 1, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(caller_start(&o, 1, 0, &c), 0);
	assert_int_equal(fd_write_all(o.fd, text, strlen(text)), 0);
	assert_int_equal(caller_commit(c, 0), expected);
	caller_stop(&c);
	fd_close(&o.fd);
	fd_close(&o.dir);
}

static void test_formats(void **state)
{
	enum exp_format f;

	assert_int_equal(output_format("a.pb.gz", &f, why, sizeof(why)), 0);
	assert_int_equal(f, EXP_PPROF);
	assert_int_equal(output_format("d/a.html", &f, why, sizeof(why)), 0);
	assert_int_equal(f, EXP_HTML);
	assert_int_equal(output_format("a.folded", &f, why, sizeof(why)), 0);
	assert_int_equal(f, EXP_FOLDED);
	assert_int_equal(output_format("-", &f, why, sizeof(why)), 0);
	assert_int_equal(output_format("/dev/null", &f, why, sizeof(why)), 0);
	assert_int_equal(output_format("a.svg", &f, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, ".folded"));
	assert_int_equal(output_format(".html", &f, why, sizeof(why)), -EINVAL);
}

static void test_rename(void **state)
{
	struct stat st;
	struct output o = at("p.pb.gz");

	umask(027);
	record("p.pb.gz", "one", 0);
	assert_int_equal(files(), 1);
	assert_int_equal(stat(o.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	umask(022);
	record("p.pb.gz", "two", 0);
	assert_int_equal(files(), 2);
	expect_text("p.pb.gz", "two");
	expect_text("p.pb.gz.old", "one");
	record("p.pb.gz", "three", 0);
	expect_text("p.pb.gz.old", "two");
}

static void test_nothing_left(void **state)
{
	struct output o[2] = {at("a.pb.gz"), at("b.pb.gz")};
	struct caller *c;

	put("a.pb.gz", "older");
	assert_int_equal(outputs_open(o, 2, why, sizeof(why)), 0);
	assert_int_equal(files(), 3);
	outputs_drop(o, 2);
	assert_int_equal(files(), 1);

	assert_int_equal(outputs_open(o, 2, why, sizeof(why)), 0);
	assert_int_equal(caller_start(o, 2, 0, &c), 0);
	assert_int_equal(caller_discard(c, 0), 0);
	assert_int_equal(files(), 2);
	assert_int_equal(caller_discard(c, 0), -EINVAL);
	assert_int_equal(caller_commit(c, 0), -EINVAL);
	assert_int_equal(caller_commit(c, 2), -EINVAL);
	assert_int_equal(caller_commit(c, 0xffffffffu), -EINVAL);
	caller_stop(&c);
	assert_int_equal(files(), 1);
	expect_text("a.pb.gz", "older");
}

/* Killed in mid-recording, we leave no temporary file behind. */
static void test_we_die(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct output o = at("p.pb.gz");
		struct caller *c;
		if (outputs_open(&o, 1, why, sizeof(why)) || caller_start(&o, 1, 0, &c))
			_exit(1);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 200 && files(); i++)
		usleep(10000);
	assert_int_equal(files(), 0);
}

static void test_errors(void **state)
{
	struct output twice[2] = {at("x.pb.gz"), at("./x.pb.gz")};
	char name[300], sub[128];

	assert_int_equal(open_error("no/such/x.pb.gz"), -ENOENT);
	assert_non_null(strstr(why, "mkdir -p"));
	put("file", "");
	assert_int_equal(open_error("file/x.pb.gz"), -ENOTDIR);
	assert_non_null(strstr(why, "is not a folder"));
	snprintf(sub, sizeof(sub), "%s/dir.pb.gz", folder);
	mkdir(sub, 0755);
	assert_int_equal(open_error("dir.pb.gz"), -EISDIR);
	assert_non_null(strstr(why, "dir.pb.gz/profile.pb.gz"));
	assert_int_equal(open_error(""), -EISDIR);
	assert_int_equal(open_error("."), -EISDIR);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_int_equal(open_error(name), -ENAMETOOLONG);
	assert_int_equal(outputs_open(twice, 2, why, sizeof(why)), -EEXIST);
	assert_int_equal(files(), 2);
	name[255] = '\0'; /* the longest there is, and its temporary name too */
	record(name, "x", 0);
	expect_text(name, "x");
}

static void test_in_place(void **state)
{
	struct output fifo = at("fifo"), null = {.path = "/dev/null"}, fd = {.format = EXP_HTML};
	char got[8] = "";
	int reader, p[2];

	mkfifo(fifo.path, 0600);
	assert_int_equal(open_error("fifo"), -ENXIO);
	reader = open(fifo.path, O_RDONLY | O_NONBLOCK);
	record("fifo", "bytes", 0);
	assert_int_equal(read(reader, got, sizeof(got)), 5);
	close(reader);
	assert_int_equal(files(), 1);

	assert_int_equal(outputs_open(&null, 1, why, sizeof(why)), 0);
	assert_int_equal(null.dir, -1);
	outputs_drop(&null, 1);

	assert_int_equal(pipe(p), 0);
	snprintf(fd.path, sizeof(fd.path), "/dev/fd/%d", p[1]);
	assert_int_equal(outputs_open(&fd, 1, why, sizeof(why)), 0);
	assert_int_equal(fd.dir, -1);
	assert_int_equal(write(fd.fd, "x", 1), 1);
	assert_int_equal(read(p[0], got, sizeof(got)), 1);
	outputs_drop(&fd, 1);
	close(p[0]);
	close(p[1]);
}

static void test_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), tty, out = dup(STDOUT_FILENO);
	struct output o = {.path = "-", .format = EXP_PPROF};

	if (master < 0 || grantpt(master) || unlockpt(master))
		skip();
	tty = open(ptsname(master), O_RDWR | O_NOCTTY);
	dup2(tty, STDOUT_FILENO);
	assert_int_equal(outputs_open(&o, 1, why, sizeof(why)), -ENOTTY);
	o.format = EXP_FOLDED;
	assert_int_equal(outputs_open(&o, 1, why, sizeof(why)), 0);
	outputs_drop(&o, 1);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(tty);
	close(master);
}

/* A name that points to somebody's file is replaced; what it points to is not touched. */
static void test_symlink(void **state)
{
	struct output o = at("p.pb.gz");
	struct stat st;

	put("precious", "keep");
	assert_int_equal(symlink("precious", o.path), 0);
	record("p.pb.gz", "new", 0);
	expect_text("precious", "keep");
	assert_int_equal(lstat(o.path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

/* ---- as root ---- */

static void need_root(void)
{
	if (geteuid())
		skip();
}

static void sudo_by(const char *uid, const char *gid)
{
	setenv("SUDO_UID", uid, 1);
	setenv("SUDO_GID", gid, 1);
}

static void test_ids(void **state)
{
	static const char *const bad[] = {"", "x", "-1", "12x", " 12", "4294967295", "99999999999"};
	uid_t uid;
	gid_t gid;

	need_root();
	sudo_by("4711", "4712");
	caller_ids(&uid, &gid);
	assert_int_equal(uid, 4711);
	assert_int_equal(gid, 4712);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sudo_by(bad[i], "4712");
		caller_ids(&uid, &gid);
		assert_int_equal(uid, 0);
		assert_int_equal(gid, 0);
	}
}

/* The commit fails: the recording stays, under its temporary name. */
static void test_kept_when_commit_fails(void **state)
{
	struct output o = at("p.pb.gz");
	struct caller *c;

	need_root();
	sudo_by("4711", "4711");
	assert_int_equal(chown(folder, ALICE, ALICE), 0);
	assert_int_equal(outputs_open(&o, 1, why, sizeof(why)), 0);
	assert_int_equal(caller_start(&o, 1, 0, &c), 0);
	assert_int_equal(fd_write_all(o.fd, "data", 4), 0);
	assert_int_equal(chmod(folder, 0555), 0);
	assert_int_equal(caller_commit(c, 0), -EACCES);
	caller_stop(&c);
	expect_text(o.temp, "data");
	outputs_drop(&o, 1);
	assert_int_equal(files(), 0);
}

static uid_t owner(const char *name)
{
	struct output o = at(name);
	struct stat st;

	assert_int_equal(stat(o.path, &st), 0);
	return st.st_uid;
}

static void test_owned_by_the_caller(void **state)
{
	need_root();
	sudo_by("4711", "4711");
	assert_int_equal(chown(folder, ALICE, ALICE), 0);
	record("p.pb.gz", "one", 0);
	record("p.pb.gz", "two", 0);
	assert_int_equal(owner("p.pb.gz"), ALICE);
	assert_int_equal(geteuid(), 0);
	assert_int_equal(getegid(), 0);

	/* root's folder, as in `sudo -i`: root makes it, the caller gets it. */
	assert_int_equal(chown(folder, 0, 0), 0);
	assert_int_equal(chmod(folder, 0700), 0);
	record("p.pb.gz", "three", 0);
	expect_text("p.pb.gz", "three");
	expect_text("p.pb.gz.old", "two");
	assert_int_equal(owner("p.pb.gz"), ALICE);

	/* a third person's */
	assert_int_equal(chown(folder, ALICE + 1, ALICE + 1), 0);
	record("p.pb.gz", "four", 0);
	assert_int_equal(owner("p.pb.gz"), ALICE);

	/* root without sudo, a folder of somebody's (a container's bind mount) */
	unsetenv("SUDO_UID");
	record("p.pb.gz", "five", 0);
	assert_int_equal(owner("p.pb.gz"), 0);
}

/* As a plain user. */
static int as_alice(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(setresgid(ALICE, ALICE, ALICE) || setresuid(ALICE, ALICE, ALICE) ? 99 : fn());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int refused(void)
{
	struct output o = at("p.pb.gz");
	int r = outputs_open(&o, 1, why, sizeof(why));

	return r == -EACCES && strstr(why, "user 4711 may not write in") ? 0 : 1;
}

static int sticky(void)
{
	struct output o = at("p.pb.gz");
	return outputs_open(&o, 1, why, sizeof(why)) == -EPERM ? 0 : 1;
}

static void test_refusals(void **state)
{
	need_root();
	assert_int_equal(as_alice(refused), 0);
	put("p.pb.gz", "root's");
	assert_int_equal(chmod(folder, 01777), 0);
	assert_int_equal(as_alice(sticky), 0); /* found now, not when it is to be renamed */
}

static void mounted(const char *options, unsigned long flags, int expected)
{
	struct output o = at("p.pb.gz");
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", folder, "tmpfs", flags, options))
			_exit(97);
		if (expected == -ENOSPC) {
			char full[80], page[4096] = {0};
			snprintf(full, sizeof(full), "%s/full", folder);
			int fd = open(full, O_WRONLY | O_CREAT, 0600);
			while (write(fd, page, sizeof(page)) > 0)
				;
		}
		_exit(outputs_open(&o, 1, why, sizeof(why)) == expected ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 97)
		skip();
	assert_int_equal(status, 0);
}

static void test_file_systems(void **state)
{
	need_root();
	mounted("size=256k", 0, -ENOSPC);
	mounted("", MS_RDONLY, -EROFS);
}

static pid_t child_named(const char *name)
{
	char path[64], children[256] = "", comm[32];
	FILE *f;
	pid_t found = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "re");
	if (f && !fgets(children, sizeof(children), f))
		children[0] = '\0';
	if (f)
		fclose(f);
	for (char *p = strtok(children, " "); p; p = strtok(NULL, " ")) {
		snprintf(path, sizeof(path), "/proc/%s/comm", p);
		f = fopen(path, "re");
		if (f && fgets(comm, sizeof(comm), f) && !strncmp(comm, name, strlen(name)))
			found = atoi(p);
		if (f)
			fclose(f);
	}
	return found;
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

static void test_confined(void **state)
{
	static const char *const none[] = {"CapPrm", "CapEff", "CapInh", "CapAmb"};
	struct output o = at("p.pb.gz");
	char line[64];
	struct caller *c;
	pid_t pid;

	if (geteuid() == 0) {
		sudo_by("4711", "4712");
		assert_int_equal(chown(folder, ALICE, ALICE), 0);
	}
	assert_int_equal(outputs_open(&o, 1, why, sizeof(why)), 0);
	assert_int_equal(caller_start(&o, 1, 0, &c), 0);
	pid = child_named("pmuscope-files");
	assert_true(pid > 0);
	for (int i = 0; i < 4; i++) {
		snprintf(line, sizeof(line), "%s:\t0000000000000000", none[i]);
		expect_status(pid, line);
	}
	expect_status(pid, "NoNewPrivs:\t1");
	if (geteuid() == 0) {
		expect_status(pid, "Uid:\t0\t4711\t4711\t4711");
		expect_status(pid, "Gid:\t0\t4712\t4712\t4712");
		expect_status(pid, "CapBnd:\t0000000000000000");
	}
	kill(pid, SIGINT); /* of the terminal: not for it */
	kill(pid, SIGTERM);
	assert_int_equal(caller_commit(c, 0), 0);
	caller_stop(&c);
	outputs_drop(&o, 1);
}

static void test_signal(void **state)
{
	struct caller *c;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (geteuid() == 0)
		sudo_by("4711", "4711"); /* the command runs as root then */
	assert_int_equal(caller_start(NULL, 0, pid, &c), 0);
	assert_int_equal(caller_signal(c, 0), 0);
	assert_int_equal(caller_signal(c, 12345), -EINVAL);
	assert_int_equal(caller_signal(c, SIGTERM), 0);
	waitpid(pid, &status, 0);
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(caller_signal(c, SIGTERM), -ESRCH); /* whoever has that pid now */
	caller_stop(&c);
	assert_int_equal(caller_start(NULL, 0, 0, &c), 0);
	assert_int_equal(caller_signal(c, SIGTERM), -ESRCH);
	caller_stop(&c);
	assert_null(c);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_formats),     TEST(test_rename),   TEST(test_nothing_left),
		TEST(test_we_die),      TEST(test_errors),   TEST(test_in_place),
		TEST(test_terminal),    TEST(test_symlink),  TEST(test_kept_when_commit_fails),
		TEST(test_ids),         TEST(test_owned_by_the_caller),
		TEST(test_refusals),    TEST(test_file_systems),
		TEST(test_confined),    TEST(test_signal),
	};

	close_range(3, ~0U, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
