/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/module.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "agent/base/fd.h"
#include "agent/base/vec.h"
#include "symbolizer/image.h"
#include "symbolizer/names.h"
#include "symbolizer/textsyms.h"
#include "symbolizer/unwind.h"

struct module {
	struct image *image; /* these three: ELF */
	struct names *names;
	struct unwind *unwind; /* opened at the first request for rows */
	struct textsyms *text; /* or this one */
};

struct modules {
	VEC(struct module *) by_id; /* the collector counts up from 0 or 1 */
};

int modules_new(struct modules **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static void module_free(struct module **mp)
{
	struct module *m = *mp;

	if (m) {
		unwind_close(&m->unwind);
		names_close(&m->names);
		textsyms_close(&m->text);
		image_close(&m->image);
	}
	free(m);
	*mp = NULL;
}

void modules_free(struct modules **ms)
{
	for (size_t i = 0; *ms && i < (*ms)->by_id.len; i++)
		module_free(&(*ms)->by_id.at[i]);
	if (*ms)
		vec_free(&(*ms)->by_id);
	free(*ms);
	*ms = NULL;
}

struct module *modules_find(struct modules *ms, uint32_t id)
{
	return id < ms->by_id.len ? ms->by_id.at[id] : NULL;
}

void modules_forget(struct modules *ms, uint32_t id)
{
	if (id < ms->by_id.len)
		module_free(&ms->by_id.at[id]);
}

static int module_open(struct module *m, uint32_t kind, int fd)
{
	int r;

	switch (kind) {
	case SYM_ELF:
		r = image_open(fd, &m->image);
		return r ? r : names_open(m->image, &m->names);
	case SYM_KALLSYMS:
		return kallsyms_open(fd, &m->text);
	case SYM_PERFMAP:
		return perfmap_open(fd, &m->text);
	default:
		fd_close(&fd);
		return -EINVAL;
	}
}

static int make_room(struct modules *ms, uint32_t id)
{
	if (id >= MODULES_MAX)
		return -EINVAL;
	while (ms->by_id.len <= id) {
		struct module **slot = vec_add(&ms->by_id);
		if (!slot)
			return -ENOMEM;
	}
	return 0;
}

int modules_add(struct modules *ms, uint32_t id, uint32_t kind, int fd, struct module **ret)
{
	struct module *m;
	int r;

	modules_forget(ms, id);
	r = make_room(ms, id);
	m = r ? NULL : calloc(1, sizeof(*m));
	if (!m) {
		fd_close(&fd);
		return r ? r : -ENOMEM;
	}
	r = module_open(m, kind, fd);
	if (r) {
		module_free(&m);
		return r;
	}
	*ret = ms->by_id.at[id] = m;
	return 0;
}

void module_info(const struct module *m, struct sym_info *ret)
{
	*ret = (struct sym_info){0};
	if (m->names)
		names_info(m->names, ret);
}

int module_debug(struct module *m, uint32_t kind, int fd)
{
	if (m->names)
		return names_debug(m->names, kind, fd);
	fd_close(&fd);
	return -EINVAL;
}

int module_rows(struct module *m, uint32_t page, struct buf *b)
{
	int r = m->image ? 0 : -ENOTSUP;

	if (!r && !m->unwind)
		r = unwind_open(m->image, &m->unwind);
	return r ? r : unwind_rows(m->unwind, page, b);
}

void module_refresh(struct module *m)
{
	if (m->text)
		textsyms_refresh(m->text);
}

void module_at(struct module *m, uint64_t addr, uint64_t *budget, struct frames *ret)
{
	ret->n = 0;
	if (m->names) {
		names_at(m->names, addr, budget, ret);
	} else {
		ret->at[0] = (struct frame){0};
		ret->at[0].name = textsyms_find(m->text, addr, &ret->at[0].file);
		ret->n = ret->at[0].name.at != NULL;
	}
}

void modules_trim(struct modules *ms, const struct module *keep)
{
	struct mallinfo2 info = mallinfo2();
	bool any = false;

	if (info.uordblks + info.hblkhd <= MODULES_KEPT)
		return;
	for (size_t i = 0; i < ms->by_id.len; i++) {
		struct module *m = ms->by_id.at[i];
		if (m && m != keep && m->names)
			any |= names_trim(m->names);
	}
	if (any)
		malloc_trim(0);
}
