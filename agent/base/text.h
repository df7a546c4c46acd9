/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from outside made fit to print and to store: names of programs, files and functions are
 * whatever bytes somebody chose.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* Copies `in` (of `len` bytes) to `out` (of `size`, always terminated), replacing control
 * characters and bytes that are not UTF-8 by '?'. Returns the length of the result. */
size_t text_clean(char *out, size_t size, const char *in, size_t len);

#endif
