/* SPDX-License-Identifier: Apache-2.0
 *
 * CIEs, FDEs and CFA programs put together by hand: every instruction, encoding and augmentation.
 */
#include <dwarf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/buf.h"
#include "symbolizer/cfi.h"

enum { VADDR = 0x1000, BEGIN = 0x400000, RANGE = 0x100, ROWS = 32 };

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

struct seen {
	uint64_t begin[ROWS];
	struct cfi_state state[ROWS];
	int n;
};

static void see(void *arg, uint64_t begin, const struct cfi_state *state)
{
	struct seen *s = arg;

	assert_true(s->n < ROWS);
	s->begin[s->n] = begin;
	s->state[s->n++] = *state;
}

/* A section under construction: one CIE at 0, one FDE behind it. */
struct made {
	struct buf b;
	struct cfi_section sec;
	size_t fde;
	struct seen seen;
};

static void patch_len(struct buf *b, size_t at)
{
	uint32_t len = (uint32_t)(b->len - at - 4);

	memcpy(b->data + at, &len, 4);
}

/* data_align -8, code_align 1; the CIE's own program: CFA = rsp + 8, return address at CFA - 8. */
static void put_cie(struct made *m, uint8_t version, const char *letters, const uint8_t *data,
		    size_t len)
{
	static const uint8_t aarch64[] = {DW_CFA_def_cfa, 31, 0};
	static const uint8_t x86_64[] = {DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1};

	buf_u32(&m->b, 0);
	buf_u32(&m->b, m->sec.eh ? 0 : UINT32_MAX);
	buf_u8(&m->b, version);
	buf_str(&m->b, letters);
	if (version >= 4)
		buf_put(&m->b, BYTES(8, 0));
	buf_put(&m->b, BYTES(1, 0x78));
	buf_u8(&m->b, m->sec.arch == ROWS_X86_64 ? 16 : 30);
	if (letters[0] == 'z') {
		buf_u8(&m->b, (uint8_t)len);
		buf_put(&m->b, data, len);
	}
	if (m->sec.arch == ROWS_X86_64)
		buf_put(&m->b, x86_64, sizeof(x86_64));
	else
		buf_put(&m->b, aarch64, sizeof(aarch64));
	patch_len(&m->b, 0);
}

static void put_fde(struct made *m, const void *where, size_t len, bool z, const uint8_t *program,
		    size_t n)
{
	m->fde = m->b.len;
	buf_u32(&m->b, 0);
	buf_u32(&m->b, m->sec.eh ? (uint32_t)m->b.len : 0);
	buf_put(&m->b, where, len);
	if (z)
		buf_u8(&m->b, 0);
	buf_put(&m->b, program, n);
	patch_len(&m->b, m->fde);
}

static struct made made(enum rows_arch arch, bool eh)
{
	struct made m = {.b = BUF_INIT(32 << 20)};

	m.sec = (struct cfi_section){.vaddr = eh ? VADDR : 0, .arch = arch, .eh = eh,
				     .text = 0x3ff000, .data = 0x3fe000};
	return m;
}

/* Reads and runs the FDE: what cfi_fde() and then cfi_run() say. */
static int run(struct made *m, uint64_t low, uint64_t high, struct cfi_fde *fde)
{
	struct cfi_reader r;
	int err;

	m->sec.bytes = (struct image_span){m->b.data, m->b.len};
	cfi_reader_init(&r, &m->sec);
	m->seen.n = 0;
	err = cfi_fde(&r, m->fde, fde);
	if (!err)
		err = cfi_run(&r, fde, low, high, see, &m->seen);
	return err;
}

/* An .eh_frame with absolute pointers and this program. */
static int run_program(struct made *m, enum rows_arch arch, const uint8_t *program, size_t n)
{
	static const uint64_t where[] = {BEGIN, RANGE};
	struct cfi_fde fde;

	*m = made(arch, true);
	put_cie(m, 1, "", NULL, 0);
	put_fde(m, where, sizeof(where), false, program, n);
	return run(m, 0, UINT64_MAX, &fde);
}

