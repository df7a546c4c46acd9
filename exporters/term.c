/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/term.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool utf8_locale(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *v = getenv(names[i]);
		if (v && *v)
			return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
	}
	return false;
}

struct term term_of(int fd)
{
	struct term t = {.utf8 = utf8_locale()};
	const char *no = getenv("NO_COLOR"), *kind = getenv("TERM");
	struct winsize size = {0};

	if (!isatty(fd))
		return t;
	t.columns = 80;
	t.rows = 24;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		t.columns = size.ws_col;
		t.rows = size.ws_row;
	}
	t.colour = !(no && *no) && !(kind && !strcmp(kind, "dumb"));
	return t;
}

const char *term_plus_minus(const struct term *t)
{
	return t->utf8 ? "±" : "+-";
}

static bool is_first(char c) /* the first byte of a character */
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t term_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += is_first(*s);
	return n;
}

/* Copies `s` without what stands between < and > at any depth: "map<…>::find" keeps its sense. The
 * names of operators are no brackets. */
static void drop_arguments(const char *s, char *out)
{
	static const char operator[] = "operator";
	size_t depth = 0;

	for (const char *at = s; *at; at++) {
		bool named = at - s >= (ptrdiff_t)sizeof(operator) - 1 &&
			     !strncmp(at - (sizeof(operator) - 1), operator, sizeof(operator) - 1);
		bool arrow = *at == '>' && at > s && at[-1] == '-';
		if (named) {
			size_t n = strspn(at, "<>=-");
			if (!depth && n) {
				memcpy(out, at, n);
				out += n;
			}
			if (n) {
				at += n - 1;
				continue;
			}
		}
		if (*at == '<' && at > s) {
			if (!depth++)
				*out++ = '<';
		} else if (*at == '>' && depth && !arrow) {
			if (!--depth)
				*out++ = '>';
		} else if (!depth) {
			*out++ = *at;
		}
	}
	*out = '\0';
}

/* The start of character `n` of a text, or its end. */
static const char *nth(const char *s, size_t n)
{
	while (*s && n--)
		do
			s++;
		while (*s && !is_first(*s));
	return s;
}

static void put_chars(const struct term *t, struct buf *b, const char *s, size_t from, size_t n)
{
	const char *at = nth(s, from), *end = nth(at, n);

	if (t->utf8) {
		buf_put(b, at, (size_t)(end - at));
		return;
	}
	for (; at < end; at++)
		if (is_first(*at))
			buf_u8(b, (uint8_t)(*at > 0 ? *at : '?'));
}

static size_t put_middle_cut(const struct term *t, struct buf *b, const char *s, size_t width)
{
	size_t have = term_width(s), gap = t->utf8 ? 1 : 2, head;

	if (width <= gap + 2) {
		put_chars(t, b, s, 0, width);
		return width;
	}
	/* The end of a name tells more than its beginning. */
	head = (width - gap) * 2 / 5;
	put_chars(t, b, s, 0, head);
	buf_put(b, t->utf8 ? "…" : "..", t->utf8 ? 3 : 2);
	put_chars(t, b, s, have - (width - gap - head), width - gap - head);
	return width;
}

size_t term_put_name(const struct term *t, struct buf *b, const char *s, size_t width)
{
	size_t have = term_width(s);
	char *shorter = NULL;

	if (width && have > width && strchr(s, '<')) {
		shorter = malloc(strlen(s) + 1);
		if (shorter) {
			drop_arguments(s, shorter);
			s = shorter;
			have = term_width(s);
		}
	}
	if (width && have > width)
		have = put_middle_cut(t, b, s, width);
	else
		put_chars(t, b, s, 0, have);
	free(shorter);
	return have;
}
