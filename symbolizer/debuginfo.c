/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/debuginfo.h"

#include <dwarf.h>
#include <endian.h>
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "symbolizer/debuginfo_priv.h"
#include "symbolizer/image.h"

enum { UNITS_MAX = 1 << 20, UNIT_RANGES_MAX = 1 << 20, RANGES_MAX = 1 << 23 };

/* libdw decompresses every debug section when it opens a file. What no name or line stands in is
 * hidden from it. */
static bool is_needless(const char *name)
{
	static const char *const names[] = {
		".debug_loc", ".debug_loclists", ".debug_macro", ".debug_macinfo", ".debug_names",
		".debug_pubnames", ".debug_pubtypes", ".debug_gnu_pubnames", ".debug_gnu_pubtypes",
		".debug_frame", ".gdb_index", ".zdebug_loc", ".zdebug_macro", ".zdebug_pubnames",
		".zdebug_pubtypes", ".zdebug_frame",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void hide(Elf_Scn *scn, GElf_Shdr *h)
{
	h->sh_type = SHT_NOBITS;
	gelf_update_shdr(scn, h);
}

/* .zdebug_info and the like, as compilers compressed before SHF_COMPRESSED: libdw opens them. What
 * it would allocate is told by the section: "ZLIB", then the size, big-endian. */
static bool gnu_size_plausible(Elf_Scn *scn)
{
	const Elf_Data *d = elf_rawdata(scn, NULL);
	uint64_t size;

	if (!d || !d->d_buf || d->d_size < 12 || memcmp(d->d_buf, "ZLIB", 4))
		return false;
	memcpy(&size, (const char *)d->d_buf + 4, sizeof(size));
	size = be64toh(size);
	return size <= IMAGE_SECTION_MAX &&
	       inflate_plausible(ELFCOMPRESS_ZLIB, d->d_size, size);
}

static void open_up(Elf *elf, struct inflated *bufs)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr h;
	size_t strs;

	if (elf_getshdrstrndx(elf, &strs))
		return;
	while ((scn = elf_nextscn(elf, scn)) && gelf_getshdr(scn, &h)) {
		const char *name = elf_strptr(elf, strs, h.sh_name);
		if (!name)
			continue;
		if (is_needless(name))
			hide(scn, &h);
		else if (!strncmp(name, ".debug", 6))
			inflate_section(scn, &h, bufs);
		else if (!strncmp(name, ".zdebug", 7) && !gnu_size_plausible(scn))
			hide(scn, &h);
	}
}

static int open_dwarf(int fd, struct inflated *bufs, Elf **ret_elf, Dwarf **ret)
{
	elf_version(EV_CURRENT);
	/* Private, since the section headers are changed in place. */
	*ret_elf = elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, NULL);
	if (!*ret_elf)
		return -EBADMSG;
	open_up(*ret_elf, bufs);
	*ret = dwarf_begin_elf(*ret_elf, DWARF_C_READ, NULL);
	return *ret ? 0 : -ENOENT;
}

/* Adds the ranges of an entry: true when there were any. */
static bool add_ranges(struct debuginfo *d, Dwarf_Die *die, uint32_t unit)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t off = 0;
	bool any = false;

	for (int i = 0; i < UNIT_RANGES_MAX && d->spans.in.len < RANGES_MAX; i++) {
		off = dwarf_ranges(die, off, &base, &low, &high);
		if (off <= 0)
			break;
		any = true;
		if (low >= CODE_MIN)
			spans_add(&d->spans, low, high, low, unit);
	}
	return any;
}

static void read_units(struct debuginfo *d)
{
	Dwarf_Off off = 0, next;
	size_t header;

	for (; !dwarf_next_unit(d->dwarf, off, &next, &header, NULL, NULL, NULL, NULL, NULL, NULL);
	     off = next) {
		Dwarf_Die die;
		struct unit *u;
		if (next <= off)
			return;
		if (!dwarf_offdie(d->dwarf, off + header, &die) ||
		    (dwarf_tag(&die) != DW_TAG_compile_unit &&
		     dwarf_tag(&die) != DW_TAG_skeleton_unit))
			continue;
		u = vec_add_max(&d->units, UNITS_MAX);
		if (!u)
			return;
		u->die = off + header;
		u->size = next - off;
		u->has_ranges = add_ranges(d, &die, (uint32_t)(d->units.len - 1));
	}
}

static struct unit *unit_of_die(struct debuginfo *d, Dwarf_Off die)
{
	size_t low = 0, high = d->units.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (d->units.at[mid].die == die)
			return &d->units.at[mid];
		if (d->units.at[mid].die < die)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* Units that do not say themselves where they are may be listed in .debug_aranges. The reverse,
 * units that are not listed there, is clang's and Rust's everyday, so it comes second. */
static void add_aranges(struct debuginfo *d)
{
	Dwarf_Aranges *list;
	size_t n, i;

	for (i = 0; i < d->units.len && d->units.at[i].has_ranges; i++)
		;
	if (i == d->units.len || dwarf_getaranges(d->dwarf, &list, &n))
		return;
	for (i = 0; i < n && i < RANGES_MAX; i++) {
		Dwarf_Arange *a = dwarf_onearange(list, i);
		struct unit *u;
		Dwarf_Addr low;
		Dwarf_Word len;
		Dwarf_Off die;
		if (!a || dwarf_getarangeinfo(a, &low, &len, &die))
			continue;
		u = unit_of_die(d, die);
		if (u && !u->has_ranges && low >= CODE_MIN && len <= UINT64_MAX - low)
			spans_add(&d->spans, low, low + len, low, (uint32_t)(u - d->units.at));
	}
}

int debuginfo_open(int fd, int alt_fd, struct debuginfo **ret)
{
	struct debuginfo *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	r = open_dwarf(fd, &d->inflated, &d->elf, &d->dwarf);
	if (!r && alt_fd >= 0 && open_dwarf(alt_fd, &d->inflated, &d->alt_elf, &d->alt) == 0)
		dwarf_setalt(d->dwarf, d->alt);
	if (!r) {
		read_units(d);
		add_aranges(d);
		r = d->units.len ? spans_flatten(&d->spans) : -ENOENT;
	}
	if (r)
		debuginfo_close(&d);
	else
		*ret = d;
	return r;
}

void debuginfo_close(struct debuginfo **dp)
{
	struct debuginfo *d = *dp;

	if (d) {
		for (size_t i = 0; i < d->units.len; i++)
			unit_free(&d->units.at[i]);
		vec_free(&d->units);
		spans_free(&d->spans);
		dwarf_end(d->dwarf);
		dwarf_end(d->alt);
		elf_end(d->elf);
		elf_end(d->alt_elf);
		inflated_free(&d->inflated);
	}
	free(d);
	*dp = NULL;
}

void debuginfo_at(struct debuginfo *d, uint64_t addr, uint64_t *budget, struct frames *ret)
{
	uint32_t i = spans_find(&d->spans, addr);
	struct unit *u;

	if (i == SPANS_NONE)
		return;
	u = &d->units.at[i];
	if (!u->is_walked && *budget)
		unit_walk(d, u, budget);
	if (u->is_walked)
		unit_at(u, addr, ret);
}
