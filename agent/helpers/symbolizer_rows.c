/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows: pages asked for without waiting, a bounded number of them on their way, answers kept until
 * symbolizer_poll() delivers them.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/helpers/symbolizer_priv.h"

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

/* Nothing is asked, so there is nothing to read but its end. Left open, the socket would wake
 * whoever polls it again and again. */
static void notice_death(struct symbolizer *s)
{
	if (s->sock >= 0 && !s->n_sent && readable(s, 1))
		link_fail(s, -EPIPE);
}

int symbolizer_poll(struct symbolizer *s, uint64_t deadline, symbolizer_rows_fn fn, void *arg)
{
	int n = 0;

	if (s->dying.len)
		link_reap(s);
	notice_death(s);
	do {
		rows_pump(s);
		n += deliver(s, fn, arg);
	} while (s->n_sent && take_in(s, n ? 1 : deadline));
	return n;
}
