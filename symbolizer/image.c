/* SPDX-License-Identifier: Apache-2.0 */
#include "symbolizer/image.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent/base/cursor.h"
#include "agent/base/fd.h"
#include "symbolizer/image_priv.h"

enum { PHNUM_MAX = 4096, NOTES_MAX = 64 << 10, CHUNK = 256 << 10 };

/* Reads the ELF header: everything that decides whether the file is one of ours. */
static int read_header(struct image *img)
{
	const Elf64_Ehdr *in = image_at(img, 0, sizeof(*in));
	Elf64_Ehdr h;

	if (!in)
		return -ENOEXEC;
	memcpy(&h, in, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if (h.e_machine != EM_X86_64 && h.e_machine != EM_AARCH64)
		return -ENOEXEC;
	img->type = h.e_type;
	img->machine = h.e_machine;
	img->entry = h.e_entry;
	img->phoff = h.e_phoff;
	img->phnum = h.e_phnum;
	img->phentsize = h.e_phentsize;
	image_sections_open(img, &h);
	return 0;
}

static int read_segments(struct image *img)
{
	struct cursor c;

	if (img->phnum == 0)
		return 0; /* an object or a debug file */
	if (img->phnum > PHNUM_MAX || img->phentsize != sizeof(Elf64_Phdr))
		return -EBADMSG;
	c = cursor_over(image_at(img, img->phoff, img->phnum * sizeof(Elf64_Phdr)),
			img->phnum * sizeof(Elf64_Phdr));
	if (!c.at)
		return -EBADMSG;
	img->segs = calloc(img->phnum, sizeof(*img->segs));
	if (!img->segs)
		return -ENOMEM;
	for (size_t i = 0; i < img->phnum; i++) {
		Elf64_Phdr p;
		memcpy(&p, cursor_take(&c, sizeof(p)), sizeof(p));
		img->segs[i] = (struct image_seg){p.p_vaddr, p.p_offset, p.p_filesz, p.p_memsz,
						  p.p_type, p.p_flags};
	}
	img->n_segs = img->phnum;
	return 0;
}

int image_open(int fd, struct image **ret)
{
	struct image *img = calloc(1, sizeof(*img));
	struct stat st;
	int err;

	if (!img) {
		fd_close(&fd);
		return -ENOMEM;
	}
	img->fd = fd_take(&fd);
	if (fstat(img->fd, &st) < 0) {
		err = -errno;
		goto cleanup;
	}
	img->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	err = read_header(img);
	if (!err)
		err = read_segments(img);
cleanup:
	if (err)
		image_close(&img);
	else
		*ret = img;
	return err;
}

void image_close(struct image **imgp)
{
	struct image *img = *imgp;

	*imgp = NULL;
	if (!img)
		return;
	for (size_t i = 0; i < img->maps.len; i++)
		munmap((void *)(uintptr_t)img->maps.at[i].bytes, img->maps.at[i].len);
	vec_free(&img->maps);
	image_sections_close(img);
	free(img->segs);
	fd_close(&img->fd);
	free(img);
}

int image_fd(const struct image *img)
{
	return img->fd;
}

uint64_t image_file_size(const struct image *img)
{
	return img->size;
}

uint16_t image_type(const struct image *img)
{
	return img->type;
}

uint16_t image_machine(const struct image *img)
{
	return img->machine;
}

uint64_t image_entry(const struct image *img)
{
	return img->entry;
}

/* Maps [low, high) of the file, page aligned; NULL past one of the limits. */
static const struct image_map *map_range(struct image *img, uint64_t low, uint64_t high)
{
	struct image_map *m;
	void *p;

	if (high - low > IMAGE_MAPPED_MAX - img->mapped)
		return NULL;
	m = vec_add_max(&img->maps, IMAGE_MAPS_MAX);
	if (!m)
		return NULL;
	p = mmap(NULL, high - low, PROT_READ, MAP_PRIVATE, img->fd, (off_t)low);
	if (p == MAP_FAILED) {
		img->maps.len--;
		return NULL;
	}
	img->mapped += high - low;
	*m = (struct image_map){low, p, high - low};
	return m;
}

static const struct image_map *find_map(struct image *img, uint64_t offset, size_t len)
{
	size_t n = img->maps.len;

	for (size_t i = 0; i < n; i++) {
		size_t at = (img->last_map + i) % n;
		const struct image_map *m = &img->maps.at[at];
		if (offset >= m->offset && offset - m->offset <= m->len &&
		    len <= m->len - (offset - m->offset)) {
			img->last_map = at;
			return m;
		}
	}
	return NULL;
}

const void *image_at(const struct image *cimg, uint64_t offset, size_t len)
{
	struct image *img = (struct image *)cimg; /* the maps are a cache */
	const struct image_map *m;
	uint64_t low, high;

	if (len == 0 || offset > img->size || len > img->size - offset)
		return NULL;
	m = find_map(img, offset, len);
	if (!m) {
		/* Neighbours will be asked for next: round generously, but stay inside the file,
		 * since a touched page past its end is a SIGBUS. */
		low = offset & ~(uint64_t)(CHUNK - 1);
		high = (offset + len + CHUNK - 1) & ~(uint64_t)(CHUNK - 1);
		m = map_range(img, low, high < img->size ? high : img->size);
	}
	return m ? m->bytes + (offset - m->offset) : NULL;
}

const struct image_seg *image_seg(const struct image *img, size_t i)
{
	return i < img->n_segs ? &img->segs[i] : NULL;
}

const struct image_seg *image_seg_at(const struct image *img, uint64_t vaddr, bool exec)
{
	for (size_t i = 0; i < img->n_segs; i++) {
		const struct image_seg *s = &img->segs[i];
		if (s->type == PT_LOAD && (!exec || s->flags & PF_X) && vaddr >= s->vaddr &&
		    vaddr - s->vaddr < s->memsz)
			return s;
	}
	return NULL;
}

/* How many bytes the file holds from `vaddr` on, in its segment; their offset in `ret`. */
static uint64_t held(const struct image *img, uint64_t vaddr, uint64_t *ret)
{
	for (size_t i = 0; i < img->n_segs; i++) {
		const struct image_seg *s = &img->segs[i];
		uint64_t skip = vaddr - s->vaddr, left;

		if (s->type != PT_LOAD || vaddr < s->vaddr || skip >= s->filesz)
			continue;
		if (s->offset > img->size || skip >= img->size - s->offset)
			continue;
		left = img->size - s->offset - skip;
		*ret = s->offset + skip;
		return left < s->filesz - skip ? left : s->filesz - skip;
	}
	return 0;
}

const void *image_bytes(const struct image *img, uint64_t vaddr, size_t len)
{
	uint64_t offset, n = held(img, vaddr, &offset);

	return n && len <= n ? image_at(img, offset, len) : NULL;
}

struct image_span image_from(const struct image *img, uint64_t vaddr, size_t max)
{
	uint64_t offset, n = held(img, vaddr, &offset);
	struct image_span s = {0};

	if (n > max)
		n = max;
	s.at = n ? image_at(img, offset, (size_t)n) : NULL;
	s.len = s.at ? (size_t)n : 0;
	return s;
}

/* Looks through notes for `name` and `type`: its descriptor. */
static struct image_span find_note(struct cursor c, const char *name, uint32_t type)
{
	size_t want = strlen(name) + 1;

	while (cursor_left(&c) >= 12) {
		uint32_t namesz = cursor_u32(&c), descsz = cursor_u32(&c), t = cursor_u32(&c);
		const char *n = cursor_take(&c, namesz);
		const uint8_t *desc;

		cursor_skip(&c, -namesz & 3);
		desc = cursor_take(&c, descsz);
		if (c.bad)
			break;
		if (t == type && namesz == want && !memcmp(n, name, want))
			return (struct image_span){desc, descsz};
		c.at += cursor_left(&c) < (-descsz & 3) ? cursor_left(&c) : (-descsz & 3);
	}
	return (struct image_span){0};
}

/* Notes by program header; by section only where there are no segments with notes: a debug file's
 * program headers still describe the file that it was made from. */
struct image_span image_note(const struct image *img, const char *name, uint32_t type)
{
	struct image_span found = {0};
	struct image_sec sec;

	for (size_t i = 0; i < img->n_segs && !found.at; i++) {
		const struct image_seg *s = &img->segs[i];
		if (s->type == PT_NOTE && s->filesz <= NOTES_MAX)
			found = find_note(cursor_over(image_at(img, s->offset, s->filesz),
						      s->filesz), name, type);
	}
	for (size_t i = 0; !found.at && image_sec(img, i, &sec); i++)
		if (sec.type == SHT_NOTE && sec.size <= NOTES_MAX)
			found = find_note(cursor_over(image_at(img, sec.offset, sec.size),
						      sec.size), name, type);
	return found;
}

bool image_dynamic(const struct image *img, int64_t tag, uint64_t *ret)
{
	for (size_t i = 0; i < img->n_segs; i++) {
		const struct image_seg *s = &img->segs[i];
		struct cursor c;

		if (s->type != PT_DYNAMIC || s->filesz > NOTES_MAX)
			continue;
		c = cursor_over(image_at(img, s->offset, s->filesz), s->filesz);
		while (cursor_left(&c) >= sizeof(Elf64_Dyn)) {
			int64_t t = cursor_i64(&c);
			uint64_t v = cursor_u64(&c);
			if (t == DT_NULL)
				break;
			if (t == tag) {
				*ret = v;
				return true;
			}
		}
	}
	return false;
}
