/* SPDX-License-Identifier: Apache-2.0
 *
 * Names from outside made fit to print: valid UTF-8 without control characters, whatever comes in.
 */
/* libFuzzer: -max_len=128 */
#include "agent/base/text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	size_t room = cursor_u8(&in) + 1u, left = cursor_left(&in), n, again;
	char *out = malloc(room), *twice = malloc(room);

	assert(out && twice);
	n = text_clean(out, room, (const char *)in.at, left);
	assert(n < room && out[n] == '\0' && strlen(out) == n);
	again = text_clean(twice, room, out, n);
	assert(again == n && !memcmp(out, twice, n));
	free(out);
	free(twice);
	while (!in.bad && cursor_left(&in)) {
		cursor_uleb(&in);
		cursor_sleb(&in);
		cursor_str(&in);
	}
	assert(in.at == in.end || !in.bad);
	return 0;
}
