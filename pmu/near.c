/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/near.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Copies `in` in small letters, '-' for '_'. */
static size_t fold(char out[NEAR_NAME_MAX], const char *in)
{
	size_t n = 0;

	for (; in[n] && n + 1 < NEAR_NAME_MAX; n++)
		out[n] = in[n] == '_' ? '-' : (char)tolower((unsigned char)in[n]);
	out[n] = '\0';
	return n;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment: three rows of the table of edit distances. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][NEAR_NAME_MAX];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= nb; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned replace = above[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, replace);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[nb];
}

unsigned near_distance(const char *a, const char *b)
{
	char fa[NEAR_NAME_MAX], fb[NEAR_NAME_MAX];
	size_t na = fold(fa, a), nb = fold(fb, b);

	return distance(fa, na, fb, nb);
}

void near_init(struct near *near, const char *word)
{
	*near = (struct near){0};
	snprintf(near->word, sizeof(near->word), "%s", word);
}

/* Lower is nearer; ~0u is not near. Two points an edit, so that a name that merely contains the
 * word ranks between a slip of the finger and another word. */
static unsigned score_of(const char *word, const char *name)
{
	char w[NEAR_NAME_MAX], c[NEAR_NAME_MAX];
	size_t nw = fold(w, word), nc = fold(c, name), gap = nw > nc ? nw - nc : nc - nw;
	unsigned allowed = nw < 6 ? 2 : (unsigned)(nw / 3), d;

	if (nw >= 3 && strstr(c, w))
		return 3 + (unsigned)(gap / 4);
	if (nc >= 4 && strstr(w, c))
		return 5 + (unsigned)(gap / 2);
	if (gap > allowed)
		return ~0u;
	d = distance(w, nw, c, nc);
	return d > allowed ? ~0u : 2 * d;
}

void near_offer(struct near *near, const char *name)
{
	unsigned s = score_of(near->word, name), at;

	for (unsigned i = 0; i < near->n; i++) {
		if (!strcmp(near->names[i], name))
			return;
	}
	for (at = near->n; at > 0 && s < near->score[at - 1]; at--)
		;
	if (s == ~0u || at == NEAR_MAX)
		return;
	if (near->n < NEAR_MAX)
		near->n++;
	for (unsigned i = near->n - 1; i > at; i--) {
		near->score[i] = near->score[i - 1];
		memcpy(near->names[i], near->names[i - 1], NEAR_NAME_MAX);
	}
	near->score[at] = s;
	snprintf(near->names[at], NEAR_NAME_MAX, "%s", name);
}

void near_text(const struct near *near, char *out, size_t size)
{
	size_t n = 0;

	*out = '\0';
	for (unsigned i = 0; i < near->n && n < size; i++) {
		const char *join = i == 0 ? "" : i + 1 == near->n ? " or " : ", ";

		n += (size_t)snprintf(out + n, size - n, "%s%s", join, near->names[i]);
	}
}
