/* SPDX-License-Identifier: Apache-2.0
 *
 * What the collector asks of the symbolizer, and what comes back. The symbolizer knows modules
 * (an id and a descriptor), no paths and no pids. Payloads are written with buf_*() and read with
 * cursor_*(), in the order given here; `str` is a u16 length and that many bytes.
 *
 * Every request has one reply of type (request | SYM_REPLY), same `seq`, which starts with
 * `i32 status`: 0 or -errno; on an error nothing follows.
 */
#ifndef WIRE_SYM_H
#define WIRE_SYM_H

#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/cursor.h"

enum sym_msg {
	/* u32 module, u32 kind (enum sym_kind); one descriptor, open for reading. A module id that
	 * is known already is replaced.
	 * Reply: struct sym_info by sym_info_put(). */
	SYM_MODULE = 1,
	/* u32 module. Forget it and all that was read for it. */
	SYM_FORGET = 2,
	/* u32 module, u32 page. Reply: u32 zero (alignment), then the blob of wire/rows.h. A page
	 * without any code is answered by a blob with one row of kind ROWS_CFA_NONE. */
	SYM_ROWS = 3,
	/* u32 module, u32 kind (enum sym_want_kind), u32 index; one descriptor, or none when the
	 * file could not be had. Answers one wish of struct sym_info.
	 * Reply: struct sym_info with the wishes that this file brings in turn. */
	SYM_DEBUG = 4,
	/* u32 module, u32 n (1 … SYM_NAMES_MAX), then n × u64 address: ELF virtual addresses (kernel
	 * addresses for SYM_KALLSYMS, the process' own for SYM_PERFMAP), already moved back by one
	 * where they are return addresses.
	 * Reply: sym_names, see below. */
	SYM_NAMES = 5,
	/* The same, from symbol tables alone: debug information stays closed, so that one that is
	 * broken, or too large for its time, costs inlined functions and lines, not names. */
	SYM_SYMBOLS = 6,
	SYM_REPLY = 0x80,
};

enum sym_kind {
	SYM_ELF = 0,
	SYM_KALLSYMS = 1, /* text of /proc/kallsyms */
	SYM_PERFMAP = 2,  /* text of a JIT's perf-PID.map: START SIZE name, hexadecimal; may still be
			   * growing: read anew at each SYM_NAMES */
};

enum {
	SYM_SEGS_MAX = 16,
	SYM_WANTS_MAX = 4,
	SYM_NAMES_MAX = 4096,
	SYM_BUILD_ID_MAX = 20,
	SYM_NAME_MAX = 4096, /* bytes of one name in a reply; longer ones are cut at a character */
	SYM_FRAMES_MAX = 64, /* inlined frames at one address */
	SYM_REPLY_MAX = 64 * 1024 * 1024,
};

struct sym_seg { /* an executable PT_LOAD */
	uint64_t vaddr, offset, filesz, memsz;
};

enum sym_want_kind {
	SYM_WANT_BUILD_ID = 1, /* separate debug file; `name` is empty, build_id set */
	SYM_WANT_DEBUGLINK,    /* `name` is one path component; the symbolizer checks the CRC */
	SYM_WANT_ALT,          /* dwz's supplementary file: build_id set; `name` as the file says */
	SYM_WANT_DWO,          /* reserved */
};

struct sym_want {
	uint32_t kind, index;
	uint8_t build_id[SYM_BUILD_ID_MAX];
	uint8_t build_id_len;
	char name[256];
};

enum sym_flag {
	SYM_HAS_SYMTAB = 1 << 0, /* .symtab, here or in a debug file handed over */
	SYM_HAS_DYNSYM = 1 << 1,
	SYM_HAS_DEBUG = 1 << 2, /* .debug_info, here or in a debug file handed over */
	SYM_HAS_MINI = 1 << 3,  /* MiniDebugInfo */
	SYM_IS_GO = 1 << 4,     /* .gopclntab */
	SYM_HAS_CFI = 1 << 5,
};

struct sym_info {
	uint16_t machine; /* e_machine; 0 for text modules */
	uint16_t flags;   /* enum sym_flag */
	uint64_t entry;   /* e_entry */
	uint8_t build_id[SYM_BUILD_ID_MAX];
	uint8_t build_id_len;
	uint8_t n_segs, n_wants;
	struct sym_seg segs[SYM_SEGS_MAX];
	struct sym_want wants[SYM_WANTS_MAX];
};

void sym_info_put(struct buf *b, const struct sym_info *info);
/* 0, or -EBADMSG. A debuglink or alt name that is not a plain file name (empty, with '/', "." or
 * "..") is reduced to its last component or refused, so the result is safe to append to a folder. */
int sym_info_get(struct cursor *c, struct sym_info *ret);

/* The reply to SYM_NAMES after its status:
 *   u32 n_strings, n_strings × str     (string 0 is "")
 *   u32 n, then for each address asked, in order:
 *     u8 n_frames (0: no name is known), and per frame, innermost first, the last one being the
 *     function that really stands there, the others inlined into it:
 *       u32 name   demangled; string index, never 0
 *       u32 linkage  the mangled name, or the same index
 *       u32 file   source file, 0 unknown
 *       u32 line   line at this address (for the outer ones: of the call), 0 unknown
 *       u32 start_line  of the function, 0 unknown
 * For SYM_KALLSYMS `file` is the module's name ("ext4"), 0 for the kernel itself. */
struct sym_frame {
	uint32_t name, linkage, file, line, start_line;
};

#endif
