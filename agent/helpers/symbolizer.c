/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/helpers/symbolizer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/helpers/spawn.h"
#include "agent/helpers/symbolizer_priv.h"

static const struct symbolizer_limits usual = {
	.rows_ms = 2000,    /* a page, and the FDE index of a file that has none */
	.names_ms = 10000,  /* a batch, with the first reading of a module's debug info */
	.module_ms = 5000,
	.restarts = 20,
	.refill_s = 60,
};

enum { STOP_MS = 300 };

static const char program[] = "pmuscope-symbolizer";

static int spawn_program(void *arg, pid_t *ret_pid, int *ret_sock)
{
	const struct symbolizer *s = arg;
	return spawn_start(s->exe, program, ret_pid, ret_sock);
}

static struct symbolizer *symbolizer_new(const struct symbolizer_limits *limits)
{
	struct symbolizer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->exe = s->sock = s->pid = -1;
	s->limits = *limits;
	s->restarts_left = limits->restarts;
	s->refilled = clock_mono();
	return s;
}

static int first_start(struct symbolizer *s, struct symbolizer **ret)
{
	int r = link_ready(s);

	if (r)
		symbolizer_stop(&s);
	else
		*ret = s;
	return r;
}

int symbolizer_start_by(symbolizer_spawn_fn spawn, void *arg,
			const struct symbolizer_limits *limits, struct symbolizer **ret)
{
	struct symbolizer *s = symbolizer_new(limits ? limits : &usual);

	if (!s)
		return -ENOMEM;
	s->spawn = spawn;
	s->spawn_arg = arg;
	return first_start(s, ret);
}

int symbolizer_prepare(struct symbolizer **ret)
{
	struct symbolizer *s = symbolizer_new(&usual);
	int r = s ? spawn_find(program, &s->exe) : -ENOMEM;

	if (r) {
		symbolizer_stop(&s);
		return r;
	}
	s->spawn = spawn_program;
	s->spawn_arg = s;
	*ret = s;
	return 0;
}

int symbolizer_start(struct symbolizer *s)
{
	return link_ready(s);
}

static void module_close(struct module_entry *m)
{
	fd_close(&m->fd);
	for (size_t i = 0; i < m->handed.len; i++)
		fd_close(&m->handed.at[i].fd);
	vec_free(&m->handed);
}

void symbolizer_stop(struct symbolizer **sp)
{
	struct symbolizer *s = *sp;

	if (!s)
		return;
	link_close(s, STOP_MS);
	link_reap(s);
	for (size_t i = 0; i < s->modules.len; i++)
		module_close(&s->modules.at[i]);
	for (size_t i = 0; i < s->answers.len; i++)
		buf_free(&s->answers.at[i].payload);
	vec_free(&s->modules);
	vec_free(&s->answers);
	vec_free(&s->queue);
	vec_free(&s->dying);
	fd_close(&s->exe);
	free(s);
	*sp = NULL;
}

int symbolizer_pid(const struct symbolizer *s)
{
	return s->pid;
}

int symbolizer_fd(const struct symbolizer *s)
{
	return s->sock;
}

const struct symbolizer_counters *symbolizer_counters(const struct symbolizer *s)
{
	return &s->counters;
}

/* ---- modules ---- */

struct module_entry *module_get(struct symbolizer *s, uint32_t id)
{
	return id < s->modules.len ? &s->modules.at[id] : NULL;
}

int module_usable(struct symbolizer *s, uint32_t id)
{
	const struct module_entry *m = module_get(s, id);

	return !m ? -EINVAL : m->err;
}

bool symbolizer_is_quarantined(const struct symbolizer *s, uint32_t id)
{
	return id < s->modules.len && s->modules.at[id].quarantined;
}

void module_quarantine(struct symbolizer *s, struct module_entry *m)
{
	m->quarantined = true;
	m->err = -EIO;
	module_close(m);
	s->counters.quarantined++;
	rows_give_up(s, (uint32_t)(m - s->modules.at), -EIO);
}

