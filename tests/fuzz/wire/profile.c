/* SPDX-License-Identifier: Apache-2.0
 *
 * A finished profile as it crosses from the collector to the exporter. What is accepted encodes to
 * the same bytes again, and the makers go on with it.
 */
#include "agent/wire/profile.h"
#include "tests/fuzz/fuzz.h"

static void add_more(struct profile *p)
{
	struct profile_function f = {.name = profile_string(p, "main")};
	struct profile_mapping m = {.file = profile_string(p, "/bin/true")};
	struct profile_location l = {.mapping = profile_add_mapping(p, &m), .address = 1};
	struct profile_line line = {.function = profile_add_function(p, &f)};
	uint32_t loc = profile_add_location(p, &l, &line, 1);
	int64_t *values = calloc(p->types.len + 1, sizeof(*values));

	assert(values && loc != PROFILE_NONE);
	assert(profile_add_location(p, &l, &line, 1) == loc);
	assert(profile_add_sample(p, &loc, 1, NULL, 0, values) == 0);
	profile_comment(p, "x: %d", 1);
	assert(profile_comment_get(p, "x") && profile_valid(p));
	free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(PROFILE_ENCODED_MAX);
	struct profile p;

	if (profile_decode(data, size, &p))
		return 0;
	assert(profile_valid(&p));
	profile_encode(&p, &b);
	assert(!b.bad && b.len == size);
	add_more(&p);
	profile_free(&p);
	buf_free(&b);
	return 0;
}
