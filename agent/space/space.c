/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/space/space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t next_stamp;

static void touch(struct space *s)
{
	s->stamp = ++next_stamp;
}

struct space *space_new(void)
{
	struct space *s = calloc(1, sizeof(*s));

	if (s) {
		s->refs = 1;
		touch(s);
	}
	return s;
}

struct space *space_hold(struct space *s)
{
	s->refs++;
	return s;
}

void space_drop(struct space **sp)
{
	struct space *s = *sp;

	*sp = NULL;
	if (s && --s->refs == 0) {
		free(s->at);
		free(s);
	}
}

int space_own(struct space **sp)
{
	struct space *old = *sp, *s;

	if (old->refs == 1)
		return 0;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = *old;
	s->refs = 1;
	s->cap = s->len;
	s->at = malloc(s->len ? s->len * sizeof(*s->at) : 1);
	if (!s->at) {
		free(s);
		return -ENOMEM;
	}
	if (s->len)
		memcpy(s->at, old->at, s->len * sizeof(*s->at));
	touch(s);
	space_drop(sp);
	*sp = s;
	return 0;
}

/* Index of the first mapping that ends after `pc`. */
static size_t lower(const struct space *s, uint64_t pc)
{
	size_t lo = 0, hi = s->len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->at[mid].end <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct mapping *space_find(const struct space *s, uint64_t pc)
{
	size_t i = lower(s, pc);

	return i < s->len && s->at[i].start <= pc ? &s->at[i] : NULL;
}

static int make_room(struct space *s, size_t more)
{
	size_t cap = s->cap ? s->cap : 16;
	void *p;

	if (s->len + more > SPACE_MAPPINGS_MAX)
		return -E2BIG;
	while (cap < s->len + more)
		cap *= 2;
	if (cap == s->cap)
		return 0;
	p = realloc(s->at, cap * sizeof(*s->at));
	if (!p)
		return -ENOMEM;
	s->at = p;
	s->cap = cap;
	return 0;
}

/* Replaces the mappings [from, to) by the n in `with`; room has been made. */
static void splice(struct space *s, size_t from, size_t to, const struct mapping *with, size_t n)
{
	memmove(s->at + from + n, s->at + to, (s->len - to) * sizeof(*s->at));
	memcpy(s->at + from, with, n * sizeof(*s->at));
	s->len = s->len - (to - from) + n;
}

int space_add(struct space *s, const struct mapping *m)
{
	struct mapping parts[3];
	size_t from, to, n = 0;
	int r = make_room(s, 2);

	if (m->start >= m->end)
		return -EINVAL;
	if (r)
		return r;
	from = lower(s, m->start);
	for (to = from; to < s->len && s->at[to].start < m->end;)
		to++;
	if (to > from && s->at[from].start < m->start) {
		parts[n] = s->at[from];
		parts[n++].end = m->start;
	}
	parts[n++] = *m;
	if (to > from && s->at[to - 1].end > m->end) {
		struct mapping tail = s->at[to - 1];
		tail.pgoff += m->end - tail.start;
		tail.start = m->end;
		parts[n++] = tail;
	}
	splice(s, from, to, parts, n);
	touch(s);
	return 0;
}

static void cut_deleted(char *path)
{
	static const char mark[] = " (deleted)";
	size_t n = strlen(path), k = sizeof(mark) - 1;

	if (n > k && !strcmp(path + n - k, mark))
		path[n - k] = '\0';
}

bool space_parse_line(char *line, struct mapping *ret)
{
	struct mapping m = {0};
	char prot[5];
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &m.start,
		   &m.end, prot, &m.pgoff, &m.major, &m.minor, &m.inode, &at) < 7)
		return false;
	if (strlen(prot) < 3 || prot[2] != 'x' || m.start >= m.end || at == 0)
		return false;
	cut_deleted(line + at);
	m.path = line + at;
	*ret = m;
	return true;
}
