/* SPDX-License-Identifier: Apache-2.0
 *
 * DWARF, which libdw reads: a whole ELF file with debug information. libdw itself is not built for
 * fuzzing: what is found in it is a crash, not a path.
 */
/* libFuzzer: -max_len=4096 */
#include "symbolizer/debuginfo.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct frames f;
	int fd = fuzz_file(data, size);
	uint64_t budget = 65536;
	struct debuginfo *d;

	if (debuginfo_open(fd, fd, &d) == 0) {
		for (uint64_t at = 0x401000; at < 0x401080; at += 5) {
			f.n = 0;
			debuginfo_at(d, at, &budget, &f);
			assert(f.n <= SYM_FRAMES_MAX);
		}
		debuginfo_close(&d);
	}
	close(fd);
	return 0;
}
