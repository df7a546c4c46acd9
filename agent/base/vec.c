/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/vec.h"

#include <stdint.h>
#include <string.h>

bool vec_room(void **at, size_t len, size_t *cap, size_t elem, size_t max)
{
	if (len >= max)
		return false;
	if (len == *cap) {
		size_t want = *cap ? *cap * 2 : 16;
		void *p = want > SIZE_MAX / elem ? NULL : realloc(*at, want * elem);
		if (!p)
			return false;
		*at = p;
		*cap = want;
	}
	memset((char *)*at + len * elem, 0, elem);
	return true;
}
