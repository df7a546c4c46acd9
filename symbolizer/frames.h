/* SPDX-License-Identifier: Apache-2.0
 *
 * What is found at one address: the function that stands there and those inlined into it.
 */
#ifndef SYMBOLIZER_FRAMES_H
#define SYMBOLIZER_FRAMES_H

#include <string.h>

#include "agent/wire/sym.h"
#include "symbolizer/symtab.h"

static inline struct str str_of(const char *s) /* NULL stays {NULL} */
{
	return (struct str){s, s ? strlen(s) : 0};
}

struct frame {
	struct str name; /* as the file has it, mangled where it is */
	struct str file;
	uint32_t line, start_line; /* 0: unknown */
};

struct frames {
	unsigned n; /* innermost first; 0: no name */
	struct frame at[SYM_FRAMES_MAX];
	struct frame place; /* file and line where no function is known to be (assembly) */
	bool is_c; /* the outermost function's language has no mangled names */
	char scratch[256];  /* for a name that stands in no file ("read@plt") */
};

#endif
