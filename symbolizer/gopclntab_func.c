/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/gopclntab.h"
#include "symbolizer/gopclntab_priv.h"

static struct cursor at(struct image_span span, uint64_t offset)
{
	struct cursor c = cursor_over(span.at, span.len);

	cursor_skip(&c, offset);
	return c;
}

/* The table of functions: (entry, offset of its struct _func) pairs. */
static struct cursor pair(const struct gopclntab *t, size_t i)
{
	return at(t->funcs, i * (t->version >= GO_1_18 ? 8 : 16));
}

uint64_t go_entry(const struct gopclntab *t, size_t i)
{
	struct cursor c = pair(t, i);

	return t->version >= GO_1_18 ? t->text + cursor_u32(&c) : cursor_u64(&c);
}

size_t go_find(const struct gopclntab *t, uint64_t addr)
{
	size_t low = 0, high = t->n_funcs;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (go_entry(t, mid) <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? low - 1 : t->n_funcs;
}

bool go_func(const struct gopclntab *t, size_t i, struct go_func *ret)
{
	struct cursor c = pair(t, i);

	*ret = (struct go_func){.entry = go_entry(t, i), .end = go_entry(t, i + 1)};
	if (t->version >= GO_1_18) {
		cursor_u32(&c);
		c = at(t->funcs, cursor_u32(&c));
		cursor_u32(&c);
	} else {
		cursor_u64(&c);
		c = at(t->funcs, cursor_u64(&c));
		cursor_u64(&c);
	}
	ret->name = cursor_u32(&c);
	cursor_skip(&c, 8); /* size of arguments, deferreturn */
	ret->pcsp = cursor_u32(&c);
	ret->pcfile = cursor_u32(&c);
	ret->pcln = cursor_u32(&c);
	cursor_u32(&c); /* npcdata */
	ret->cu = cursor_u32(&c);
	if (t->version >= GO_1_20)
		ret->start_line = cursor_u32(&c);
	cursor_u8(&c); /* funcID: its numbers change from version to version */
	ret->flag = cursor_u8(&c);
	return !c.bad && ret->entry < ret->end;
}

const char *go_name(const struct gopclntab *t, const struct go_func *f)
{
	struct cursor c = at(t->names, f->name);

	if (cursor_left(&c) > SYM_NAME_MAX)
		c = cursor_sub(&c, SYM_NAME_MAX);
	return cursor_str(&c);
}

struct go_steps go_steps(const struct gopclntab *t, const struct go_func *f, uint32_t offset)
{
	struct go_steps s = {.c = at(t->pcs, offset), .pc = f->entry, .value = -1};

	s.quantum = t->quantum;
	s.c.bad = s.c.bad || offset == 0;
	return s;
}

bool go_step(struct go_steps *s)
{
	uint32_t zigzag = (uint32_t)cursor_uleb(&s->c), pcs;

	if (zigzag == 0 && s->n)
		return false;
	if (s->n++ >= GO_STEPS_MAX)
		return false;
	s->value = (int32_t)((uint32_t)s->value + (-(zigzag & 1) ^ (zigzag >> 1)));
	pcs = (uint32_t)cursor_uleb(&s->c);
	s->pc += (uint64_t)pcs * s->quantum;
	return pcs && !s->c.bad;
}

/* The value that holds at `addr`; -1: unknown. */
static int32_t value_at(const struct gopclntab *t, const struct go_func *f, uint32_t offset,
			uint64_t addr)
{
	struct go_steps s = go_steps(t, f, offset);

	while (go_step(&s))
		if (addr < s.pc)
			return s.value;
	return -1;
}

static const char *file_at(const struct gopclntab *t, const struct go_func *f, uint64_t addr)
{
	int32_t n = value_at(t, f, f->pcfile, addr);
	struct cursor c;
	uint32_t offset;

	if (n < 0)
		return NULL;
	c = at(t->cus, 4 * ((uint64_t)f->cu + (uint32_t)n));
	offset = cursor_u32(&c);
	if (c.bad || offset == UINT32_MAX)
		return NULL;
	c = at(t->files, offset);
	if (cursor_left(&c) > SYM_NAME_MAX)
		c = cursor_sub(&c, SYM_NAME_MAX);
	return cursor_str(&c);
}

bool gopclntab_func(const struct gopclntab *t, uint64_t addr, struct gopclntab_func *ret)
{
	size_t i = go_find(t, addr);
	struct go_func f;
	const char *name;
	int32_t line;

	if (i >= t->n_funcs || !go_func(t, i, &f) || addr >= f.end)
		return false;
	name = go_name(t, &f);
	if (!name || !*name)
		return false;
	line = value_at(t, &f, f.pcln, addr);
	*ret = (struct gopclntab_func){name, file_at(t, &f, addr), line > 0 ? (uint32_t)line : 0,
				       f.start_line, f.entry, f.end};
	return true;
}
