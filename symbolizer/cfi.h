/* SPDX-License-Identifier: Apache-2.0
 *
 * Call frame information: CIEs, FDEs and the programs in them, from .eh_frame and .debug_frame.
 * Hostile input: every read is bounded, every loop has a budget; an error costs one FDE.
 *
 * Sources: DWARF 5, section 6.4; LSB 5.0 core, chapter 10.6 (Exception Frames); AADWARF64, 3.3
 * (negate_ra_state, augmentation B and G).
 */
#ifndef SYMBOLIZER_CFI_H
#define SYMBOLIZER_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/cursor.h"
#include "agent/wire/rows.h"
#include "symbolizer/image.h"

/* The bytes that FDEs stand in, and what their encoded pointers are relative to. */
struct cfi_section {
	struct image_span bytes;
	uint64_t vaddr;      /* of the first byte; 0 for .debug_frame */
	uint64_t text, data; /* bases of DW_EH_PE_textrel and _datarel */
	enum rows_arch arch;
	bool eh; /* .eh_frame, not .debug_frame */
};

/* One encoded pointer (DW_EH_PE_*) at `c`, whose bytes lie in `sec`; `func` is what
 * DW_EH_PE_funcrel adds. An unknown encoding, and DW_EH_PE_indirect, which says nothing about text, make `c` bad. */
uint64_t cfi_pointer(struct cursor *c, uint8_t enc, const struct cfi_section *sec, uint64_t func);

/* How a register of the caller is found. */
enum cfi_kind {
	CFI_SAME = 0,
	CFI_UNDEFINED,
	CFI_OFFSET,     /* at CFA + off */
	CFI_VAL_OFFSET, /* is CFA + off */
	CFI_REGISTER,   /* in register `off` */
	CFI_EXPR,       /* at the address that the expression computes */
	CFI_VAL_EXPR,   /* is what the expression computes */
};

struct cfi_rule {
	uint8_t kind; /* enum cfi_kind */
	uint32_t len; /* of the expression */
	union {
		int64_t off;
		const uint8_t *expr;
	};
};

/* What is tracked: the slots of rows.h, the return address, the stack pointer. */
enum { CFI_RA = ROWS_SAVED, CFI_SP, CFI_TRACKED };

struct cfi_state {
	struct cfi_rule cfa; /* CFI_VAL_OFFSET of cfa_reg, CFI_VAL_EXPR, or CFI_UNDEFINED */
	uint64_t cfa_reg;
	struct cfi_rule regs[CFI_TRACKED];
};

struct cfi_cie {
	size_t offset; /* in the section; SIZE_MAX: not read yet */
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra; /* the return address' column */
	uint8_t fde_enc, address_size, segment_size;
	bool z, signal; /* augmentations */
	struct cfi_state initial;
};

struct cfi_fde {
	uint64_t begin, end;
	const struct cfi_section *sec;
	const struct cfi_cie *cie; /* the reader's; valid until its next use */
	struct cursor program;
};

/* Reads FDEs of one section; keeps the CIEs that it met last. */
enum {
	CFI_CIES = 8,
	CFI_BUDGET = 1 << 21, /* instructions a page: some 100 times of what cc1plus needs */
};
struct cfi_reader {
	struct cfi_section sec;
	struct cfi_cie cies[CFI_CIES];
	int8_t track[ROWS_REGS]; /* index into cfi_state.regs, -1: not tracked */
	long budget; /* instructions that may still be run; the caller refills it to CFI_BUDGET */
};

void cfi_reader_init(struct cfi_reader *r, const struct cfi_section *sec);

/* The entry at `*offset`, which moves on to the next one: 1 and an FDE; 0 for a CIE, or an FDE that
 * is broken by itself; -ENODATA at the end, or at an entry of a length that cannot be true, after
 * which nothing can be found. */
int cfi_next(struct cfi_reader *r, size_t *offset, struct cfi_fde *ret);

/* The FDE at `offset`: 0, or -EBADMSG. */
int cfi_fde(struct cfi_reader *r, size_t offset, struct cfi_fde *ret);

/* Runs the FDE's program and calls `fn` for every row of it that reaches into [low, high), in
 * ascending order; `begin` may be below `low`. 0, or -EBADMSG for a broken or endless program
 * (rows may have been seen by then). */
int cfi_run(struct cfi_reader *r, const struct cfi_fde *fde, uint64_t low, uint64_t high,
	    void (*fn)(void *arg, uint64_t begin, const struct cfi_state *state), void *arg);

#endif