/* The collector adds these up; a sum that wraps would be its trouble. */
static bool segs_sane(const struct sym_info *info)
{
	for (int i = 0; i < info->n_segs; i++) {
		const struct sym_seg *g = &info->segs[i];
		if (g->filesz > g->memsz || g->vaddr + g->memsz < g->vaddr ||
		    g->offset + g->filesz < g->offset)
			return false;
	}
	return true;
}

static int parse_info(void *arg, struct cursor *c)
{
	struct sym_info *ret = arg, info;

	if (sym_info_get(c, &info) || cursor_left(c) || !segs_sane(&info))
		return -EBADMSG;
	*ret = info;
	return 0;
}

static int call_for_info(struct symbolizer *s, uint16_t type, uint32_t id, const struct buf *b,
			 int fd, struct sym_info *info)
{
	struct msg m;
	int r;

	msg_init(&m, SYM_REPLY_MAX);
	r = b->bad ? -ENOMEM : link_call(s, type, id, b, fd, parse_info, info, &m);
	msg_free(&m);
	return r;
}

int symbolizer_module(struct symbolizer *s, enum sym_kind kind, int fd, uint32_t *ret_id,
		      struct sym_info *info)
{
	struct module_entry *m = vec_add_max(&s->modules, MODULES_MAX);
	uint32_t id = (uint32_t)s->modules.len - 1;
	struct buf b = BUF_INIT(64);
	int r;

	*info = (struct sym_info){0};
	if (!m) {
		fd_close(&fd);
		*ret_id = UINT32_MAX;
		return -ENOMEM;
	}
	*m = (struct module_entry){.kind = kind, .fd = fd, .err = fd < 0 ? -EBADF : 0};
	*ret_id = id;
	buf_u32(&b, id);
	buf_u32(&b, kind);
	r = call_for_info(s, SYM_MODULE, id, &b, fd, info);
	buf_free(&b);
	m = module_get(s, id);
	/* No helper at all may change; what it says of the file does not. */
	if (r && r != -ECONNREFUSED && !m->err) {
		m->err = r;
		module_close(m);
	}
	return r;
}

int symbolizer_debug(struct symbolizer *s, uint32_t id, const struct sym_want *want, int fd,
		     struct sym_info *info)
{
	struct module_entry *m = module_get(s, id);
	struct handed *h;
	struct buf b = BUF_INIT(64);
	int r = module_usable(s, id);

	if (!r && m->handed.len >= HANDED_MAX)
		r = -E2BIG;
	buf_u32(&b, id);
	buf_u32(&b, want->kind);
	buf_u32(&b, want->index);
	if (!r)
		r = call_for_info(s, SYM_DEBUG, id, &b, fd, info);
	buf_free(&b);
	m = module_get(s, id);
	h = r ? NULL : vec_add_max(&m->handed, HANDED_MAX);
	if (h)
		*h = (struct handed){.kind = want->kind, .index = want->index, .fd = fd_take(&fd)};
	fd_close(&fd);
	return r;
}

/* ---- rows ---- */

static bool is_pending(const struct symbolizer *s, uint32_t id, uint32_t page)
{
	for (unsigned i = 0; i < s->n_sent; i++) {
		const struct sent *one = &s->sent[(s->sent_at + i) % LINK_SENT_MAX];
		if (one->type == SYM_ROWS && one->id == id && one->page == page)
			return true;
	}
	for (size_t i = 0; i < s->queue.len; i++)
		if (s->queue.at[i].id == id && s->queue.at[i].page == page)
			return true;
	for (size_t i = 0; i < s->answers.len; i++)
		if (s->answers.at[i].id == id && s->answers.at[i].page == page)
			return true;
	return false;
}

void rows_answered(struct symbolizer *s, uint32_t id, uint32_t page, int status, struct buf *b)
{
	struct rows_answer *a = vec_add(&s->answers);

	if (!a) {
		buf_free(b);
		return;
	}
	*a = (struct rows_answer){.id = id, .page = page, .status = status, .payload = *b};
	*b = BUF_INIT(b->max);
}

