/* SPDX-License-Identifier: Apache-2.0
 *
 * Demangling, by libiberty, which is not built for fuzzing; its bounds are ours.
 */
/* libFuzzer: -max_len=256 */
#include "symbolizer/demangle.h"
#include "tests/fuzz/fuzz.h"

#include "agent/wire/sym.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *in = fuzz_copy(data, size), *out = demangle(in, size);

	assert(!out || (*out && strlen(out) <= SYM_NAME_MAX));
	free(out);
	free(in);
	return 0;
}
