/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of /proc/PID/maps, and the address space that comes of them: sorted, disjoint.
 */
/* libFuzzer: -max_len=320 */
#include "agent/space/space.h"
#include "tests/fuzz/fuzz.h"

static void check(const struct space *s)
{
	for (size_t i = 0; i < s->len; i++) {
		const struct mapping *m = &s->at[i];
		assert(m->start < m->end && (!i || s->at[i - 1].end <= m->start));
		assert(space_find(s, m->start) == m && space_find(s, m->end - 1) == m);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text, *line;
	struct space *s = space_new(), *other = NULL;

	assert(text && s);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		struct mapping m;
		if (!space_parse_line(line, &m))
			continue;
		assert(m.path >= text && m.path <= text + size);
		if (!other)
			other = space_hold(s);
		assert(space_own(&s) == 0 && space_add(s, &m) == 0);
		assert(space_find(s, m.start)->pgoff == m.pgoff);
	}
	check(s);
	assert(!other || other->len == 0 || other == s);
	space_drop(&other);
	space_drop(&s);
	free(text);
	return 0;
}
