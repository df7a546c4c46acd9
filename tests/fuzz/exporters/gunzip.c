/* SPDX-License-Identifier: Apache-2.0
 *
 * gzip, unpacked within bounds, and what a file that is no profile seems to be. zlib is not built
 * for fuzzing.
 */
/* libFuzzer: -max_len=512 */
#include "exporters/gzip.h"
#include "exporters/sniff.h"
#include "tests/fuzz/fuzz.h"

enum { OUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size);
	struct buf out = BUF_INIT(OUT_MAX);
	const char *advice;
	size_t at;
	int r = gunzip(copy, size, &out, &at);

	assert(r <= 0 && at <= size && out.len <= OUT_MAX);
	sniff(copy, size, &advice);
	assert(*advice);
	sniff(out.data, out.len, &advice);
	buf_free(&out);
	free(copy);
	return 0;
}
