/* SPDX-License-Identifier: Apache-2.0
 *
 * The symbolizer's client against helpers that die, hang, lie and send rubbish.
 */
#include <dirent.h>
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
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/helpers/symbolizer_priv.h"

enum misdeed {
	HONEST, DIE, HANG, LAST_WORDS,
	WRONG_SEQ, WRONG_TYPE, WITH_FD, POSITIVE_STATUS, WILD_STATUS, STATUS_WITH_MORE,
	EMPTY, CUT, MORE, HUGE_LENGTH, NOISE, FLIP, LIE,
	MISDEEDS
};

/* Shared between the test and its fake helpers. */
static struct {
	enum misdeed misdeed;
	int type;          /* of the requests to do it to (SYM_NAMES: SYM_SYMBOLS, too); 0: all */
	bool only_names;   /* … not SYM_SYMBOLS */
	uint32_t id;       /* of the module to do it for; UINT32_MAX: all */
	unsigned seed, slow_us;
	unsigned starts, modules, debugs, debug_fds, rows, names, symbols;
	pid_t pid;
} *plan;

static struct symbolizer *s;

/* ---- the fake ---- */

static void put_rows(struct buf *b, uint32_t page)
{
	struct rows_head h = {.page = page, .arch = ROWS_X86_64, .n_rules = 1, .n_rows = 1};
	struct rows_row row = {0};
	struct rows_rule rule = {0};

	buf_u32(b, 0);
	buf_put(b, &h, sizeof(h));
	buf_put(b, &row, sizeof(row));
	buf_put(b, &rule, sizeof(rule));
}

static void put_str(struct buf *b, const char *text)
{
	buf_u16(b, (uint16_t)strlen(text));
	buf_put(b, text, strlen(text));
}

/* Address a is named "fn", inlined into "main" where a is odd, unknown where a is a multiple of 4;
 * its line is a. */
static void put_names(struct buf *b, struct cursor *c)
{
	uint32_t n = cursor_u32(c);

	buf_u32(b, 4);
	put_str(b, "");
	put_str(b, "fn");
	put_str(b, "main");
	put_str(b, "a.c");
	buf_u32(b, n);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t a = cursor_u64(c);
		unsigned frames = a % 4 == 0 ? 0 : 1 + a % 2;
		buf_u8(b, (uint8_t)frames);
		for (unsigned k = 0; k < frames; k++) {
			struct sym_frame f = {1 + k, 1 + k, 3, (uint32_t)a, 1};
			buf_put(b, &f, sizeof(f));
		}
	}
}

static void put_info(struct buf *b)
{
	struct sym_info info = {.machine = 62, .flags = SYM_HAS_CFI, .n_segs = 1, .n_wants = 1};

	info.segs[0] = (struct sym_seg){.vaddr = 0x1000, .filesz = 0x1000, .memsz = 0x1000};
	info.wants[0] = (struct sym_want){.kind = SYM_WANT_DEBUGLINK, .name = "x.debug"};
	sym_info_put(b, &info);
}

static void honest(const struct msg *m, struct buf *b)
{
	struct cursor c = cursor_over(m->payload.data, m->payload.len);

	buf_i32(b, 0);
	cursor_u32(&c);
	if (m->type == SYM_ROWS) {
		plan->rows++;
		put_rows(b, cursor_u32(&c));
	} else if (m->type == SYM_NAMES || m->type == SYM_SYMBOLS) {
		plan->names += m->type == SYM_NAMES;
		plan->symbols += m->type == SYM_SYMBOLS;
		put_names(b, &c);
	} else {
		plan->modules += m->type == SYM_MODULE;
		plan->debugs += m->type == SYM_DEBUG;
		plan->debug_fds += m->type == SYM_DEBUG && m->n_fds == 1;
		put_info(b);
	}
}

static void set_i32(struct buf *b, size_t at, int32_t v)
{
	memcpy(b->data + at, &v, sizeof(v));
}