static void prologue(void **state)
{
	struct made m;
	const struct cfi_state *st = m.seen.state;

	/* push rbp; mov rbp, rsp; push rbx; ...; leave; ret */
	assert_int_equal(run_program(&m, ROWS_X86_64, BYTES(
		DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset | 6, 2,
		DW_CFA_advance_loc | 3, DW_CFA_def_cfa_register, 6,
		DW_CFA_advance_loc1, 0x10, DW_CFA_offset_extended, 3, 3, DW_CFA_remember_state,
		DW_CFA_advance_loc2, 0x20, 0, DW_CFA_def_cfa, 7, 8, DW_CFA_restore | 6,
		DW_CFA_advance_loc4, 1, 0, 0, 0, DW_CFA_restore_state, DW_CFA_nop)), 0);
	assert_int_equal(m.seen.n, 6);
	assert_int_equal(m.seen.begin[5], BEGIN + 0x35);
	assert_int_equal(st[0].cfa_reg, 7);
	assert_int_equal(st[0].cfa.off, 8);
	assert_int_equal(st[0].regs[CFI_RA].off, -8);
	assert_int_equal(st[1].regs[1].kind, CFI_OFFSET);
	assert_int_equal(st[1].regs[1].off, -16);
	assert_int_equal(st[2].cfa_reg, 6);
	assert_int_equal(st[3].regs[0].off, -24);
	assert_int_equal(st[4].regs[1].kind, CFI_SAME);
	assert_int_equal(st[4].regs[0].kind, CFI_OFFSET);
	assert_memory_equal(&st[5], &st[3], sizeof(st[5]));
	buf_free(&m.b);
}

static void register_rules(void **state)
{
	struct made m;
	const struct cfi_rule *r = m.seen.state[0].regs;

	assert_int_equal(run_program(&m, ROWS_X86_64, BYTES(
		DW_CFA_GNU_args_size, 0x90, 1,
		DW_CFA_GNU_negative_offset_extended, 3, 2, DW_CFA_offset_extended_sf, 6, 0x7e,
		DW_CFA_val_offset, 12, 1, DW_CFA_val_offset_sf, 13, 0x7f,
		DW_CFA_register, 14, 9, DW_CFA_expression, 15, 2, DW_OP_breg7, 8,
		DW_CFA_undefined, 16, DW_CFA_offset_extended, 99, 1, DW_CFA_same_value, 0)), 0);
	assert_int_equal(m.seen.n, 1);
	assert_int_equal(r[0].kind, CFI_OFFSET);
	assert_int_equal(r[0].off, 16);
	assert_int_equal(r[1].off, 16);
	assert_int_equal(r[2].kind, CFI_VAL_OFFSET);
	assert_int_equal(r[2].off, -8);
	assert_int_equal(r[3].off, 8);
	assert_int_equal(r[4].kind, CFI_REGISTER);
	assert_int_equal(r[4].off, 9);
	assert_int_equal(r[5].kind, CFI_EXPR);
	assert_int_equal(r[5].len, 2);
	assert_int_equal(r[CFI_RA].kind, CFI_UNDEFINED);
	buf_free(&m.b);
	assert_int_equal(run_program(&m, ROWS_X86_64, BYTES(
		DW_CFA_def_cfa_expression, 1, DW_OP_lit0, DW_CFA_val_expression, 3, 1, DW_OP_lit1,
		DW_CFA_advance_loc | 1, DW_CFA_def_cfa_sf, 7, 0x7e,
		DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset_sf, 0x7d, DW_CFA_restore_extended, 3,
		DW_CFA_MIPS_advance_loc8, 8, 0, 0, 0, 0, 0, 0, 0, DW_CFA_restore | 16,
		DW_CFA_set_loc, 0x40, 0, 0x40, 0, 0, 0, 0, 0)), 0);
	assert_int_equal(m.seen.n, 5);
	assert_int_equal(m.seen.state[0].cfa.kind, CFI_VAL_EXPR);
	assert_int_equal(m.seen.state[0].regs[0].kind, CFI_VAL_EXPR);
	assert_int_equal(m.seen.state[1].cfa.off, 16);
	assert_int_equal(m.seen.state[2].cfa.off, 24);
	assert_int_equal(m.seen.state[2].regs[0].kind, CFI_SAME);
	assert_int_equal(m.seen.begin[4], BEGIN + 0x40);
	buf_free(&m.b);
}

static void aarch64_instructions(void **state)
{
	struct made m;

	/* paciasp; stp x29, x30, [sp, -32]! */
	assert_int_equal(run_program(&m, ROWS_AARCH64, BYTES(
		DW_CFA_advance_loc | 4, DW_CFA_AARCH64_negate_ra_state, DW_CFA_advance_loc | 4,
		DW_CFA_def_cfa_offset, 32, DW_CFA_offset | 29, 4, DW_CFA_offset | 30, 3)), 0);
	assert_int_equal(m.seen.n, 3);
	assert_int_equal(m.seen.state[1].regs[CFI_RA].kind, CFI_SAME);
	assert_int_equal(m.seen.state[2].regs[CFI_RA].off, -24);
	assert_int_equal(m.seen.state[2].regs[10].off, -32);
	buf_free(&m.b);
	assert_int_equal(run_program(&m, ROWS_X86_64, BYTES(DW_CFA_AARCH64_negate_ra_state)),
			 -EBADMSG);
	buf_free(&m.b);
}

