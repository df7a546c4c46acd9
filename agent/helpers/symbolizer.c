/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/helpers/symbolizer.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/base/clock.h"
#include "agent/base/fd.h"
#include "agent/helpers/spawn.h"
#include "agent/helpers/symbolizer_priv.h"

static const struct symbolizer_limits usual = {
	.rows_ms = 2000,    /* a page, and the FDE index of a file that has none */
	.names_ms = 10000,  /* a batch, with the first reading of a module's debug info */
	.module_ms = 600, /* waited for while the rings fill: they hold about half a second */
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
	fd_room_give(&s->room);
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