static void misbehave(int sock, struct msg *m, struct buf *b)
{
	uint16_t type = m->type | SYM_REPLY;
	uint32_t header[4] = {UINT32_MAX, type, m->seq, 0x706d7573}, random = plan->seed * 2654435761u;
	int fd = -1;

	switch (plan->misdeed) {
	case DIE: _exit(1);
	case HANG: sleep(60); break;
	case WRONG_SEQ: m->seq++; break;
	case WRONG_TYPE: type ^= 7; break;
	case WITH_FD: fd = STDIN_FILENO; break;
	case POSITIVE_STATUS: set_i32(b, 0, 1); break;
	case WILD_STATUS: set_i32(b, 0, INT32_MIN); break;
	case STATUS_WITH_MORE: set_i32(b, 0, -ENOENT); break;
	case EMPTY: b->len = 0; break;
	case CUT: b->len -= 3; break;
	case MORE: buf_u32(b, 0); break;
	case HUGE_LENGTH: (void)!write(sock, header, sizeof(header)); sleep(60); break;
	case NOISE: (void)!write(sock, b->data, b->len); (void)!write(sock, "0123456789abcdef", 16);
		sleep(60); break;
	case FLIP: b->data[(random >> 8) % b->len] ^= (uint8_t)(1u << (random & 7)); break;
	case LIE: memset(b->data + 4, 0xff, b->len - 4); break;
	default: break;
	}
	if (msg_send(sock, type, m->seq, b->data, b->len, &fd, fd >= 0, 0) ||
	    plan->misdeed == LAST_WORDS)
		_exit(0);
}

static bool is_planned(uint16_t type, uint32_t id)
{
	bool both = plan->type == SYM_NAMES && type == SYM_SYMBOLS && !plan->only_names;

	return (!plan->type || plan->type == type || both) &&
	       (plan->id == UINT32_MAX || plan->id == id);
}

static _Noreturn void fake(int sock)
{
	struct msg m;

	msg_init(&m, MSG_MAX);
	while (msg_recv(sock, &m, 0) == 0) {
		struct buf b = BUF_INIT(MSG_MAX);
		uint32_t id;

		memcpy(&id, m.payload.data, sizeof(id));
		usleep(plan->slow_us);
		honest(&m, &b);
		if (is_planned(m.type, id))
			misbehave(sock, &m, &b);
		else if (msg_send(sock, m.type | SYM_REPLY, m.seq, b.data, b.len, NULL, 0, 0))
			break;
		buf_free(&b);
	}
	_exit(0);
}

static int spawn_fake(void *arg, pid_t *ret_pid, int *ret_sock)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	plan->starts++;
	*ret_pid = fork();
	if (*ret_pid == 0) {
		close(pair[0]);
		fake(pair[1]);
	}
	plan->pid = *ret_pid;
	close(pair[1]);
	*ret_sock = pair[0];
	return 0;
}

static const struct symbolizer_limits quick = {
	.rows_ms = 250, .names_ms = 250, .module_ms = 250, .restarts = 20,
};

static int set_up(void **state)
{
	memset(plan, 0, sizeof(*plan));
	plan->id = UINT32_MAX;
	return symbolizer_start_by(spawn_fake, NULL, &quick, &s);
}

static int tear_down(void **state)
{
	symbolizer_stop(&s);
	return 0;
}

/* ---- the asker ---- */

static uint32_t module(int expected)
{
	struct sym_info info;
	uint32_t id;
	int r = symbolizer_module(s, SYM_ELF, open("/dev/null", O_RDONLY | O_CLOEXEC), &id, &info);

	assert_int_equal(r, expected);
	return id;
}

static struct {
	unsigned calls, good, frames;
	size_t next;
	int status;
} seen;

static void on_rows(void *arg, uint32_t id, uint32_t page, int status, const struct rows_page *rows)
{
	seen.calls++;
	seen.status = status;
	if (!status) {
		assert_non_null(rows);
		assert_int_equal(rows->head.page, page);
		seen.good++;
	} else {
		assert_null(rows);
	}
}

static void take_rows(unsigned n)
{
	uint64_t deadline = clock_mono() + 5ull * NS_PER_S;

	memset(&seen, 0, sizeof(seen));
	while (seen.calls < n && clock_mono() < deadline)
		assert_true(symbolizer_poll(s, clock_mono() + NS_PER_S, on_rows, NULL) >= 0);
	assert_int_equal(seen.calls, n);
	assert_int_equal(symbolizer_pending(s), 0);
}

static const uint64_t *asked;

