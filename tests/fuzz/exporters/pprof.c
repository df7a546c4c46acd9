/* SPDX-License-Identifier: Apache-2.0
 *
 * pprof files, unpacked. What is read is valid, and crosses to other processes as any profile.
 */
#include "exporters/gzip.h"
#include "exporters/pprof.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(PROFILE_ENCODED_MAX);
	struct pprof_fault fault;
	struct profile p, back;
	uint8_t *copy;

	if (gzip_is(data, size))
		return 0; /* gunzip */
	copy = fuzz_copy(data, size);
	if (pprof_read(copy, size, &p, &fault) == 0) {
		assert(profile_valid(&p) && p.types.len);
		profile_encode(&p, &b);
		assert(!b.bad && profile_decode(b.data, b.len, &back) == 0);
		assert(back.samples.len == p.samples.len && back.strings.len == p.strings.len);
		profile_free(&back);
		profile_free(&p);
		buf_free(&b);
	} else {
		assert(fault.what && fault.at <= size);
	}
	free(copy);
	return 0;
}
