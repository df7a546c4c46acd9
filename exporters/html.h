/* SPDX-License-Identifier: Apache-2.0
 *
 * The flame graph page: one HTML file that asks for nothing from anywhere (its
 * Content-Security-Policy forbids any request). Names from outside appear in it only inside the
 * compressed data, and escaped in the table for browsers without JavaScript.
 *
 * The data, after base64 and raw deflate (all integers are LEB128 unless said otherwise):
 *   u32 little-endian number of sections, then the length of each, then the sections:
 *   META      NUL-terminated pairs: time, duration, period, …, and "comment" many times
 *   TYPES     per sample type: name, unit (text), divisor (text) of its values
 *   MAPS      per mapping: file, build ID, kind (text)
 *   MODULES   per module: text
 *   FUNCTIONS per function: text; FUNCTION_MODULE its module
 *   NAMES     per name: text, empty where it is its function's; NAME_INFO function * 16 + flags
 *   DROP, NAME  per node but the first, in preorder: by how much its depth is below that of a
 *             child of the node before it; its name. Names are numbered by frequency; children
 *             are in order of their weight.
 *   INNER     nodes that have children and a weight of their own: count, then the gaps
 *   SELF      per sample type, a column: the weight of each leaf and each node in INNER
 */
#ifndef EXPORTERS_HTML_H
#define EXPORTERS_HTML_H

#include "agent/wire/profile.h"

/* Writes the page of `p` (a valid profile: profile_valid()) to `fd`. The same profile gives the
 * same bytes. Negative values count as nothing, which the page says. 0, -ENOMEM, -E2BIG (more than
 * 2^28 frames in all stacks together), or the write's -errno. */
int html_write(const struct profile *p, int fd);

#endif