static void broken_programs(void **state)
{
	static const struct {
		uint8_t bytes[12];
		size_t len;
	} bad[] = {
		{{DW_CFA_restore_state}, 1},
		{{DW_CFA_advance_loc4, 1, 0}, 3},
		{{DW_CFA_def_cfa_expression, 9, DW_OP_lit0}, 3},
		{{DW_CFA_expression, 3, 0xff, 0xff, 0xff, 0xff, 0x7f}, 7},
		{{0x3f, 0}, 2},
		{{DW_CFA_def_cfa_expression, 1, DW_OP_lit0, DW_CFA_def_cfa_offset, 8}, 5},
		{{DW_CFA_set_loc, 0, 0, 0, 0, 0, 0, 0, 0}, 9}, /* backwards */
		{{DW_CFA_offset_extended, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
		  0x80, 0x80}, 12},
	};
	struct made m;
	uint8_t *many = malloc(3 << 20);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(run_program(&m, ROWS_X86_64, bad[i].bytes, bad[i].len), -EBADMSG);
		buf_free(&m.b);
	}
	memset(many, DW_CFA_nop, 3 << 20); /* past the budget */
	assert_int_equal(run_program(&m, ROWS_X86_64, many, 3 << 20), -EBADMSG);
	buf_free(&m.b);
	memset(many, DW_CFA_remember_state, 100); /* past the depth */
	assert_int_equal(run_program(&m, ROWS_X86_64, many, 100), -EBADMSG);
	buf_free(&m.b);
	free(many);
}

static void only_the_range(void **state)
{
	static const uint64_t where[] = {BEGIN, RANGE};
	struct made m = made(ROWS_X86_64, true);
	struct cfi_fde fde;

	put_cie(&m, 1, "", NULL, 0);
	/* The instruction after the range is broken; nobody gets there. */
	put_fde(&m, where, sizeof(where), false, BYTES(
		DW_CFA_advance_loc | 0x10, DW_CFA_def_cfa_offset, 16, DW_CFA_advance_loc | 0x10,
		DW_CFA_def_cfa_offset, 24, DW_CFA_advance_loc | 0x10, DW_CFA_restore_state));
	assert_int_equal(run(&m, BEGIN + 0x18, BEGIN + 0x28, &fde), 0);
	assert_int_equal(m.seen.n, 2);
	assert_int_equal(m.seen.begin[0], BEGIN + 0x10);
	assert_int_equal(m.seen.state[1].cfa.off, 24);
	assert_int_equal(run(&m, 0, UINT64_MAX, &fde), -EBADMSG);
	buf_free(&m.b);
}

/* An FDE whose pointer has this encoding and these bytes is about [BEGIN, BEGIN + 0x70). */
static void encoding(uint8_t enc, const void *bytes, size_t len)
{
	struct made m = made(ROWS_X86_64, true);
	struct cfi_fde fde;

	put_cie(&m, 1, "zR", &enc, 1);
	put_fde(&m, bytes, len, true, NULL, 0);
	assert_int_equal(run(&m, 0, UINT64_MAX, &fde), 0);
	assert_int_equal(fde.begin, BEGIN);
	assert_int_equal(fde.end, BEGIN + 0x70);
	buf_free(&m.b);
}

static void pointer_encodings(void **state)
{
	/* The CIE is 22 bytes long, the pointer 8 bytes into the FDE. */
	static const uint32_t rel = BEGIN - (VADDR + 30);

	encoding(DW_EH_PE_absptr, (const uint64_t[]){BEGIN, 0x70}, 16);
	encoding(DW_EH_PE_udata8, (const uint64_t[]){BEGIN, 0x70}, 16);
	encoding(DW_EH_PE_udata4, (const uint32_t[]){BEGIN, 0x70}, 8);
	encoding(DW_EH_PE_pcrel | DW_EH_PE_sdata4, (const uint32_t[]){rel, 0x70}, 8);
	encoding(DW_EH_PE_pcrel | DW_EH_PE_sdata8, (const uint64_t[]){rel, 0x70}, 16);
	encoding(DW_EH_PE_textrel | DW_EH_PE_udata2, (const uint16_t[]){0x1000, 0x70}, 4);
	encoding(DW_EH_PE_datarel | DW_EH_PE_sdata2, (const uint16_t[]){0x2000, 0x70}, 4);
	encoding(DW_EH_PE_uleb128, BYTES(0x80, 0x80, 0x80, 2, 0x70));
	encoding(DW_EH_PE_sleb128, BYTES(0x80, 0x80, 0x80, 2, 0xf0, 0));
}

