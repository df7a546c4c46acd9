/* SPDX-License-Identifier: Apache-2.0
 *
 * What a file that is no profile seems to be.
 */
#ifndef EXPORTERS_SNIFF_H
#define EXPORTERS_SNIFF_H

#include <stddef.h>

/* Static text for "FILE is …": "an ELF file", "a recording of perf (perf.data)"; NULL where the
 * bytes say nothing. `ret_advice` is what to do about it, never NULL. */
const char *sniff(const void *bytes, size_t len, const char **ret_advice);

#endif
