/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/cfi.h"

#include <dwarf.h>
#include <errno.h>

#include "symbolizer/cfi_priv.h"

static uint64_t address_of(const struct cursor *c, const struct cfi_section *sec)
{
	return sec->vaddr + (uint64_t)(c->at - sec->bytes.at);
}

static uint64_t pointer_value(struct cursor *c, uint8_t format)
{
	switch (format) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
	case 0x08: /* DW_EH_PE_signed alone: a signed pointer */
		return cursor_u64(c);
	case DW_EH_PE_uleb128:
		return cursor_uleb(c);
	case DW_EH_PE_sleb128:
		return (uint64_t)cursor_sleb(c);
	case DW_EH_PE_udata2:
		return cursor_u16(c);
	case DW_EH_PE_sdata2:
		return (uint64_t)(int64_t)cursor_i16(c);
	case DW_EH_PE_udata4:
		return cursor_u32(c);
	case DW_EH_PE_sdata4:
		return (uint64_t)(int64_t)cursor_i32(c);
	default:
		c->bad = true;
		return 0;
	}
}

uint64_t cfi_pointer(struct cursor *c, uint8_t enc, const struct cfi_section *sec, uint64_t func)
{
	uint64_t base = 0;

	if (enc == DW_EH_PE_aligned) {
		cursor_skip(c, -address_of(c, sec) & 7);
		return cursor_u64(c);
	}
	switch (enc & 0xf0) {
	case DW_EH_PE_absptr:
		break;
	case DW_EH_PE_pcrel:
		base = address_of(c, sec);
		break;
	case DW_EH_PE_textrel:
		base = sec->text;
		break;
	case DW_EH_PE_datarel:
		base = sec->data;
		break;
	case DW_EH_PE_funcrel:
		base = func;
		break;
	default:
		c->bad = true;
	}
	return base + pointer_value(c, enc & 0x0f);
}

void cfi_reader_init(struct cfi_reader *r, const struct cfi_section *sec)
{
	*r = (struct cfi_reader){.sec = *sec, .budget = CFI_BUDGET};
	for (size_t i = 0; i < CFI_CIES; i++)
		r->cies[i].offset = SIZE_MAX;
	for (int i = 0; i < ROWS_REGS; i++)
		r->track[i] = (int8_t)rows_reg_slot(sec->arch, i);
	r->track[sec->arch == ROWS_X86_64 ? 7 : 31] = CFI_SP;
}

/* The frame of a CIE or an FDE: what follows its id. */
struct entry {
	struct cursor body;
	uint64_t id;
	size_t id_at, next;
	bool is_cie;
};

static int open_entry(const struct cfi_section *sec, size_t offset, struct entry *ret)
{
	struct cursor c = cursor_over(sec->bytes.at, sec->bytes.len);
	uint64_t len;
	bool wide;

	cursor_skip(&c, offset);
	len = cursor_u32(&c);
	wide = len == 0xffffffff;
	if (wide)
		len = cursor_u64(&c);
	ret->id_at = (size_t)(c.at - sec->bytes.at);
	if (c.bad || len == 0 || len > cursor_left(&c))
		return -ENODATA;
	ret->body = cursor_sub(&c, len);
	ret->next = ret->id_at + len;
	/* .eh_frame keeps the 32-bit id in wide entries too. */
	ret->id = wide && !sec->eh ? cursor_u64(&ret->body) : cursor_u32(&ret->body);
	if (sec->eh)
		ret->is_cie = ret->id == 0;
	else
		ret->is_cie = ret->id == (wide ? UINT64_MAX : UINT32_MAX);
	return 0;
}

/* The augmentation's data, letter by letter (LSB, 10.6.1.1.1). */
static int read_augmentation(struct cursor *c, const char *letters, const struct cfi_section *sec,
			     struct cfi_cie *cie)
{
	struct cursor data = {0};