static void on_name(void *arg, size_t i, const struct symbolizer_frame *f, unsigned n)
{
	assert_int_equal(i, seen.next++);
	seen.calls++;
	seen.frames += n;
	if (!n || plan->misdeed)
		return;
	assert_int_equal(n, 1 + asked[i] % 2);
	assert_string_equal(f[0].name, "fn");
	assert_string_equal(f[n - 1].name, n == 2 ? "main" : "fn");
	assert_string_equal(f[0].file, "a.c");
	assert_int_equal(f[0].line, asked[i]);
}

static void names(uint32_t id, size_t n)
{
	static uint64_t addresses[1000];

	for (size_t i = 0; i < n; i++)
		addresses[i] = i * 7;
	asked = addresses;
	memset(&seen, 0, sizeof(seen));
	symbolizer_names(s, id, addresses, n, on_name, NULL);
	assert_int_equal(seen.calls, n);
}

static void test_honest(void **state)
{
	uint32_t id = module(0);

	for (uint32_t page = 0; page < 300; page++) {
		assert_int_equal(symbolizer_ask_rows(s, id, page), 0);
		assert_int_equal(symbolizer_ask_rows(s, id, page), 0); /* on its way */
	}
	assert_int_equal(symbolizer_pending(s), 300);
	take_rows(300);
	assert_int_equal(seen.good, 300);
	assert_int_equal(plan->rows, 300);
	names(id, 600);
	assert_true(seen.frames > 600);
	assert_int_equal(plan->names, 3);
	assert_int_equal(symbolizer_poll(s, 0, on_rows, NULL), 0); /* nothing to wait for */
	assert_int_equal(symbolizer_counters(s)->restarts, 0);
	assert_int_equal(symbolizer_ask_rows(s, 77, 0), -EINVAL);
}

static void kill_and_wait(void)
{
	siginfo_t info;

	kill(plan->pid, SIGKILL);
	waitid(P_PID, (id_t)plan->pid, &info, WEXITED | WNOWAIT);
}

static void test_killed_while_idle(void **state)
{
	uint32_t id = module(0);

	for (int i = 0; i < 5; i++) {
		kill_and_wait();
		names(id, 10);
		assert_true(seen.frames > 0);
		kill_and_wait();
		assert_int_equal(symbolizer_ask_rows(s, id, 1), 0);
		take_rows(1);
		assert_int_equal(seen.good, 1);
	}
	assert_false(symbolizer_is_quarantined(s, id));
	assert_int_equal(symbolizer_counters(s)->restarts, 10);
	assert_int_equal(symbolizer_counters(s)->bad_replies, 0);
}

/* Dead, with all answers given, one of them unread: what cannot be sent then has nobody to blame. */
static void test_killed_between_answer_and_request(void **state)
{
	uint32_t id = module(0);
	siginfo_t info;

	plan->misdeed = LAST_WORDS;
	plan->type = SYM_ROWS;
	assert_int_equal(symbolizer_ask_rows(s, id, 1), 0);
	waitid(P_PID, (id_t)plan->pid, &info, WEXITED | WNOWAIT);
	names(id, 10);
	assert_true(seen.frames > 0);
	take_rows(1);
	assert_int_equal(seen.good, 1);
	assert_int_equal(symbolizer_counters(s)->restarts, 1);
	assert_int_equal(symbolizer_counters(s)->symbols_only, 0);
	assert_int_equal(symbolizer_counters(s)->quarantined, 0);
}

/* Whoever polls our descriptor is not woken for ever by the end of a helper that had nothing to do. */
static void test_killed_and_not_asked(void **state)
{
	module(0);
	kill_and_wait();
	assert_int_equal(symbolizer_poll(s, 1, on_rows, NULL), 0);
	assert_int_equal(symbolizer_fd(s), -1);
	assert_int_equal(symbolizer_counters(s)->restarts, 0);
	assert_int_equal(symbolizer_counters(s)->refused, 0);
}

static void test_killed_at_work(void **state)
{
	uint32_t id = module(0);

	plan->slow_us = 5000;
	for (uint32_t page = 0; page < 40; page++)
		assert_int_equal(symbolizer_ask_rows(s, id, page), 0);
	usleep(20000);
	kill_and_wait();
	take_rows(40); /* all of them, each once */
	assert_int_equal(seen.good, 40);
	assert_int_equal(plan->starts, 2);
	assert_false(symbolizer_is_quarantined(s, id));
}

