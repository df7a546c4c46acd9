/* SPDX-License-Identifier: Apache-2.0
 *
 * The little languages of event names and of a PMU's files.
 */
/* libFuzzer: -max_len=160 */
#include "pmu/near.h"
#include "pmu/resolve.h"
#include "pmu/roots.h"
#include "pmu/terms.h"
#include "tests/fuzz/fuzz.h"

enum { NEAR_SIZE_MAX = 24 }; /* comparing takes the square of it */

static void read_format(const char *text)
{
	struct format f;
	uint64_t config = 0, all = 0;

	if (!format_parse(text, &f))
		return;
	for (unsigned i = 0; i < f.n; i++)
		assert(f.range[i].from <= f.range[i].to && f.range[i].to < 64);
	assert(format_put(&f, 1, &config) && config);
	format_put(&f, UINT64_MAX, &all);
}

static void read_terms(const char *text)
{
	const char *at = text;
	struct term t;
	int r;

	while ((r = term_next(&at, &t)) > 0)
		assert(*t.name && at > text && at <= text + strlen(text));
	assert(r <= 0);
}

static void read_modifiers(char *text, size_t len)
{
	struct modifiers m = {0};
	struct event e = {0};

	if (modifiers_parse(text, len, &m))
		assert(m.precise <= PRECISE_BEST);
	modifiers_take(text, &m);
	assert(strlen(text) <= len);
	modifiers_apply(&m, &e);
}

static void find_near(const char *text)
{
	char out[NEAR_MAX * NEAR_NAME_MAX];
	struct near near;

	near_init(&near, text);
	near_offer(&near, "cache-misses");
	near_offer(&near, "cycles");
	near_text(&near, out, sizeof(out));
	assert(near_distance(text, text) == 0);
	assert(near_distance(text, "cycles") == near_distance("cycles", text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	uint64_t v;

	assert(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	read_format(text);
	read_terms(text);
	if (size <= NEAR_SIZE_MAX)
		find_near(text);
	text_u64(text, &v);
	if (root_name_ok(text))
		assert(*text && !strchr(text, '/') && *text != '.');
	read_modifiers(text, strlen(text));
	free(text);
	return 0;
}
