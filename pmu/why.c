/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/resolve.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void why_trim(const struct why *w)
{
	size_t n = w->text ? strnlen(w->text, w->size) : 0;

	while (n > 0 && n < w->size && w->text[n - 1] == '\n')
		w->text[--n] = '\0';
}

void why_add(const struct why *w, const char *fmt, ...)
{
	size_t n = w->text ? strnlen(w->text, w->size) : 0;
	va_list ap;

	if (!w->text || n >= w->size)
		return;
	va_start(ap, fmt);
	vsnprintf(w->text + n, w->size - n, fmt, ap);
	va_end(ap);
}