/* Whether a CIE with this augmentation is understood. */
static int augmentation(const char *letters, const uint8_t *data, size_t len, struct cfi_fde *fde,
			bool *ret_signal)
{
	struct made m = made(ROWS_AARCH64, true);
	struct cfi_reader r;
	int err;

	put_cie(&m, 1, letters, data, len);
	put_fde(&m, (const uint32_t[]){BEGIN, RANGE}, 8, true, NULL, 0);
	m.sec.bytes = (struct image_span){m.b.data, m.b.len};
	cfi_reader_init(&r, &m.sec);
	err = cfi_fde(&r, m.fde, fde);
	*ret_signal = !err && fde->cie->signal;
	buf_free(&m.b);
	return err;
}

static void augmentations(void **state)
{
	struct cfi_fde fde;
	bool signal;

	assert_int_equal(augmentation("zRS", BYTES(DW_EH_PE_udata4), &fde, &signal), 0);
	assert_true(signal);
	assert_int_equal(augmentation("zPLR", BYTES(DW_EH_PE_indirect | DW_EH_PE_pcrel |
			DW_EH_PE_sdata4, 1, 2, 3, 4, DW_EH_PE_omit, DW_EH_PE_udata4), &fde,
			&signal), 0);
	assert_false(signal);
	assert_int_equal(fde.begin, BEGIN);
	assert_int_equal(augmentation("zRBG", BYTES(DW_EH_PE_udata4), &fde, &signal), 0);
	assert_int_equal(augmentation("zXR", BYTES(0, DW_EH_PE_udata4), &fde, &signal), -EBADMSG);
	assert_int_equal(augmentation("zR", BYTES(DW_EH_PE_indirect | DW_EH_PE_udata4), &fde,
				      &signal), -EBADMSG);
	assert_int_equal(augmentation("zRLP", BYTES(DW_EH_PE_udata4), &fde, &signal), -EBADMSG);
}

static void debug_frame_versions(void **state)
{
	static const uint64_t where[] = {BEGIN, RANGE};

	for (uint8_t version = 1; version <= 6; version++) {
		struct made m = made(ROWS_X86_64, false);
		bool known = version != 2 && version != 6;
		struct cfi_fde fde;

		put_cie(&m, version, "", NULL, 0);
		put_fde(&m, where, sizeof(where), false, BYTES(DW_CFA_nop));
		assert_int_equal(run(&m, 0, UINT64_MAX, &fde), known ? 0 : -EBADMSG);
		if (known)
			assert_int_equal(fde.end, BEGIN + RANGE);
		buf_free(&m.b);
	}
}

static void walk_of_entries(void **state)
{
	static const uint64_t where[] = {BEGIN, RANGE};
	struct made m = made(ROWS_X86_64, true);
	struct cfi_reader r;
	struct cfi_fde fde;
	size_t at = 0;

	put_cie(&m, 1, "", NULL, 0);
	put_fde(&m, where, sizeof(where), false, NULL, 0);
	put_fde(&m, where, 8, false, NULL, 0); /* cut off */
	put_fde(&m, where, sizeof(where), false, NULL, 0);
	buf_u32(&m.b, 0);
	m.sec.bytes = (struct image_span){m.b.data, m.b.len};
	cfi_reader_init(&r, &m.sec);
	assert_int_equal(cfi_next(&r, &at, &fde), 0);
	assert_int_equal(cfi_next(&r, &at, &fde), 1);
	assert_int_equal(cfi_next(&r, &at, &fde), 0);
	assert_int_equal(cfi_next(&r, &at, &fde), 1);
	assert_int_equal(cfi_next(&r, &at, &fde), -ENODATA);
	buf_free(&m.b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(prologue),
		cmocka_unit_test(register_rules),
		cmocka_unit_test(aarch64_instructions),
		cmocka_unit_test(broken_programs),
		cmocka_unit_test(only_the_range),
		cmocka_unit_test(pointer_encodings),
		cmocka_unit_test(augmentations),
		cmocka_unit_test(debug_frame_versions),
		cmocka_unit_test(walk_of_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
