/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/helpers/children.h"
#include "agent/helpers/spawn.h"
#include "agent/helpers/symbolizer_priv.h"

enum { SEND_MS = 2000 };

static struct sent *head(struct symbolizer *s)
{
	return s->n_sent ? &s->sent[s->sent_at] : NULL;
}

uint64_t link_deadline(const struct symbolizer *s)
{
	uint16_t type = s->n_sent ? s->sent[s->sent_at].type : 0;
	unsigned ms = type == SYM_ROWS ? s->limits.rows_ms
		      : type == SYM_MODULE ? s->limits.module_ms : s->limits.names_ms;

	return s->head_since + (uint64_t)ms * NS_PER_MS;
}

static void push_sent(struct symbolizer *s, struct sent one)
{
	if (!s->n_sent)
		s->head_since = clock_mono();
	s->sent[(s->sent_at + s->n_sent++) % LINK_SENT_MAX] = one;
}

static struct sent pop_sent(struct symbolizer *s)
{
	struct sent one = s->sent[s->sent_at];

	s->sent_at = (s->sent_at + 1) % LINK_SENT_MAX;
	s->n_sent--;
	s->head_since = clock_mono();
	return one;
}

void link_reap(struct symbolizer *s)
{
	for (size_t i = 0; i < s->dying.len;)
		if (child_reap(s->dying.at[i]))
			s->dying.at[i] = s->dying.at[--s->dying.len];
		else
			i++;
}

void link_close(struct symbolizer *s, unsigned ms)
{
	pid_t *late;

	fd_close(&s->sock);
	if (s->pid > 0 && !child_end(s->pid, ms) && (late = vec_add(&s->dying)))
		*late = s->pid; /* it hangs in a read of somebody's file */
	s->pid = -1;
	s->cut = false;
}

/* The pages on their way go back to the front of the queue, in their order. */
static void requeue(struct symbolizer *s)
{
	size_t n = 0, had = s->queue.len;

	for (unsigned i = 0; i < s->n_sent; i++)
		n += s->sent[(s->sent_at + i) % LINK_SENT_MAX].type == SYM_ROWS;
	for (size_t i = 0; i < n; i++) {
		const struct rows_key *room = vec_add(&s->queue);
		if (!room)
			n = i; /* the last ones are lost: their samples end "table late" */
	}
	if (n && had)
		memmove(s->queue.at + n, s->queue.at, had * sizeof(*s->queue.at));
	for (size_t i = 0; s->n_sent;) {
		struct sent one = pop_sent(s);
		if (one.type == SYM_ROWS && i < n)
			s->queue.at[i++] = (struct rows_key){one.id, one.page};
	}
}

void link_fail(struct symbolizer *s, int err)
{
	const struct sent *h = head(s);
	struct module_entry *m = h ? module_get(s, h->id) : NULL;
	bool names = m && h->type == SYM_NAMES;

	if (err == -ETIMEDOUT)
		s->counters.deadlines++;
	else if (err != -EPIPE)
		s->counters.bad_replies++;
	link_close(s, 0);
	requeue(s);
	/* Its debug information may be broken, or too large for its time or memory. */
	if (names && !m->symbols_only) {
		m->symbols_only = true;
		s->counters.symbols_only++;
	}
	if (m && !m->quarantined && ++m->deaths >= DEATHS_MAX)
		module_quarantine(s, m);
}

/* A helper that dies again and again costs no more than so many starts. */
static bool may_start(struct symbolizer *s)
{
	uint64_t now = clock_mono(), per = (uint64_t)s->limits.refill_s * NS_PER_S;

	if (!s->started)
		return true;
	if (per && now - s->refilled >= per) {
		uint64_t more = (now - s->refilled) / per, room = s->limits.restarts;
		s->refilled += more * per;
		s->restarts_left += (unsigned)(more > room ? room : more);
		if (s->restarts_left > s->limits.restarts)
			s->restarts_left = s->limits.restarts;
	}
	if (!s->restarts_left)
		return false;
	s->restarts_left--;
	return true;
}

static int refuse(struct symbolizer *s)
{
	s->counters.refused++;
	return -ECONNREFUSED;
}

int link_ready(struct symbolizer *s)
{
	int r;

	if (s->sock >= 0)
		return 0;
	link_reap(s);
	if (!may_start(s))
		return refuse(s);
	fd_room_give(&s->room);
	r = s->spawn(s->spawn_arg, &s->pid, &s->sock);
	(void)fd_room_take(&s->room, SPAWN_FDS);
	if (r) {
		s->pid = s->sock = -1;
		return s->started ? refuse(s) : r; /* the next one may succeed */
	}
	if (s->started)
		s->counters.restarts++;
	s->started = true;
	s->generation++;
	return 0;
}

static int send_one(struct symbolizer *s, struct sent one, const struct buf *payload, int fd)
{
	int r = s->cut ? -EPIPE : -EAGAIN;

	if (!s->cut && s->n_sent < LINK_SENT_MAX) {
		one.seq = ++s->seq;
		r = msg_send(s->sock, one.type, one.seq, payload->data, payload->len, &fd, fd >= 0,
			     clock_mono() + (uint64_t)SEND_MS * NS_PER_MS);
		if (!r) {
			s->counters.requests++;
			push_sent(s, one);
			return 0;
		}
		/* Dead: what it answered before its death is read first, to blame the right one. */
		s->cut = r == -EPIPE && s->n_sent;
	}
	if (r != -EAGAIN && !s->cut)
		link_fail(s, r);
	return r;
}