/* One file kills the helper; the other's pages and names come all the same. */
static void test_killer_is_quarantined(void **state)
{
	uint32_t good = module(0), bad = module(0);

	plan->misdeed = DIE;
	plan->type = SYM_ROWS;
	plan->id = bad;
	for (uint32_t page = 0; page < 10; page++) {
		assert_int_equal(symbolizer_ask_rows(s, good, page), 0);
		assert_int_equal(symbolizer_ask_rows(s, bad, page), 0);
	}
	take_rows(20);
	assert_int_equal(seen.good, 10);
	assert_true(symbolizer_is_quarantined(s, bad));
	assert_false(symbolizer_is_quarantined(s, good));
	assert_int_equal(symbolizer_counters(s)->quarantined, 1);
	assert_int_equal(symbolizer_counters(s)->restarts, 2);
	assert_int_equal(symbolizer_ask_rows(s, bad, 0), -EIO);
	names(bad, 5);
	assert_int_equal(seen.frames, 0);
	names(good, 5);
	assert_true(seen.frames > 0);
}

/* Debug information that kills the helper, or that it never gets through, costs no names. */
static void test_symbols_only(void **state)
{
	static const enum misdeed deeds[] = {DIE, HANG, NOISE};

	for (size_t i = 0; i < 3; i++) {
		uint32_t id;
		tear_down(NULL);
		set_up(NULL);
		id = module(0);
		plan->misdeed = deeds[i];
		plan->type = SYM_NAMES;
		plan->only_names = true;
		names(id, 300); /* two batches */
		assert_true(seen.frames > 300);
		assert_int_equal(plan->names, 1);
		assert_int_equal(plan->symbols, 2);
		assert_false(symbolizer_is_quarantined(s, id));
		assert_int_equal(symbolizer_counters(s)->symbols_only, 1);
		assert_int_equal(symbolizer_counters(s)->restarts, 1);
	}
}

static void test_hang(void **state)
{
	uint64_t start = clock_mono();
	uint32_t id;

	plan->misdeed = HANG;
	id = module(-EIO);
	assert_true(symbolizer_is_quarantined(s, id));
	assert_int_equal(symbolizer_counters(s)->deadlines, 2);
	plan->misdeed = HONEST;
	id = module(0);
	plan->misdeed = HANG;
	plan->type = SYM_ROWS;
	assert_int_equal(symbolizer_ask_rows(s, id, 3), 0);
	/* the asker's own patience is shorter than the helper's deadline */
	assert_int_equal(symbolizer_poll(s, 1, on_rows, NULL), 0);
	assert_int_equal(symbolizer_poll(s, clock_mono() + 20 * NS_PER_MS, on_rows, NULL), 0);
	take_rows(1);
	assert_int_equal(seen.status, -EIO);
	assert_int_equal(symbolizer_counters(s)->deadlines, 4);
	assert_true(clock_mono() - start < 3ull * NS_PER_S);
}

static void test_misdeeds(void **state)
{
	static const int types[] = {SYM_MODULE, SYM_ROWS, SYM_NAMES};

	for (int d = WRONG_SEQ; d < MISDEEDS; d++)
		for (int t = 0; t < 3; t++) {
			uint32_t id;
			if (d == FLIP || (d == NOISE && t != 2))
				continue;
			tear_down(NULL);
			set_up(NULL);
			plan->misdeed = d;
			plan->type = types[t];
			id = module(t == 0 ? -EIO : 0);
			if (t == 1) {
				assert_int_equal(symbolizer_ask_rows(s, id, 7), 0);
				take_rows(1);
				assert_int_equal(seen.good, 0);
			}
			names(id, 20);
			assert_int_equal(seen.frames, 0);
			assert_true(symbolizer_is_quarantined(s, id));
			assert_int_equal(symbolizer_counters(s)->bad_replies, 2);
			assert_int_equal(plan->starts, 3 - (symbolizer_pid(s) < 0));
		}
}