/* UINT32_MAX: of all modules. */
void rows_give_up(struct symbolizer *s, uint32_t id, int status)
{
	struct buf none = BUF_INIT(0);
	size_t kept = 0;

	for (size_t i = 0; i < s->queue.len; i++) {
		struct rows_key k = s->queue.at[i];
		if (id == UINT32_MAX || k.id == id)
			rows_answered(s, k.id, k.page, status, &none);
		else
			s->queue.at[kept++] = k;
	}
	s->queue.len = kept;
}

static int ask_page(struct symbolizer *s, struct rows_key k)
{
	struct buf b = BUF_INIT(64);
	int r;

	buf_u32(&b, k.id);
	buf_u32(&b, k.page);
	r = link_ask(s, SYM_ROWS, k.id, k.page, &b, -1, false);
	buf_free(&b);
	return r;
}

void rows_pump(struct symbolizer *s)
{
	while (s->queue.len && s->n_sent < LINK_ROWS_IN_FLIGHT && !s->cut) {
		struct rows_key k = s->queue.at[0];
		size_t n = s->queue.len;
		int r;

		if (link_ready(s)) {
			rows_give_up(s, UINT32_MAX, -ECONNREFUSED);
			return;
		}
		r = ask_page(s, k);
		if (r == -EAGAIN)
			return;
		/* After an error the queue is another one, with what was on its way in front. */
		if (!r && s->queue.len == n)
			memmove(s->queue.at, s->queue.at + 1, --s->queue.len * sizeof(k));
	}
}

int symbolizer_ask_rows(struct symbolizer *s, uint32_t id, uint32_t page)
{
	struct rows_key *k;
	int r = module_usable(s, id);

	if (r || is_pending(s, id, page))
		return r;
	k = vec_add_max(&s->queue, ROWS_QUEUE_MAX);
	if (!k)
		return -EAGAIN;
	*k = (struct rows_key){id, page};
	rows_pump(s);
	return 0;
}

unsigned symbolizer_pending(const struct symbolizer *s)
{
	unsigned n = (unsigned)(s->queue.len + s->answers.len);

	for (unsigned i = 0; i < s->n_sent; i++)
		n += s->sent[(s->sent_at + i) % LINK_SENT_MAX].type == SYM_ROWS;
	return n;
}

/* The rows were checked when they came; here they are only pointed into. */
static int deliver(struct symbolizer *s, symbolizer_rows_fn fn, void *arg)
{
	int n = 0;

	for (size_t i = 0; i < s->answers.len; i++, n++) {
		struct rows_answer a = s->answers.at[i];
		struct rows_page page;
		bool good = !a.status && !rows_check(a.payload.data + ROWS_BLOB_AT,
						     a.payload.len - ROWS_BLOB_AT, &page);
		s->answers.at[i].payload = BUF_INIT(0);
		fn(arg, a.id, a.page, a.status, good ? &page : NULL);
		buf_free(&a.payload);
	}
	s->answers.len = 0;
	return n;
}

/* True when a reply has begun to arrive, or the helper is dead. */
static bool readable(const struct symbolizer *s, uint64_t deadline)
{
	struct pollfd p = {.fd = s->sock, .events = POLLIN};
	uint64_t now = clock_mono(), ns = deadline > now ? deadline - now : 0;
	struct timespec t = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	return ppoll(&p, 1, &t, NULL) > 0;
}

/* Waits for a reply and takes it in; false when there was none in time. */
static bool take_in(struct symbolizer *s, uint64_t deadline)
{
	uint64_t limit = link_deadline(s);
	struct sent one;
	struct msg m;

	if (!readable(s, deadline && deadline < limit ? deadline : limit)) {
		if (clock_mono() < limit)
			return false;
		link_fail(s, -ETIMEDOUT);
		return true;
	}
	msg_init(&m, SYM_REPLY_MAX);
	(void)link_take(s, &m, &one); /* a failure is dealt with there; the queue shows it */
	msg_free(&m);
	return true;
}

int symbolizer_poll(struct symbolizer *s, uint64_t deadline, symbolizer_rows_fn fn, void *arg)
{
	int n = 0;

	if (s->dying.len)
		link_reap(s);
	do {
		rows_pump(s);
		n += deliver(s, fn, arg);
	} while (s->n_sent && take_in(s, n ? 1 : deadline));
	return n;
}
