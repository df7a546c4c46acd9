/* SPDX-License-Identifier: Apache-2.0
 *
 * What image.c (segments, mapping) and image_sections.c (sections) share.
 */
#ifndef SYMBOLIZER_IMAGE_PRIV_H
#define SYMBOLIZER_IMAGE_PRIV_H

#include <elf.h>
#include <libelf.h>

#include "agent/base/vec.h"
#include "symbolizer/image.h"

enum { IMAGE_MAPS_MAX = 1024 };

struct image_map {
	uint64_t offset;
	const uint8_t *bytes;
	size_t len;
};

struct image {
	int fd;
	uint64_t size, entry, phoff, shoff;
	uint16_t type, machine, phnum, phentsize;
	struct image_seg *segs;
	size_t n_segs;
	uint32_t n_secs;
	struct image_span shstr;
	VEC(struct image_map) maps;
	size_t last_map, mapped;
	Elf *elf; /* opened at the first compressed section */
};

void image_sections_open(struct image *img, const Elf64_Ehdr *h);
void image_sections_close(struct image *img);

/* The descriptor of the first note called `name` of this type; empty. */
struct image_span image_note(const struct image *img, const char *name, uint32_t type);

#endif
