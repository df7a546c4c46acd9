/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/wire/sym.h"

#include <errno.h>
#include <string.h>

static void build_id_put(struct buf *b, const uint8_t *id, uint8_t len)
{
	buf_u8(b, len);
	buf_put(b, id, SYM_BUILD_ID_MAX);
}

static void build_id_get(struct cursor *c, uint8_t *id, uint8_t *len)
{
	const void *p;

	*len = cursor_u8(c);
	p = cursor_take(c, SYM_BUILD_ID_MAX);
	if (p)
		memcpy(id, p, SYM_BUILD_ID_MAX);
	if (*len > SYM_BUILD_ID_MAX)
		c->bad = true;
}

void sym_info_put(struct buf *b, const struct sym_info *info)
{
	buf_u16(b, info->machine);
	buf_u16(b, info->flags);
	buf_u64(b, info->entry);
	build_id_put(b, info->build_id, info->build_id_len);
	buf_u8(b, info->n_segs);
	for (int i = 0; i < info->n_segs; i++)
		buf_put(b, &info->segs[i], sizeof(info->segs[i]));
	buf_u8(b, info->n_wants);
	for (int i = 0; i < info->n_wants; i++) {
		const struct sym_want *w = &info->wants[i];
		size_t n = strnlen(w->name, sizeof(w->name) - 1);
		buf_u32(b, w->kind);
		buf_u32(b, w->index);
		build_id_put(b, w->build_id, w->build_id_len);
		buf_u16(b, (uint16_t)n);
		buf_put(b, w->name, n);
	}
}

/* Reduces a name to its last path component; false where that is no file name. */
static bool plain_name(const char *s, size_t len, char *out, size_t size)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\0')
			return false;
		if (s[i] == '/') {
			s += i + 1;
			len -= i + 1;
			i = (size_t)-1;
		}
	}
	if (len >= size || (len == 1 && s[0] == '.') || (len == 2 && s[0] == '.' && s[1] == '.'))
		return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return true;
}

static void want_get(struct cursor *c, struct sym_want *w)
{
	const char *name;
	uint16_t len;

	w->kind = cursor_u32(c);
	w->index = cursor_u32(c);
	build_id_get(c, w->build_id, &w->build_id_len);
	len = cursor_u16(c);
	name = cursor_take(c, len);
	if (!name || w->kind < SYM_WANT_BUILD_ID || w->kind > SYM_WANT_DWO ||
	    !plain_name(name, len, w->name, sizeof(w->name)) ||
	    (w->kind == SYM_WANT_DEBUGLINK && !w->name[0]))
		c->bad = true;
}

int sym_info_get(struct cursor *c, struct sym_info *ret)
{
	struct sym_info i = {0};

	i.machine = cursor_u16(c);
	i.flags = cursor_u16(c);
	i.entry = cursor_u64(c);
	build_id_get(c, i.build_id, &i.build_id_len);
	i.n_segs = cursor_u8(c);
	if (i.n_segs > SYM_SEGS_MAX)
		return -EBADMSG;
	for (int k = 0; k < i.n_segs; k++) {
		const void *p = cursor_take(c, sizeof(i.segs[k]));
		if (p)
			memcpy(&i.segs[k], p, sizeof(i.segs[k]));
	}
	i.n_wants = cursor_u8(c);
	if (i.n_wants > SYM_WANTS_MAX)
		return -EBADMSG;
	for (int k = 0; k < i.n_wants; k++)
		want_get(c, &i.wants[k]);
	if (c->bad)
		return -EBADMSG;
	*ret = i;
	return 0;
}