/* Hands a module and its debug files over, where this helper has not seen them. The answers are
 * known: they are not waited for. */
static int make_known(struct symbolizer *s, uint32_t id, struct module_entry *m)
{
	struct buf b = BUF_INIT(64);
	int r;

	buf_u32(&b, id);
	buf_u32(&b, m->kind);
	r = send_one(s, (struct sent){.id = id, .type = SYM_MODULE}, &b, m->fd);
	for (size_t i = 0; i < m->handed.len && !r; i++) {
		const struct handed *h = &m->handed.at[i];
		buf_reset(&b);
		buf_u32(&b, id);
		buf_u32(&b, h->kind);
		buf_u32(&b, h->index);
		r = send_one(s, (struct sent){.id = id, .type = SYM_DEBUG}, &b, h->fd);
	}
	buf_free(&b);
	if (!r)
		m->generation = s->generation;
	return r;
}

int link_ask(struct symbolizer *s, uint16_t type, uint32_t id, uint32_t page,
	     const struct buf *payload, int fd, bool wait)
{
	struct module_entry *m = module_get(s, id);
	int r = link_ready(s);

	if (r)
		return r;
	if (s->n_sent + HANDED_MAX + 2 > LINK_SENT_MAX)
		return s->cut ? -EPIPE : -EAGAIN;
	if (type == SYM_MODULE)
		m->generation = s->generation;
	else if (m->generation != s->generation)
		r = make_known(s, id, m);
	if (r)
		return r;
	return send_one(s, (struct sent){.id = id, .page = page, .type = type, .wait = wait}, payload,
			fd);
}

/* The status that a reply begins with: at most 0, at least -4095 (errno.h). */
static int reply_status(struct cursor *c, int *ret)
{
	int32_t status = cursor_i32(c);

	if (c->bad || status > 0 || status < -4095 || (status && cursor_left(c)))
		return -EBADMSG;
	*ret = status;
	return 0;
}

static int check_rows(const struct sent *one, struct msg *m, int *ret_status)
{
	struct cursor c = cursor_over(m->payload.data, m->payload.len);
	struct rows_page page;
	int r = reply_status(&c, ret_status);

	if (r || *ret_status)
		return r;
	if (cursor_u32(&c) || c.bad)
		return -EBADMSG;
	/* malloc'ed, so the blob behind status and zero is aligned. */
	r = rows_check(m->payload.data + ROWS_BLOB_AT, cursor_left(&c), &page);
	return r ? r : page.head.page == one->page ? 0 : -EBADMSG;
}

static int check_again(struct msg *m)
{
	struct cursor c = cursor_over(m->payload.data, m->payload.len);
	struct sym_info info;
	int status = 0, r = reply_status(&c, &status);

	return r || status ? r : sym_info_get(&c, &info);
}

static int check_waited(struct symbolizer *s, struct msg *m)
{
	struct cursor c = cursor_over(m->payload.data, m->payload.len);
	int r = reply_status(&c, &s->waiter.status);

	return r || s->waiter.status ? r : s->waiter.parse(s->waiter.arg, &c);
}

/* Everything is checked while its request is still the head, which is blamed for what is bad. */
static int dispatch(struct symbolizer *s, const struct sent *one, struct msg *m)
{
	int status = 0, r;

	if (one->wait)
		return check_waited(s, m);
	if (one->type != SYM_ROWS)
		return check_again(m);
	r = check_rows(one, m, &status);
	if (!r) {
		rows_answered(s, one->id, one->page, status, &m->payload);
		m->payload = BUF_INIT(m->payload.max);
	}
	return r;
}

int link_take(struct symbolizer *s, struct msg *m, struct sent *ret)
{
	uint64_t deadline = link_deadline(s);
	const struct sent *h = head(s);
	int r;

	if (!h)
		return -EINVAL;
	r = msg_recv(s->sock, m, deadline);
	if (!r && (m->seq != h->seq || m->type != (h->type | SYM_REPLY) || m->n_fds))
		r = -EPROTO;
	if (!r)
		r = dispatch(s, h, m);
	if (r) {
		link_fail(s, r);
		return r;
	}
	*ret = pop_sent(s);
	/* Dead since a send failed, and all its answers are read: nobody is to blame. */
	if (s->cut && !s->n_sent)
		link_close(s, 0);
	return 0;
}

bool link_try(struct symbolizer *s, uint16_t type, uint32_t id, const struct buf *payload, int fd,
	      link_parse_fn parse, void *arg, struct msg *m, int *ret)
{
	struct sent one = {0};
	int r;

	s->waiter.parse = parse;
	s->waiter.arg = arg;
	*ret = module_usable(s, id);
	if (!*ret)
		*ret = link_ready(s);
	if (*ret)
		return true;
	do {
		r = link_ask(s, type, id, 0, payload, fd, true);
	} while (r == -EAGAIN && link_take(s, m, &one) == 0);
	/* Where sending failed, what is left to be read says who is to blame. */
	while (s->n_sent && s->sock >= 0 && !one.wait && link_take(s, m, &one) == 0)
		;
	*ret = s->waiter.status;
	return one.wait;
}

int link_call(struct symbolizer *s, uint16_t type, uint32_t id, const struct buf *payload, int fd,
	      link_parse_fn parse, void *arg, struct msg *m)
{
	int r;

	while (!link_try(s, type, id, payload, fd, parse, arg, m, &r))
		;
	return r;
}
