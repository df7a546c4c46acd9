/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/demangle.h"

#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire/sym.h"

/* libiberty's output can be exponentially longer than its input (substitutions of substitutions):
 * it is taken in pieces and given up past the ceiling. */
struct out {
	char text[SYM_NAME_MAX + 1];
	size_t len;
	bool full;
};

static void take(const char *piece, size_t n, void *arg)
{
	struct out *o = arg;

	if (o->full || n > SYM_NAME_MAX - o->len) {
		o->full = true;
		return;
	}
	if (n) /* an empty piece may be NULL */
		memcpy(o->text + o->len, piece, n);
	o->len += n;
}

static bool is_mangled(const char *s)
{
	return !strncmp(s, "_Z", 2) || !strncmp(s, "_R", 2) || !strncmp(s, "___Z", 4) ||
	       !strncmp(s, "_GLOBAL_", 8);
}

/* Rust's legacy names are C++ names that end in a hash of 17h and 16 hexadecimal digits. */
static bool is_rust(const char *s, size_t len)
{
	const char *h = s[1] == 'R' ? s : strstr(s, "17h");

	return s[1] == 'R' || (h && len >= 20 && strspn(h + 3, "0123456789abcdef") == 16 &&
			       h[19] == 'E');
}

char *demangle(const char *name, size_t len)
{
	char in[DEMANGLE_IN_MAX + 1];
	struct out out = {.len = 0};
	int ok = 0;

	if (len < 3 || len > DEMANGLE_IN_MAX || name[0] != '_')
		return NULL;
	memcpy(in, name, len);
	in[len] = '\0';
	if (!is_mangled(in))
		return NULL;
	if (is_rust(in, len))
		ok = rust_demangle_callback(in, 0, take, &out);
	if (!ok) {
		out.len = 0;
		out.full = false;
		ok = cplus_demangle_v3_callback(in, DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP, take,
						&out);
	}
	return ok && !out.full && out.len ? strndup(out.text, out.len) : NULL;
}
