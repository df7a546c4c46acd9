/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/vec.h"

#include <stdint.h>

bool vec_grow(void **at, size_t *cap, size_t elem)
{
	size_t want = *cap ? *cap * 2 : 16;
	void *p = want > SIZE_MAX / elem ? NULL : realloc(*at, want * elem);

	if (!p)
		return false;
	*at = p;
	*cap = want;
	return true;
}
