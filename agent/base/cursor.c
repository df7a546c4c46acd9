/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/cursor.h"

enum { LEB_MAX_BYTES = 10 };

/* Both LEB forms share the loop; `ret_shift` and `ret_last` let the signed one extend its sign. */
static uint64_t leb_bits(struct cursor *c, unsigned *ret_shift, uint8_t *ret_last)
{
	uint64_t v = 0;
	uint8_t byte = 0;
	unsigned shift = 0;

	for (int i = 0; i < LEB_MAX_BYTES; i++) {
		byte = cursor_u8(c);
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80))
			break;
	}
	if (byte & 0x80)
		c->bad = true;
	*ret_shift = shift;
	*ret_last = byte;
	return c->bad ? 0 : v;
}

uint64_t cursor_uleb(struct cursor *c)
{
	unsigned shift;
	uint8_t last;
	return leb_bits(c, &shift, &last);
}

int64_t cursor_sleb(struct cursor *c)
{
	unsigned shift;
	uint8_t last;
	uint64_t v = leb_bits(c, &shift, &last);

	if (!c->bad && shift < 64 && (last & 0x40))
		v |= ~UINT64_C(0) << shift;
	return (int64_t)v;
}

const char *cursor_str(struct cursor *c)
{
	const uint8_t *s = c->at;
	const uint8_t *nul = c->bad || s == c->end ? NULL : memchr(s, 0, cursor_left(c));

	if (!nul) {
		c->bad = true;
		c->at = c->end;
		return NULL;
	}
	c->at = nul + 1;
	return (const char *)s;
}
