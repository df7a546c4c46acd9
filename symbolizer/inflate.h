/* SPDX-License-Identifier: Apache-2.0
 *
 * Compressed sections (SHF_COMPRESSED, gABI chapter 4) opened up before libdw meets them: libdeflate
 * takes a third of zlib's time, and libdw 0.188 does not know zstd.
 */
#ifndef SYMBOLIZER_INFLATE_H
#define SYMBOLIZER_INFLATE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/vec.h"

struct inflated { /* the buffers that an Elf's sections point into: free after elf_end() */
	void **at;
	size_t len, cap;
	uint64_t total; /* bytes in them */
};

/* Whether `packed` bytes can be `size` bytes unpacked: what is claimed is allocated. `type` is
 * ELFCOMPRESS_*. */
bool inflate_plausible(uint32_t type, uint64_t packed, uint64_t size);

/* Replaces the content of a compressed section by what it stands for. A section that is not
 * compressed, or is broken, or would be over INFLATE_MAX, is left as it is. */
void inflate_section(Elf_Scn *scn, GElf_Shdr *h, struct inflated *bufs);
void inflated_free(struct inflated *bufs);

#endif
