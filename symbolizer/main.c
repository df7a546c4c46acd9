/* SPDX-License-Identifier: Apache-2.0
 *
 * pmuscope-symbolizer: reads ELF, DWARF and symbol tables that others wrote, so that no process
 * with rights has to. It gets a socket as descriptor 3 and nothing else, gives up every right
 * before it reads the first message, and ends with the socket.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/fd.h"
#include "agent/base/log.h"
#include "agent/wire/msg.h"
#include "agent/wire/sym.h"
#include "symbolizer/jail.h"
#include "symbolizer/module.h"
#include "symbolizer/reply.h"

enum {
	SOCKET_FD = 3,
	EXIT_FAILED = 125,
	REQUEST_MAX = 64 * 1024,
	BIG_BLOCK = 1 << 20,
	REPLY_KEPT = 1 << 20, /* a larger buffer is given back */
};

/* Each answers what it takes from `c` by appending to `out`: 0 or -errno. */
static int put_info(const struct module *m, struct buf *out)
{
	struct sym_info info;

	module_info(m, &info);
	sym_info_put(out, &info);
	return 0;
}

static int on_module(struct modules *ms, struct cursor *c, struct msg *m, struct buf *out)
{
	uint32_t id = cursor_u32(c), kind = cursor_u32(c);
	struct module *mod;
	int r;

	if (c->bad)
		return -EBADMSG;
	r = modules_add(ms, id, kind, fd_take(&m->fds[0]), &mod);
	return r ? r : put_info(mod, out);
}

static int on_forget(struct modules *ms, struct cursor *c, struct msg *m, struct buf *out)
{
	uint32_t id = cursor_u32(c);

	if (c->bad)
		return -EBADMSG;
	modules_forget(ms, id);
	return 0;
}

static int on_rows(struct modules *ms, struct cursor *c, struct msg *m, struct buf *out)
{
	struct module *mod = modules_find(ms, cursor_u32(c));
	uint32_t page = cursor_u32(c);

	if (c->bad)
		return -EBADMSG;
	if (!mod)
		return -ENOENT;
	buf_u32(out, 0);
	return module_rows(mod, page, out);
}

static int on_debug(struct modules *ms, struct cursor *c, struct msg *m, struct buf *out)
{
	struct module *mod = modules_find(ms, cursor_u32(c));
	uint32_t kind = cursor_u32(c);
	int r;

	(void)cursor_u32(c); /* index: there is one wish of a kind */
	if (c->bad)
		return -EBADMSG;
	if (!mod)
		return -ENOENT;
	r = module_debug(mod, kind, fd_take(&m->fds[0]));
	return r ? r : put_info(mod, out);
}

static void add_names(struct module *mod, struct cursor *c, uint32_t n, uint64_t budget,
		      struct reply *reply, struct frames *frames)
{
	module_refresh(mod);
	for (uint32_t i = 0; i < n; i++) {
		module_at(mod, cursor_u64(c), &budget, frames);
		reply_add(reply, frames);
	}
}

static int name(struct modules *ms, struct cursor *c, uint64_t budget, struct buf *out)
{
	struct module *mod = modules_find(ms, cursor_u32(c));
	uint32_t n = cursor_u32(c);
	struct reply *reply = NULL;
	struct frames *frames;
	int r;

	if (c->bad || n == 0 || n > SYM_NAMES_MAX || cursor_left(c) != n * sizeof(uint64_t))
		return -EBADMSG;
	if (!mod)
		return -ENOENT;
	frames = malloc(sizeof(*frames));
	r = frames ? reply_new(&reply) : -ENOMEM;
	if (!r) {
		add_names(mod, c, n, budget, reply, frames);
		r = reply_put(reply, out);
		modules_trim(ms, mod);
	}
	reply_free(&reply);
	free(frames);
	return r;
}

static int on_names(struct modules *ms, struct cursor *c, struct msg *m, struct buf *out)
{
	return name(ms, c, MODULE_VISITS, out);
}

static int on_symbols(struct modules *ms, struct cursor *c, struct msg *m, struct buf *out)
{
	return name(ms, c, 0, out);
}

/* Everything that can be asked of this process. */
static const struct request {
	uint16_t type;
	uint8_t min_fds, max_fds;
	uint32_t max; /* bytes of payload */
	int (*fn)(struct modules *ms, struct cursor *c, struct msg *m, struct buf *out);
} requests[] = {
	{SYM_MODULE, 1, 1, 8, on_module},
	{SYM_FORGET, 0, 0, 4, on_forget},
	{SYM_ROWS, 0, 0, 8, on_rows},
	{SYM_DEBUG, 0, 1, 12, on_debug},
	{SYM_NAMES, 0, 0, 8 + SYM_NAMES_MAX * sizeof(uint64_t), on_names},
	{SYM_SYMBOLS, 0, 0, 8 + SYM_NAMES_MAX * sizeof(uint64_t), on_symbols},
};
_Static_assert(REQUEST_MAX >= 8 + SYM_NAMES_MAX * sizeof(uint64_t), "the largest request");

static int dispatch(struct modules *ms, struct msg *m, struct buf *out)
{
	struct cursor c = cursor_over(m->payload.data, m->payload.len);

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request *r = &requests[i];
		if (r->type != m->type)
			continue;
		if (m->n_fds < r->min_fds || m->n_fds > r->max_fds || m->payload.len > r->max)
			return -EBADMSG;
		return r->fn(ms, &c, m, out);
	}
	return -ENOSYS;
}

/* Puts the status in front; an error is all there is. */
static int answer(struct modules *ms, struct msg *m, struct buf *out)
{
	int32_t status;

	buf_reset(out);
	buf_i32(out, 0);
	status = dispatch(ms, m, out);
	if (!status && out->bad)
		status = -EMSGSIZE;
	if (status) {
		buf_reset(out);
		buf_i32(out, status);
	}
	return msg_send(SOCKET_FD, m->type | SYM_REPLY, m->seq, out->data, out->len, NULL, 0, 0);
}

static int serve(struct modules *ms)
{
	struct buf out = BUF_INIT(SYM_REPLY_MAX);
	struct msg m;
	int r;

	msg_init(&m, REQUEST_MAX);
	do {
		r = msg_recv(SOCKET_FD, &m, 0);
		if (!r)
			r = answer(ms, &m, &out);
		if (out.cap > REPLY_KEPT)
			buf_free(&out);
	} while (!r);
	msg_free(&m);
	buf_free(&out);
	return r == -EPIPE ? 0 : r;
}

int main(void)
{
	struct modules *ms;
	int r;

	if (!jail_has_socket(SOCKET_FD)) {
		log_error("pmuscope-symbolizer is started by pmuscope itself, with a socket as "
			  "descriptor 3; there is nothing to run by hand");
		return EXIT_FAILED;
	}
	/* Sections are large, and go back to the system as soon as they are freed. */
	mallopt(M_MMAP_THRESHOLD, BIG_BLOCK);
	r = jail_enter(SOCKET_FD);
	if (!r)
		r = modules_new(&ms);
	if (r) {
		log_error("pmuscope-symbolizer could not give up its rights (%s) and does not "
			  "start", strerrordesc_np(-r));
		return EXIT_FAILED;
	}
	r = serve(ms);
	modules_free(&ms);
	_exit(r ? EXIT_FAILED : 0);
}
