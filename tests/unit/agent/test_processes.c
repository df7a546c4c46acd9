/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes as records tell of them: fork without exec, exec, exit, a pid used again, names of
 * threads, and what a loss of records does to what we believe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/base/clock.h"
#include "agent/space/processes.h"

enum { PARENT = 4000001, CHILD = 4000002 }; /* above any pid that can exist */

static struct processes *start(struct opener **o)
{
	struct processes *ps;

	assert_int_equal(opener_start(getuid(), getgid(), o), 0);
	assert_int_equal(processes_new(*o, NULL, &ps), 0);
	return ps;
}

static void stop(struct processes *ps, struct opener *o)
{
	processes_free(&ps);
	opener_stop(&o);
}

static void map(struct processes *ps, uint32_t pid, uint64_t at, const char *path)
{
	struct record r = {.kind = RECORD_MMAP, .pid = pid, .tid = pid, .time = 1};

	r.mmap.start = at;
	r.mmap.len = 0x1000;
	r.mmap.prot = PROT_READ | PROT_EXEC;
	r.mmap.path = path;
	processes_apply(ps, &r);
}

static void forked(struct processes *ps, uint32_t pid, uint32_t tid, uint32_t ppid, uint32_t ptid)
{
	struct record r = {.kind = RECORD_FORK, .pid = pid, .tid = tid, .time = 2};

	r.fork.ppid = ppid;
	r.fork.ptid = ptid;
	processes_apply(ps, &r);
}

static void named(struct processes *ps, uint32_t pid, uint32_t tid, const char *name, bool exec)
{
	struct record r = {.kind = RECORD_COMM, .pid = pid, .tid = tid, .time = 3};

	r.comm.name = name;
	r.comm.exec = exec;
	processes_apply(ps, &r);
}

static const char *path_at(struct processes *ps, int pid, uint64_t pc)
{
	struct process *p = processes_get(ps, pid, 9);
	struct mapping *m = p ? space_find(p->space, pc) : NULL;

	return m ? m->path : NULL;
}

static void test_fork_and_exec(void **state)
{
	struct opener *o;
	struct processes *ps = start(&o);

	(void)state;
	named(ps, PARENT, PARENT, "parent", true);
	map(ps, PARENT, 0x1000, "/bin/parent");
	forked(ps, CHILD, CHILD, PARENT, PARENT);
	assert_string_equal(path_at(ps, CHILD, 0x1010), "/bin/parent");
	assert_string_equal(processes_comm(ps, CHILD, CHILD), "parent");
	map(ps, CHILD, 0x5000, "/lib/own.so"); /* the child's alone */
	assert_null(path_at(ps, PARENT, 0x5000));
	named(ps, CHILD, CHILD, "other", true);
	assert_null(path_at(ps, CHILD, 0x1010)); /* nothing of before */
	map(ps, CHILD, 0x1000, "/bin/other");
	assert_string_equal(path_at(ps, CHILD, 0x1010), "/bin/other");
	assert_string_equal(path_at(ps, PARENT, 0x1010), "/bin/parent");
	stop(ps, o);
}

static void test_threads_have_names(void **state)
{
	struct opener *o;
	struct processes *ps = start(&o);

	(void)state;
	named(ps, PARENT, PARENT, "main", true);
	forked(ps, PARENT, PARENT + 7, PARENT, PARENT);
	assert_string_equal(processes_comm(ps, PARENT, PARENT + 7), "main");
	named(ps, PARENT, PARENT + 7, "worker", false);
	assert_string_equal(processes_comm(ps, PARENT, PARENT + 7), "worker");
	assert_string_equal(processes_comm(ps, PARENT, PARENT), "main");
	stop(ps, o);
}

static void test_pid_used_again(void **state)
{
	struct opener *o;
	struct processes *ps = start(&o);
	struct record gone = {.kind = RECORD_EXIT, .pid = CHILD, .tid = CHILD, .time = 5};

	(void)state;
	named(ps, PARENT, PARENT, "parent", true);
	named(ps, CHILD, CHILD, "first", true);
	map(ps, CHILD, 0x1000, "/bin/first");
	processes_apply(ps, &gone);
	/* Samples of its way out still come. */
	assert_string_equal(path_at(ps, CHILD, 0x1000), "/bin/first");
	forked(ps, CHILD, CHILD, PARENT, PARENT);
	assert_null(path_at(ps, CHILD, 0x1000));
	assert_string_equal(processes_comm(ps, CHILD, CHILD), "parent");
	stop(ps, o);
}

/* A mapping record that was lost must not become a wrong stack: all is read anew, and stacks from
 * before that moment are marked. */
static void test_loss(void **state)
{
	struct opener *o;
	struct processes *ps = start(&o);
	struct record lost = {.kind = RECORD_LOST, .time = 4};
	uint64_t here = (uint64_t)(uintptr_t)&test_loss, before;

	(void)state;
	processes_read(ps, getpid());
	assert_non_null(path_at(ps, getpid(), here));
	map(ps, (uint32_t)getpid(), 0x1000, "/lib/unmapped-since");
	assert_non_null(path_at(ps, getpid(), 0x1000));
	assert_int_equal(processes_get(ps, getpid(), 9)->space->suspect_until, 0);
	before = clock_mono();
	processes_apply(ps, &lost);
	assert_null(path_at(ps, getpid(), 0x1000));
	assert_non_null(path_at(ps, getpid(), here));
	assert_true(processes_get(ps, getpid(), 9)->space->suspect_until >= before);
	assert_int_equal(processes_rereads(ps), 1);
	stop(ps, o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork_and_exec),
		cmocka_unit_test(test_threads_have_names),
		cmocka_unit_test(test_pid_used_again),
		cmocka_unit_test(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
