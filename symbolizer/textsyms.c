/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/textsyms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/fd.h"
#include "symbolizer/textsyms_priv.h"

enum { READ_STEP = 256 * 1024 };

int textsyms_open(int fd, const struct textsyms_format *format, struct textsyms **ret)
{
	struct textsyms *t = calloc(1, sizeof(*t));

	if (!t) {
		fd_close(&fd);
		return -ENOMEM;
	}
	t->fd = fd;
	t->format = format;
	t->names = BUF_INIT(TEXTSYMS_FILE_MAX);
	*ret = t;
	return 0;
}

void textsyms_close(struct textsyms **tp)
{
	struct textsyms *t = *tp;

	if (t) {
		fd_close(&t->fd);
		buf_free(&t->names);
		vec_free(&t->entries);
		spans_free(&t->spans);
	}
	free(t);
	*tp = NULL;
}

static void forget(struct textsyms *t)
{
	t->done = 0;
	t->tail = 0;
	t->entries.len = 0;
	buf_reset(&t->names);
	spans_free(&t->spans);
}

bool textsyms_hex(struct cursor *c, uint64_t *ret)
{
	static const uint8_t digits[256] = { /* its value and one */
		['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7,
		['7'] = 8, ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14,
		['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15,
		['F'] = 16,
	};
	const uint8_t *at = c->at;
	uint64_t v = 0;

	for (; at < c->end && digits[*at]; at++)
		v = v << 4 | (digits[*at] - 1u);
	*ret = v;
	v = (uint64_t)(at - c->at);
	c->at = at;
	return v >= 1 && v <= 16;
}

bool textsyms_name(struct textsyms *t, struct str name, uint32_t *ret)
{
	uint16_t len = (uint16_t)(name.len < TEXTSYMS_NAME_MAX ? name.len : TEXTSYMS_NAME_MAX);
	size_t at = t->names.len;
	uint8_t *to = buf_add(&t->names, sizeof(len) + len);

	if (!to)
		return false;
	memcpy(to, &len, sizeof(len));
	memcpy(to + sizeof(len), name.at, len);
	*ret = (uint32_t)at;
	return true;
}

/* Parses the whole lines in `text`, and the rest too when it is the `last` part; returns how many
 * bytes that was. */
static size_t parse_lines(struct textsyms *t, const char *text, size_t len, bool last)
{
	const char *at = text, *end = text + len;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		if (!nl && !last)
			break;
		t->format->line(t, cursor_over(at, (size_t)((nl ? nl : end) - at)));
		at = nl ? nl + 1 : end;
	}
	return (size_t)(at - text);
}

/* Reads on from `t->done`. A line longer than the buffer is taken in pieces, of which no format
 * accepts more than the first. A last line without its end may still be being written: it counts,
 * and is read again next time, when it replaces itself. */
static int read_on(struct textsyms *t, char *buf, bool *ret_changed)
{
	size_t have = 0;

	while (t->done + have < TEXTSYMS_FILE_MAX) {
		ssize_t n = pread(t->fd, buf + have, READ_STEP - have, (off_t)(t->done + have));
		size_t used;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
		used = parse_lines(t, buf, have, have == READ_STEP);
		*ret_changed |= used != 0;
		if (used)
			t->tail = 0; /* it was the beginning of a line that is done now */
		t->done += used;
		have -= used;
		memmove(buf, buf + used, have);
	}
	if (have && have != t->tail) {
		parse_lines(t, buf, have, true);
		*ret_changed = true;
	}
	t->tail = have;
	return 0;
}

int textsyms_refresh(struct textsyms *t)
{
	off_t size = t->format->once ? -1 : lseek(t->fd, 0, SEEK_END);
	bool changed = false;
	char *buf;
	int r;

	if (t->format->once && t->done)
		return 0;
	if (size >= 0 && (uint64_t)size < t->done)
		forget(t); /* begun anew */
	buf = malloc(READ_STEP);
	if (!buf)
		return -ENOMEM;
	r = read_on(t, buf, &changed);
	free(buf);
	if (changed) {
		int e = t->format->flatten(t);
		r = r ? r : e;
	}
	return r;
}

struct str textsyms_find(const struct textsyms *t, uint64_t addr, struct str *ret_module)
{
	uint32_t off = spans_find(&t->spans, addr);
	struct cursor c = cursor_over(t->names.data, t->names.len);
	struct str s = {0};

	*ret_module = (struct str){0};
	if (off == SPANS_NONE || off == TEXTSYMS_GAP)
		return s;
	cursor_skip(&c, off);
	s.len = cursor_u16(&c);
	s.at = cursor_take(&c, s.len);
	if (s.at && t->format->split)
		t->format->split(&s, ret_module);
	return s;
}