	if (letters[0] == 'z') {
		cie->z = true;
		data = cursor_sub(c, cursor_uleb(c));
		letters++;
	}
	for (; *letters; letters++) {
		uint8_t enc;

		switch (*letters) {
		case 'R':
			cie->fde_enc = cursor_u8(&data);
			break;
		case 'P':
			enc = cursor_u8(&data);
			if (enc != DW_EH_PE_omit)
				cfi_pointer(&data, enc & 0x7f, sec, 0);
			break;
		case 'L':
			cursor_u8(&data);
			break;
		case 'S':
			cie->signal = true;
			break;
		case 'B': /* return addresses signed with the B key */
		case 'G': /* memory tagging */
			break;
		default:
			return -EBADMSG; /* an R may follow */
		}
	}
	return c->bad || (cie->z && data.bad) ? -EBADMSG : 0;
}

static void initial_state(const struct cfi_section *sec, struct cfi_state *st)
{
	*st = (struct cfi_state){.cfa.kind = CFI_UNDEFINED};
	st->regs[CFI_SP].kind = CFI_VAL_OFFSET;
	if (sec->arch == ROWS_X86_64)
		st->regs[CFI_RA] = (struct cfi_rule){.kind = CFI_OFFSET, .off = -8};
}

static int read_cie(struct cfi_reader *r, const struct entry *e, struct cfi_cie *cie)
{
	struct cursor c = e->body;
	uint8_t version = cursor_u8(&c);
	const char *letters = cursor_str(&c);

	if (!letters || !(version == 1 || (version >= 3 && version <= 5)))
		return -EBADMSG;
	cie->address_size = 8;
	if (version >= 4) {
		cie->address_size = cursor_u8(&c);
		cie->segment_size = cursor_u8(&c);
	}
	if (!strcmp(letters, "eh")) { /* g++ 2: a pointer to the exception table */
		cursor_skip(&c, 8);
		letters = "";
	}
	cie->code_align = cursor_uleb(&c);
	cie->data_align = cursor_sleb(&c);
	cie->ra = version == 1 ? cursor_u8(&c) : cursor_uleb(&c);
	cie->fde_enc = cie->address_size == 4 ? DW_EH_PE_udata4 : DW_EH_PE_absptr;
	if (c.bad || (cie->address_size != 8 && cie->address_size != 4))
		return -EBADMSG;
	if (read_augmentation(&c, letters, &r->sec, cie) < 0)
		return -EBADMSG;
	initial_state(&r->sec, &cie->initial);
	return cfi_run_cie(r, cie, c);
}

/* The CIE at `offset`, from the cache or read into it. */
static const struct cfi_cie *get_cie(struct cfi_reader *r, uint64_t offset)
{
	struct cfi_cie *cie = &r->cies[(offset >> 2 ^ offset >> 5) % CFI_CIES];
	struct entry e;

	if (offset >= r->sec.bytes.len)
		return NULL;
	if (cie->offset == offset)
		return cie;
	*cie = (struct cfi_cie){.offset = SIZE_MAX};
	if (open_entry(&r->sec, offset, &e) < 0 || !e.is_cie || read_cie(r, &e, cie) < 0)
		return NULL;
	cie->offset = offset;
	return cie;
}

static int read_fde(struct cfi_reader *r, const struct entry *e, struct cfi_fde *ret)
{
	const struct cfi_cie *cie = get_cie(r, r->sec.eh ? e->id_at - e->id : e->id);
	struct cursor c = e->body;
	uint64_t range;

	if (!cie)
		return -EBADMSG;
	cursor_skip(&c, cie->segment_size);
	ret->begin = cfi_pointer(&c, cie->fde_enc, &r->sec, 0);
	range = pointer_value(&c, cie->fde_enc & 0x0f);
	ret->end = ret->begin + range;
	if (cie->z)
		cursor_skip(&c, cursor_uleb(&c));
	ret->cie = cie;
	ret->sec = &r->sec;
	ret->program = c;
	return c.bad || ret->end < ret->begin ? -EBADMSG : 0;
}

int cfi_next(struct cfi_reader *r, size_t *offset, struct cfi_fde *ret)
{
	struct entry e;

	if (open_entry(&r->sec, *offset, &e) < 0)
		return -ENODATA;
	*offset = e.next;
	return !e.is_cie && read_fde(r, &e, ret) == 0;
}

int cfi_fde(struct cfi_reader *r, size_t offset, struct cfi_fde *ret)
{
	struct entry e;

	if (open_entry(&r->sec, offset, &e) < 0 || e.is_cie)
		return -EBADMSG;
	return read_fde(r, &e, ret);
}
