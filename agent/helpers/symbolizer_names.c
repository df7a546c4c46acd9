/* SPDX-License-Identifier: Apache-2.0
 *
 * Names: batches of addresses, replies checked as a whole before the first name is handed on.
 */
#include <errno.h>
#include <string.h>

#include "agent/helpers/symbolizer_priv.h"

enum {
	BATCH = 256,
	STRINGS_MAX = 1 << 20,
};

struct names {
	size_t asked;
	VEC(const char *) strings; /* into `text`, after it is complete */
	struct buf text;
	VEC(struct sym_frame) frames;
	uint8_t n_frames[BATCH];
};

static void names_free(struct names *n)
{
	vec_free(&n->strings);
	vec_free(&n->frames);
	buf_free(&n->text);
}

/* Copies the strings, each with a NUL; none may bring its own. */
static int parse_strings(struct names *n, struct cursor *c)
{
	uint32_t count = cursor_u32(c);
	size_t at = 0;

	/* Each costs two bytes at least: a count that lies is found before it costs memory. */
	if (c->bad || !count || count > STRINGS_MAX || count > cursor_left(c) / 2)
		return -EBADMSG;
	for (uint32_t i = 0; i < count; i++) {
		uint16_t len = cursor_u16(c);
		const char *s = cursor_take(c, len);
		if (!s || len > SYM_NAME_MAX || (!i && len) || memchr(s, 0, len))
			return -EBADMSG;
		buf_put(&n->text, s, len);
		buf_u8(&n->text, 0);
	}
	if (n->text.bad)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const char **s = vec_add(&n->strings);
		if (!s)
			return -ENOMEM;
		*s = (const char *)n->text.data + at;
		at += strlen(*s) + 1;
	}
	return 0;
}

static int parse_frame(struct names *n, struct cursor *c)
{
	struct sym_frame f, *to;

	f.name = cursor_u32(c);
	f.linkage = cursor_u32(c);
	f.file = cursor_u32(c);
	f.line = cursor_u32(c);
	f.start_line = cursor_u32(c);
	if (c->bad || !f.name || f.name >= n->strings.len || f.linkage >= n->strings.len ||
	    f.file >= n->strings.len)
		return -EBADMSG;
	to = vec_add(&n->frames);
	if (!to)
		return -ENOMEM;
	*to = f;
	return 0;
}

static int parse_names(void *arg, struct cursor *c)
{
	struct names *n = arg;
	int r;

	/* A second try begins anew. */
	n->strings.len = n->frames.len = 0;
	buf_reset(&n->text);
	r = parse_strings(n, c);
	if (!r && cursor_u32(c) != n->asked)
		r = -EBADMSG;
	for (size_t i = 0; i < n->asked && !r; i++) {
		n->n_frames[i] = cursor_u8(c);
		if (n->n_frames[i] > SYM_FRAMES_MAX)
			r = -EBADMSG;
		for (unsigned k = 0; k < n->n_frames[i] && !r; k++)
			r = parse_frame(n, c);
	}
	return r ? r : c->bad || cursor_left(c) ? -EBADMSG : 0;
}

static void emit(const struct names *n, size_t first, symbolizer_name_fn fn, void *arg)
{
	struct symbolizer_frame out[SYM_FRAMES_MAX];
	size_t at = 0;

	for (size_t i = 0; i < n->asked; i++) {
		for (unsigned k = 0; k < n->n_frames[i]; k++, at++) {
			const struct sym_frame *f = &n->frames.at[at];
			out[k] = (struct symbolizer_frame){
				.name = n->strings.at[f->name],
				.linkage = n->strings.at[f->linkage],
				.file = n->strings.at[f->file],
				.line = f->line,
				.start_line = f->start_line,
			};
		}
		fn(arg, first + i, out, n->n_frames[i]);
	}
}

/* Each try with what the one before it has left allowed. */
static int ask_names(struct symbolizer *s, uint32_t id, const struct buf *b, struct names *n,
		     struct msg *m)
{
	const struct module_entry *e;
	int r;

	do {
		e = module_get(s, id);
	} while (!link_try(s, e && e->symbols_only ? SYM_SYMBOLS : SYM_NAMES, id, b, -1,
			   parse_names, n, m, &r));
	return r;
}

static int ask_batch(struct symbolizer *s, uint32_t id, const uint64_t *addresses, size_t count,
		     struct names *n)
{
	struct buf b = BUF_INIT(64 + BATCH * sizeof(*addresses));
	struct msg m;
	int r;

	n->asked = count;
	msg_init(&m, SYM_REPLY_MAX);
	buf_u32(&b, id);
	buf_u32(&b, (uint32_t)count);
	buf_put(&b, addresses, count * sizeof(*addresses));
	r = b.bad ? -ENOMEM : ask_names(s, id, &b, n, &m);
	if (r) /* what a refused reply left behind is nothing */
		memset(n->n_frames, 0, sizeof(n->n_frames));
	msg_free(&m);
	buf_free(&b);
	return r;
}

void symbolizer_names(struct symbolizer *s, uint32_t id, const uint64_t *addresses, size_t n,
		      symbolizer_name_fn fn, void *arg)
{
	struct names names = {.text = BUF_INIT(SYM_REPLY_MAX)};

	for (size_t i = 0; i < n; i += BATCH) {
		size_t count = n - i < BATCH ? n - i : BATCH;
		(void)ask_batch(s, id, addresses + i, count, &names);
		emit(&names, i, fn, arg);
	}
	names_free(&names);
}
