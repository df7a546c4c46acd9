/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering and raising capabilities in the effective set of this process, around a single step
 * (capget(2)). Raised again is only what is permitted. No memory, no library: safe after vfork.
 */
#ifndef AGENT_HELPERS_EFFECTIVE_H
#define AGENT_HELPERS_EFFECTIVE_H

#include <stdbool.h>
#include <stdint.h>

int effective_get(uint64_t *ret);      /* a bit per capability; 0 or -errno */
int effective_set(uint64_t caps);      /* 0 or -errno */
int effective_switch(int cap, bool on); /* one of them; on: where it is permitted */
int effective_give_up(uint64_t keep);  /* permitted &= keep, all other sets emptied, for good */

#endif
