/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/fd.h"
#include "exporters/page_data.h"
#include "exporters/sha256.h"
#include "exporters/tree.h"

enum { PAGE_MAX = 1 << 30, TOP = 20 };

/* exporters/page/page.S */
extern const char page_html[], page_html_end[], page_css[], page_css_end[], page_js[],
	page_js_end[];

struct page {
	const struct profile *profile;
	struct tree tree;
	struct buf out;
	int error;
};

static void put_base64(struct buf *b, const uint8_t *p, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *to = buf_add(b, (len + 2) / 3 * 4);

	for (size_t i = 0; to && i < len; i += 3, to += 4) {
		size_t n = len - i;
		uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (n > 2 ? p[i + 2] : 0);
		to[0] = digits[v >> 18];
		to[1] = digits[v >> 12 & 63];
		to[2] = n > 1 ? digits[v >> 6 & 63] : '=';
		to[3] = n > 2 ? digits[v & 63] : '=';
	}
}

static void put_hash(struct buf *b, const char *from, const char *end)
{
	uint8_t hash[SHA256_BYTES];

	sha256(from, (size_t)(end - from), hash);
	put_base64(b, hash, sizeof(hash));
}

static void put_csp(struct page *p)
{
	buf_printf(&p->out, "default-src 'none'; script-src 'sha256-");
	put_hash(&p->out, page_js, page_js_end);
	buf_printf(&p->out, "'; style-src 'sha256-");
	put_hash(&p->out, page_css, page_css_end);
	buf_printf(&p->out, "'; base-uri 'none'; form-action 'none'");
}

static void put_css(struct page *p)
{
	buf_put(&p->out, page_css, (size_t)(page_css_end - page_css));
}

static void put_js(struct page *p)
{
	buf_put(&p->out, page_js, (size_t)(page_js_end - page_js));
}

/* Bytes of a mark that turns the direction of text around (Unicode's Bidi_Control), or 0. */
static size_t direction_mark(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	if (u[0] == 0xd8 && u[1] == 0x9c)
		return 2;
	if (u[0] != 0xe2)
		return 0;
	if (u[1] == 0x80 && (u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xaa && u[2] <= 0xae)))
		return 3;
	return u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9 ? 3 : 0;
}

static void put_escaped(struct buf *b, const char *s)
{
	for (; *s; s++) {
		size_t mark = direction_mark(s);
		if (mark) {
			buf_put(b, "?", 1);
			s += mark - 1;
		} else if (strchr("&<>\"'", *s)) {
			buf_printf(b, "&#%d;", *s);
		} else {
			buf_put(b, s, 1);
		}
	}
}

struct top {
	uint64_t self, total;
	uint32_t function;
};

static int by_self(const void *a, const void *b)
{
	const struct top *x = a, *y = b;

	if (x->self != y->self)
		return x->self > y->self ? -1 : 1;
	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return x->function < y->function ? -1 : x->function > y->function;
}

static void put_row(struct page *p, const struct top *row, double all)
{
	const struct tree *t = &p->tree;
	const struct tree_function *f = &t->functions.at[row->function];

	buf_printf(&p->out, "<tr><td>%.2f<td>%.2f<td>", 100.0 * (double)row->self / all,
		   100.0 * (double)row->total / all);
	put_escaped(&p->out, tree_text(t, f->text));
	buf_printf(&p->out, "<td>");
	put_escaped(&p->out, tree_text(t, t->modules.at[f->module]));
	buf_printf(&p->out, "\n");
}

/* The table for browsers without JavaScript. */
static void put_top(struct page *p)
{
	size_t n = p->tree.functions.len;
	uint64_t *weights = calloc(2 * n + 1, sizeof(*weights));
	struct top *rows = calloc(n + 1, sizeof(*rows));
	double all;

	p->error = weights && rows ? tree_functions(&p->tree, weights, weights + n) : -ENOMEM;
	if (!p->error) {
		/* function 0 is the root's: "all" */
		all = weights[n] ? (double)weights[n] : 1;
		for (size_t i = 0; i < n; i++)
			rows[i] = (struct top){weights[i], weights[n + i], (uint32_t)i};
		qsort(rows, n, sizeof(*rows), by_self);
		for (size_t i = 0; i < n && i < TOP && rows[i].self; i++)
			put_row(p, &rows[i], all);
	}
	free(weights);
	free(rows);
}

static void put_data(struct page *p)
{
	struct buf data = BUF_INIT(PAGE_MAX / 2);

	p->error = page_data(p->profile, &p->tree, &data);
	if (!p->error)
		put_base64(&p->out, data.data, data.len);
	buf_free(&data);
}

/* What stands between two '@' in page.html. */
static const struct {
	const char *name;
	void (*put)(struct page *p);
} parts[] = {
	{"@CSP@", put_csp}, {"@CSS@", put_css}, {"@TOP@", put_top},
	{"@DATA@", put_data}, {"@JS@", put_js},
};

static void put_page(struct page *p)
{
	const char *at = page_html;

	while (at < page_html_end && !p->error) {
		const char *mark = memchr(at, '@', (size_t)(page_html_end - at));
		size_t n = (size_t)((mark ? mark : page_html_end) - at), i;
		buf_put(&p->out, at, n);
		at += n;
		for (i = 0; mark && i < sizeof(parts) / sizeof(*parts); i++) {
			size_t len = strlen(parts[i].name);
			if ((size_t)(page_html_end - at) < len || memcmp(at, parts[i].name, len) != 0)
				continue;
			parts[i].put(p);
			at += len;
			break;
		}
		if (mark && i == sizeof(parts) / sizeof(*parts))
			buf_put(&p->out, at++, 1);
	}
}

int html_write(const struct profile *p, int fd)
{
	struct page page = {.profile = p, .out = BUF_INIT(PAGE_MAX)};
	int e = tree_build(p, &page.tree);

	if (e)
		return e;
	put_page(&page);
	e = page.error ? page.error : page.out.bad ? -ENOMEM : 0;
	if (!e)
		e = fd_write_all(fd, page.out.data, page.out.len);
	buf_free(&page.out);
	tree_free(&page.tree);
	return e;
}
