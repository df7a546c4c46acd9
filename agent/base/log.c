/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/log.h"

#include "agent/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };

static bool quiet, verbose, status_shown;

static void __attribute__((format(printf, 2, 0)))
line_out(const char *prefix, const char *fmt, va_list ap)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 32];
	size_t at;
	const char *part = raw;

	vsnprintf(raw, sizeof(raw), fmt, ap);
	log_status(NULL);
	/* Our own line breaks stay; those of names were replaced by whoever quoted them. */
	for (at = (size_t)(stpcpy(line, prefix) - line); part && at + 2 < sizeof(line); ) {
		const char *nl = strchr(part, '\n');
		size_t len = nl ? (size_t)(nl - part) : strlen(part);
		at += text_clean(line + at, sizeof(line) - at - 1, part, len);
		if (at + 1 < sizeof(line))
			line[at++] = '\n';
		part = nl ? nl + 1 : NULL;
	}
	(void)!write(STDERR_FILENO, line, at);
}

#define LOG_FN(name, cond, prefix)                                                                 \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
		if (!(cond))                                                                       \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		line_out(prefix, fmt, ap);                                                         \
		va_end(ap);                                                                        \
	}
LOG_FN(log_error, true, "pmuscope: ")
LOG_FN(log_note, true, "note: ")
LOG_FN(log_say, !quiet, "")
LOG_FN(log_detail, verbose, "")

void log_status(const char *text)
{
	char line[512];
	int n;

	if (!text && !status_shown)
		return;
	if (quiet || !isatty(STDERR_FILENO))
		return;
	n = snprintf(line, sizeof(line), "\r%s\033[K", text ? text : "");
	status_shown = text != NULL;
	if (n > 0)
		(void)!write(STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line));
}

void log_quiet(bool on)
{
	quiet = on;
}

void log_verbose(bool on)
{
	verbose = on;
}
