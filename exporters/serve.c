/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/serve.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/base/fd.h"
#include "agent/base/log.h"
#include "agent/wire/exp.h"
#include "agent/wire/msg.h"
#include "agent/wire/profile.h"
#include "exporters/confined.h"
#include "exporters/fit.h"
#include "exporters/gzip.h"
#include "exporters/table.h"

enum { EXIT_FAILED = 125, REQUEST_MAX = 256, REPLY_MAX = 1 << 20 };

struct server {
	int sock;
	unsigned n;
	struct {
		enum exp_format format;
		int fd;
	} outputs[EXP_OUTPUTS_MAX];
};

static void close_outputs(struct server *s)
{
	for (unsigned i = 0; i < s->n; i++)
		fd_close(&s->outputs[i].fd);
	s->n = 0;
}

static int on_output(struct server *s, struct msg *m, struct buf *reply)
{
	struct cursor c = cursor_over(m->payload.data, m->payload.len);
	uint32_t format = cursor_u32(&c), flags = cursor_u32(&c);

	if (c.bad || cursor_left(&c) || format >= EXP_FORMATS || flags || m->n_fds != 1)
		return -EINVAL;
	if (s->n == EXP_OUTPUTS_MAX)
		return -E2BIG;
	s->outputs[s->n].format = format;
	s->outputs[s->n++].fd = fd_take(&m->fds[0]);
	return 0;
}

static int load(int fd, struct profile *ret)
{
	struct buf b = BUF_INIT(PROFILE_ENCODED_MAX);
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : buf_read_fd(&b, fd);

	if (!r)
		r = profile_decode(b.data, b.len, ret);
	buf_free(&b);
	return r;
}

/* Each output succeeds or fails on its own; the first failure is the verdict. */
static int write_outputs(struct server *s, const struct profile *p, struct buf *results)
{
	int verdict = 0;

	for (unsigned i = 0; i < s->n; i++) {
		uint64_t bytes = 0;
		uint32_t kept = 0;
		int r = fit_write(s->outputs[i].format, p, s->outputs[i].fd, &bytes, &kept);

		buf_i32(results, r);
		buf_u64(results, bytes);
		buf_u32(results, kept);
		verdict = verdict ? verdict : r;
	}
	return verdict;
}

static int on_profile(struct server *s, struct msg *m, struct buf *reply)
{
	struct buf text = BUF_INIT(REPLY_MAX / 2), results = BUF_INIT(REPLY_MAX);
	struct term t = {.utf8 = true}; /* the log of the collector takes it from there */
	struct profile p;
	int r = m->n_fds == 1 && !m->payload.len ? load(m->fds[0], &p) : -EINVAL;

	if (r) {
		close_outputs(s);
		return r;
	}
	r = write_outputs(s, &p, &results);
	if (table_top_self(&p, &t, &text) || text.bad)
		buf_reset(&text);
	if (text.len) /* the last line's end is the printer's */
		text.len--;
	buf_u32(reply, s->n);
	buf_put(reply, results.data, results.len);
	buf_u32(reply, (uint32_t)text.len);
	buf_put(reply, text.data, text.len);
	profile_free(&p);
	buf_free(&text);
	buf_free(&results);
	close_outputs(s);
	return r;
}

static const struct {
	uint16_t type;
	int (*fn)(struct server *s, struct msg *m, struct buf *reply);
} handlers[] = {
	{EXP_OUTPUT, on_output},
	{EXP_PROFILE, on_profile},
};

static int answer(struct server *s, struct msg *m)
{
	struct buf body = BUF_INIT(REPLY_MAX), reply = BUF_INIT(REPLY_MAX + sizeof(int32_t));
	int status = -ENOSYS, r;

	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++)
		if (handlers[i].type == m->type)
			status = handlers[i].fn(s, m, &body);
	buf_i32(&reply, body.bad ? -ENOMEM : status);
	if (!body.bad)
		buf_put(&reply, body.data, body.len);
	r = reply.bad ? -ENOMEM
		      : msg_send(s->sock, m->type | EXP_REPLY, m->seq, reply.data, reply.len,
				 NULL, 0, 0);
	buf_free(&body);
	buf_free(&reply);
	return r;
}

int serve(int sock)
{
	struct server s = {.sock = sock};
	struct msg m;
	int r;

	msg_init(&m, REQUEST_MAX);
	while ((r = msg_recv(sock, &m, 0)) == 0 && (r = answer(&s, &m)) == 0)
		;
	msg_free(&m);
	close_outputs(&s);
	return r == -EPIPE ? 0 : r;
}

/* Ctrl-C is for the collector, which then wants its profile written; a full pipe or a size limit
 * is an error of one output. */
static void ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
}

int serve_main(int argc, char **argv)
{
	int r;

	prctl(PR_SET_NAME, "pmuscope-expo");
	ignore_signals();
	gzip_prepare();
	r = close_range(SERVE_FD + 1, ~0U, 0) ? -errno : confined_server();
	if (r) {
		log_error("exporter: cannot give up its rights: %s", strerror(-r));
		return EXIT_FAILED;
	}
	r = serve(SERVE_FD);
	if (r)
		log_error("exporter: %s", strerror(-r));
	return r ? EXIT_FAILED : 0;
}
