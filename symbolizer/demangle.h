/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as programmers wrote them: C++ (Itanium C++ ABI), Rust (legacy and v0), by libiberty.
 */
#ifndef SYMBOLIZER_DEMANGLE_H
#define SYMBOLIZER_DEMANGLE_H

#include <stddef.h>

enum { DEMANGLE_IN_MAX = 4096 }; /* longer names stay as they are */

/* The demangled form of `name` (of `len` bytes), owned by the caller; NULL where it is not
 * mangled, too long, or its demangled form would be longer than SYM_NAME_MAX. Parameters are
 * kept (they tell overloads apart), return types are not. GCC's clone suffixes become
 * " [clone .isra.0]", Rust's hashes are dropped. */
char *demangle(const char *name, size_t len);

#endif
