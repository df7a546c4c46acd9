/* SPDX-License-Identifier: Apache-2.0
 *
 * The running kernel, as recordings identify it.
 */
#ifndef AGENT_CMD_KERNEL_HERE_H
#define AGENT_CMD_KERNEL_HERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KERNEL_ID_MAX = 20 };

size_t kernel_build_id(uint8_t out[KERNEL_ID_MAX]); /* its length; 0 unknown */

/* Where its first symbol stands, by the text of /proc/kallsyms (`kallsyms` is taken): _text, else
 * _stext. False where kptr_restrict hides it. It changes with each boot. */
bool kernel_text(int kallsyms, uint64_t *ret);

#endif
