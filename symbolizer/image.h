/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded view of one ELF64 file (x86_64, aarch64; little endian) behind a descriptor that
 * somebody else opened. The file is hostile: truncated, bit-flipped, 10 GB of holes, without
 * section headers. Ranges are mapped on demand, privately and read-only, and stay mapped until
 * image_close(), so what these functions return lives as long as the image. At most
 * IMAGE_MAPPED_MAX bytes are mapped for one image; past that answers are empty.
 *
 * A file that is cut off by its owner while it is mapped raises SIGBUS: that is why this code
 * runs in a process of its own. Not thread safe: even a const image maps ranges when asked.
 *
 * Sources: the System V gABI (ELF), elf(5), the GNU build-id and debuglink conventions.
 */
#ifndef SYMBOLIZER_IMAGE_H
#define SYMBOLIZER_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/wire/sym.h"

enum {
	IMAGE_MAPPED_MAX = 1 << 30,
	IMAGE_SECTION_MAX = 512 << 20, /* bytes of one section, as decompressed */
};

struct image;

/* Bytes of the file; `at` is NULL where there are none. */
struct image_span {
	const uint8_t *at;
	size_t len;
};

struct image_seg { /* a program header */
	uint64_t vaddr, offset, filesz, memsz;
	uint32_t type, flags;
};

struct image_sec { /* a section header; `name` lives as long as the image */
	const char *name;
	uint64_t vaddr, offset, size, flags, entsize;
	uint32_t type, link, index;
};

/* Opens the file behind `fd`, which is taken over, and closed on failure too. 0, or -errno:
 * -ENOEXEC when it is not an ELF64 file for one of the machines we know (or not ELF at all),
 * -EBADMSG when its program headers are unusable, -ENOMEM, or what fstat(2) said. */
int image_open(int fd, struct image **ret);
void image_close(struct image **img);

/* The descriptor; stays the image's. */
int image_fd(const struct image *img);
uint64_t image_file_size(const struct image *img);
uint16_t image_type(const struct image *img); /* ET_EXEC, ET_DYN, ET_REL */
uint16_t image_machine(const struct image *img);
uint64_t image_entry(const struct image *img);

/* machine, entry, build ID, executable segments, and the flags that follow from this file alone
 * (SYM_IS_GO, SYM_HAS_CFI, SYM_HAS_SYMTAB, SYM_HAS_DYNSYM, SYM_HAS_DEBUG, SYM_HAS_MINI). No
 * wishes: those are the names' side. */
void image_info(const struct image *img, struct sym_info *ret);

/* Program headers in file order; NULL past the last. */
const struct image_seg *image_seg(const struct image *img, size_t i);
/* The executable PT_LOAD or, with `exec` false, any PT_LOAD that holds `vaddr`; NULL. */
const struct image_seg *image_seg_at(const struct image *img, uint64_t vaddr, bool exec);

/* Section `i`, or the first one called `name`: false where there is none. */
bool image_sec(const struct image *img, size_t i, struct image_sec *ret);
bool image_sec_named(const struct image *img, const char *name, struct image_sec *ret);

/* Exactly `len` bytes at the file offset; NULL when the file has no such bytes. */
const void *image_at(const struct image *img, uint64_t offset, size_t len);
/* Exactly `len` bytes that the file holds for this address; NULL. */
const void *image_bytes(const struct image *img, uint64_t vaddr, size_t len);
/* From `vaddr` to the end of what the file holds of its segment, at most `max` bytes. */
struct image_span image_from(const struct image *img, uint64_t vaddr, size_t max);

/* A section's content as stored in the file (.gnu_debugdata: the xz stream). */
struct image_span image_stored(const struct image *img, const char *name);
/* A section's content, decompressed where it is SHF_COMPRESSED (by libelf: zlib, and zstd where
 * libelf knows it). Empty where there is none or it is too large. */
struct image_span image_data(const struct image *img, const char *name);

/* .gnu_debuglink: false where there is none. `ret_name` lives as long as the image; it is
 * whatever the file says. */
bool image_debuglink(const struct image *img, const char **ret_name, uint32_t *ret_crc);

/* The value of a dynamic tag (DT_*) from PT_DYNAMIC: false where there is none. */
bool image_dynamic(const struct image *img, int64_t tag, uint64_t *ret);

#endif