static void test_restarts_are_bounded(void **state)
{
	plan->misdeed = DIE;
	for (int i = 0; i < 100; i++) {
		struct sym_info info;
		uint32_t id;
		int r = symbolizer_module(s, SYM_ELF, open("/dev/null", O_RDONLY | O_CLOEXEC), &id,
					  &info);
		assert_true(r == -EIO || r == -ECONNREFUSED);
		assert_int_equal(info.machine, 0);
		names(id, 3);
		assert_int_equal(seen.frames, 0);
		if (symbolizer_ask_rows(s, id, 1) == 0)
			take_rows(1);
	}
	assert_int_equal(plan->starts, 21);
	assert_true(symbolizer_counters(s)->refused > 0); /* the summary tells that it was given up */
	assert_int_equal(symbolizer_pid(s), -1);
	assert_int_equal(symbolizer_fd(s), -1);
}

/* Pages that arrive while somebody waits for names are kept for symbolizer_poll(). */
static void test_rows_while_names_wait(void **state)
{
	uint32_t id = module(0);

	for (uint32_t page = 0; page < 20; page++)
		assert_int_equal(symbolizer_ask_rows(s, id, page), 0);
	names(id, 30);
	assert_true(seen.frames > 0);
	assert_int_equal(symbolizer_pending(s), 20);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(symbolizer_poll(s, 1, on_rows, NULL), 20);
	assert_int_equal(seen.good, 20);
}

static void test_debug_files_again(void **state)
{
	struct sym_want want = {.kind = SYM_WANT_DEBUGLINK}, none = {.kind = SYM_WANT_ALT};
	struct sym_info info = {0};
	uint32_t id = module(0);

	assert_int_equal(symbolizer_debug(s, id, &want, open("/dev/null", O_RDONLY), &info), 0);
	assert_int_equal(info.n_wants, 1);
	assert_int_equal(symbolizer_debug(s, id, &none, -1, &info), 0);
	assert_int_equal(plan->debugs, 2);
	assert_int_equal(plan->debug_fds, 1);
	kill_and_wait();
	names(id, 10);
	assert_true(seen.frames > 0);
	assert_int_equal(plan->modules, 2);
	assert_int_equal(plan->debugs, 4);
	assert_int_equal(plan->debug_fds, 2);
	for (int i = 0; i < 14; i++)
		assert_int_equal(symbolizer_debug(s, id, &none, -1, &info), 0);
	assert_int_equal(symbolizer_debug(s, id, &none, -1, &info), -E2BIG);
}

/* Every reply with one bit turned: whatever it means then, each question has one answer. */
static void test_mutations(void **state)
{
	for (unsigned seed = 0; seed < 400; seed++) {
		struct sym_info info;
		uint32_t id, page = seed;

		plan->misdeed = HONEST;
		if (seed % 8 == 0) {
			tear_down(NULL);
			set_up(NULL);
		}
		plan->seed = seed;
		plan->misdeed = seed % 4 == 0 ? FLIP : HONEST;
		(void)symbolizer_module(s, SYM_ELF, open("/dev/null", O_RDONLY | O_CLOEXEC), &id,
					&info);
		assert_true(info.n_segs <= SYM_SEGS_MAX && info.n_wants <= SYM_WANTS_MAX);
		plan->misdeed = FLIP;
		names(id, 6);
		if (symbolizer_ask_rows(s, id, page) == 0)
			take_rows(1);
	}
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void test_nothing_leaks(void **state)
{
	unsigned before;

	tear_down(NULL);
	before = open_fds();
	set_up(NULL);
	test_debug_files_again(NULL);
	plan->misdeed = WITH_FD;
	module(-EIO);
	tear_down(NULL);
	assert_int_equal(open_fds(), before);
	set_up(NULL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_honest),
		TEST(test_killed_while_idle),
		TEST(test_killed_between_answer_and_request),
		TEST(test_killed_and_not_asked),
		TEST(test_killed_at_work),
		TEST(test_killer_is_quarantined),
		TEST(test_hang),
		TEST(test_symbols_only),
		TEST(test_misdeeds),
		TEST(test_restarts_are_bounded),
		TEST(test_rows_while_names_wait),
		TEST(test_debug_files_again),
		TEST(test_mutations),
		cmocka_unit_test_setup_teardown(test_nothing_leaks, set_up, tear_down),
	};

	plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
