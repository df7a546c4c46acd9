/* SPDX-License-Identifier: Apache-2.0
 *
 * The real pmuscope-symbolizer, seen from outside: what it has given up, and what it answers.
 */
#include "tests/unit/symbolizer/compile.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/wire/msg.h"
#include "agent/wire/rows.h"
#include "agent/wire/sym.h"

struct helper {
	pid_t pid;
	int sock;
	uint32_t seq;
	struct msg reply;
	struct cursor c; /* over the last reply, behind its status */
};

/* build/tests/symbolizer/test_process → build/pmuscope-symbolizer */
static void helper_path(char *path)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 32);

	assert_true(n > 0);
	path[n] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/pmuscope-symbolizer");
	if (access(path, X_OK)) {
		print_message("%s is not built\n", path);
		skip();
	}
}

static void start(struct helper *h)
{
	char path[PATH_MAX];
	int pair[2];

	helper_path(path);
	*h = (struct helper){.sock = -1};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (h->pid == 0) {
		dup2(pair[1], 3); /* when it is 3 already, it must lose its close-on-exec flag */
		fcntl(3, F_SETFD, 0);
		execl(path, "pmuscope-symbolizer", (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	h->sock = pair[0];
	msg_init(&h->reply, SYM_REPLY_MAX);
}

static int stop(struct helper *h)
{
	int status;

	fd_close(&h->sock);
	msg_free(&h->reply);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	return status;
}

/* The reply's status; `fd` is closed. */
static int ask(struct helper *h, uint16_t type, struct buf *payload, int fd)
{
	uint64_t deadline = clock_mono() + UINT64_C(20) * NS_PER_S;
	int r = msg_send(h->sock, type, ++h->seq, payload->data, payload->len, &fd, fd >= 0,
			 deadline);

	fd_close(&fd);
	buf_free(payload);
	if (!r)
		r = msg_recv(h->sock, &h->reply, deadline);
	if (r)
		return r;
	assert_int_equal(h->reply.type, type | SYM_REPLY);
	assert_int_equal(h->reply.seq, h->seq);
	h->c = cursor_over(h->reply.payload.data, h->reply.payload.len);
	return cursor_i32(&h->c);
}

static int ask_module(struct helper *h, uint32_t id, uint32_t kind, const char *path,
		      struct sym_info *ret)
{
	struct buf b = BUF_INIT(64);
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	assert_true(fd >= 0);
	buf_u32(&b, id);
	buf_u32(&b, kind);
	r = ask(h, SYM_MODULE, &b, fd);
	return r ? r : sym_info_get(&h->c, ret);
}

static int ask_rows(struct helper *h, uint32_t id, uint32_t page, struct rows_page *ret)
{
	struct buf b = BUF_INIT(64);
	int r;

	buf_u32(&b, id);
	buf_u32(&b, page);
	r = ask(h, SYM_ROWS, &b, -1);
	if (r)
		return r;
	assert_int_equal(cursor_u32(&h->c), 0);
	return rows_check(h->c.at, cursor_left(&h->c), ret);
}

/* The outermost frame's name at one address, "" when there is none. */
static int ask_name(struct helper *h, uint32_t id, uint64_t addr, char *name, size_t size)
{
	struct buf b = BUF_INIT(64);
	struct cursor strings;
	uint32_t n, index = 0;
	int r;

	buf_u32(&b, id);
	buf_u32(&b, 1);
	buf_u64(&b, addr);
	r = ask(h, SYM_NAMES, &b, -1);
	if (r)
		return r;
	strings = h->c;
	n = cursor_u32(&h->c);
	for (uint32_t i = 0; i < n; i++)
		cursor_skip(&h->c, cursor_u16(&h->c));
	assert_int_equal(cursor_u32(&h->c), 1);
	for (uint8_t k = cursor_u8(&h->c); k; k--) {
		index = cursor_u32(&h->c);
		assert_in_range(index, 1, n - 1);
		cursor_skip(&h->c, 4 * sizeof(uint32_t));
	}
	assert_false(h->c.bad);
	assert_int_equal(cursor_left(&h->c), 0);
	(void)cursor_u32(&strings);
	for (uint32_t i = 0; i < index; i++)
		cursor_skip(&strings, cursor_u16(&strings));
	n = cursor_u16(&strings);
	snprintf(name, size, "%.*s", (int)n, (const char *)cursor_take(&strings, n));
	return 0;
}

static void expect_status(pid_t pid, const char *line)
{
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	text = read_file(path, NULL);
	if (!strstr(text, line))
		fail_msg("no \"%s\" in %s", line, text);
	free(text);
}

static int library(void **state, char *path)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[PATH_MAX + 128];
	int found = 0;

	while (!found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%*s %*s %*s %*s %*s %[^\n]", path) == 1 && strstr(path, "libc.so");
	fclose(maps);
	return found;
}

static void test_confined(void **state)
{
	char path[PATH_MAX], fds[64], name[64];
	struct sym_info info;
	struct helper h;

	start(&h);
	assert_true(library(state, path));
	assert_int_equal(ask_module(&h, 1, SYM_ELF, path, &info), 0);
	expect_status(h.pid, "\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
			     "CapEff:\t0000000000000000\n");
	expect_status(h.pid, "\nCapAmb:\t0000000000000000\n");
	expect_status(h.pid, "\nNoNewPrivs:\t1\n");
	expect_status(h.pid, "\nSeccomp:\t2\n");
	expect_status(h.pid, "Name:\tpmuscope-symb\n");
	/* 0, 1, 2, the socket, and the file that it was given. */
	snprintf(fds, sizeof(fds), "test $(ls /proc/%d/fd | wc -l) -eq 5", (int)h.pid);
	assert_int_equal(shell("%s", fds), 0);
	assert_int_equal(ask_name(&h, 2, 0x1000, name, sizeof(name)), -ENOENT);
	assert_int_equal(stop(&h), 0); /* ends with its socket, in peace */
}

static void test_libc(void **state)
{
	char path[PATH_MAX], name[256], command[PATH_MAX + 128];
	struct rows_page rows;
	struct sym_info info;
	struct helper h;
	uint64_t addr;
	char *text;

	if (system("command -v nm >nm"))
		skip();
	assert_true(library(state, path));
	start(&h);
	assert_int_equal(ask_module(&h, 7, SYM_ELF, path, &info), 0);
	assert_true(info.build_id_len > 0 && info.n_segs > 0 && info.flags & SYM_HAS_DYNSYM);
	snprintf(command, sizeof(command), "exec >malloc; nm -D '%s' | sed -n 's/ T malloc@.*//p'",
		 path);
	assert_int_equal(system(command), 0);
	text = read_file("malloc", NULL);
	addr = strtoull(text, NULL, 16);
	free(text);
	assert_int_equal(ask_name(&h, 7, addr + 4, name, sizeof(name)), 0);
	assert_string_equal(name, "malloc");
	assert_int_equal(ask_rows(&h, 7, (uint32_t)(addr >> ROWS_PAGE_BITS), &rows), 0);
	assert_true(rows.head.n_rows > 100);
	assert_int_equal(ask_rows(&h, 7, 0xfffff, &rows), 0);
	assert_int_equal(rows.rules[rows.rows[0].rule].cfa_kind, ROWS_CFA_NONE);
	assert_int_equal(stop(&h), 0);
}

static void test_text_tables(void **state)
{
	struct sym_info info;
	struct helper h;
	char name[64];

	start(&h);
	write_file("perf.map", "7f0000001000 100 JIT:run\n");
	write_file("kallsyms", "ffffffff81000000 T kernel_fn\nffffffffc0000000 t mod_fn\t[mod]\n");
	assert_int_equal(ask_module(&h, 1, SYM_PERFMAP, "perf.map", &info), 0);
	assert_int_equal(ask_module(&h, 2, SYM_KALLSYMS, "kallsyms", &info), 0);
	assert_int_equal(ask_name(&h, 1, 0x7f0000001010, name, sizeof(name)), 0);
	assert_string_equal(name, "JIT:run");
	assert_int_equal(ask_name(&h, 1, 0x10, name, sizeof(name)), 0);
	assert_string_equal(name, "");
	assert_int_equal(ask_name(&h, 2, 0xffffffffc0000001, name, sizeof(name)), 0);
	assert_string_equal(name, "mod_fn");
	assert_int_equal(stop(&h), 0);
}

/* Makes the waiting helper call `nr` in the place of the call that it waits in. */
static void force_syscall(pid_t pid, long nr)
{
#ifdef __x86_64__
	struct user_regs_struct regs;
	int status;

	assert_int_equal(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(ptrace(PTRACE_GETREGS, pid, 0, &regs), 0);
	regs.rip -= 2; /* syscall */
	regs.rax = (unsigned long)nr;
	regs.orig_rax = (unsigned long)-1; /* nothing to restart */
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, 0, &regs), 0);
	assert_int_equal(ptrace(PTRACE_CONT, pid, 0, 0), 0);
#else
	(void)pid, (void)nr;
	skip();
#endif
}

static void test_forbidden_call_kills(void **state)
{
	struct sym_info info;
	struct helper h;
	int status;

	start(&h);
	write_file("empty.map", "");
	assert_int_equal(ask_module(&h, 1, SYM_PERFMAP, "empty.map", &info), 0);
	force_syscall(h.pid, SYS_socket);
	assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	fd_close(&h.sock);
	msg_free(&h.reply);
}

/* Whatever is asked, there is an answer, and the next one is right again. */
static void test_bad_requests(void **state)
{
	struct sym_info info;
	struct rows_page rows;
	struct helper h;
	uint64_t seed = 4;
	struct buf b;

	start(&h);
	write_file("not-elf", "#!/bin/sh\n");
	assert_int_equal(ask_module(&h, 1, SYM_ELF, "not-elf", &info), -ENOEXEC);
	assert_int_equal(ask_module(&h, UINT32_MAX, SYM_ELF, "/proc/self/exe", &info), -EINVAL);
	assert_int_equal(ask_module(&h, 1, 99, "not-elf", &info), -EINVAL);
	assert_true(ask_module(&h, 1, SYM_ELF, ".", &info) < 0); /* a folder */
	assert_int_equal(ask_module(&h, 3, SYM_ELF, "/proc/self/exe", &info), 0);
	for (int i = 0; i < 2000; i++) {
		uint32_t len = dice(&seed) % 24;
		uint16_t type = (uint16_t)(dice(&seed) % 8);
		b = BUF_INIT(64);
		buf_u32(&b, dice(&seed) % 5);
		for (uint32_t k = 0; k < len; k++)
			buf_u8(&b, dice(&seed) % 4 ? 0 : (uint8_t)dice(&seed));
		(void)ask(&h, type, &b, dice(&seed) % 2 ? -1 : open("not-elf", O_RDONLY));
		assert_false(h.c.bad);
	}
	b = BUF_INIT(64);
	assert_int_equal(ask(&h, 1000, &b, -1), -ENOSYS);
	assert_int_equal(ask_module(&h, 3, SYM_ELF, "/proc/self/exe", &info), 0);
	assert_int_equal(ask_rows(&h, 3, (uint32_t)(info.entry >> ROWS_PAGE_BITS), &rows), 0);
	assert_int_equal(stop(&h), 0);
}

static void test_by_hand(void **state)
{
	char path[PATH_MAX];
	char *text;

	helper_path(path);
	assert_int_equal(WEXITSTATUS(shell("'%s' 3>&- 2>said", path)), 125);
	text = read_file("said", NULL);
	assert_non_null(strstr(text, "started by pmuscope"));
	free(text);
	assert_int_equal(WEXITSTATUS(shell("'%s' 3</dev/null", path)), 125);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confined),    cmocka_unit_test(test_libc),
		cmocka_unit_test(test_text_tables), cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_forbidden_call_kills),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
