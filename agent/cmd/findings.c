/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/findings.h"

#include "agent/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 256 * 1024, LINE_BYTES = 4096, TEXT_COLUMN = 18 };

void findings_init(struct findings *f)
{
	*f = (struct findings){.can = BUF_INIT(LINE_BYTES), .cannot = BUF_INIT(LINE_BYTES)};
	for (int s = 0; s < SEVERITIES; s++)
		f->lines[s] = BUF_INIT(LINES_MAX);
	facts_read(&f->facts);
}

void findings_free(struct findings *f)
{
	buf_free(&f->can);
	buf_free(&f->cannot);
	for (int s = 0; s < SEVERITIES; s++)
		buf_free(&f->lines[s]);
}

/* Names of processes and machines are in it: made harmless, line by line. */
static void put_clean(struct buf *b, const char *text, size_t len)
{
	char clean[LINE_BYTES];

	buf_put(b, clean, text_clean(clean, sizeof(clean), text, len));
}

void finding(struct findings *f, enum severity s, const char *topic, const char *fmt, ...)
{
	static const char *const words[SEVERITIES] = {"FAIL", "warn", "ok"};
	struct buf *b = &f->lines[s];
	char text[LINE_BYTES], head[32];
	const char *at = text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->failed += s == SEVERITY_FAIL;
	snprintf(head, sizeof(head), "%-6s%-12s", words[s], topic);
	buf_put(b, head, strlen(head));
	while (*at) {
		size_t n = strcspn(at, "\n");

		/* explain's own hints come indented. */
		for (; n && *at == ' '; n--)
			at++;
		put_clean(b, at, n);
		buf_put(b, "\n", 1);
		at += n + (at[n] == '\n');
		for (int i = 0; *at && i < TEXT_COLUMN; i++)
			buf_put(b, " ", 1);
	}
}

void finding_can(struct findings *f, bool can, const char *what, const char *why_not)
{
	struct buf *b = can ? &f->can : &f->cannot;

	/* One a line, in the column of the first. */
	buf_put(b, "\n              ", b->len ? 15 : 0);
	buf_put(b, what, strlen(what));
	if (!can && *why_not) {
		buf_put(b, " (", 2);
		buf_put(b, why_not, strlen(why_not));
		buf_put(b, ")", 1);
	}
}

void findings_print(const struct findings *f)
{
	printf("you can now   %.*s\n", (int)f->can.len,
	       f->can.len ? (const char *)f->can.data : "");
	if (f->cannot.len)
		printf("you cannot    %.*s\n", (int)f->cannot.len, (const char *)f->cannot.data);
	for (int s = 0; s < SEVERITIES; s++) {
		if (f->lines[s].len)
			fwrite(f->lines[s].data, 1, f->lines[s].len, stdout);
	}
}
