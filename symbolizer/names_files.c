/* SPDX-License-Identifier: Apache-2.0
 *
 * Which further files a module wants, and whether the ones handed over are the right ones.
 */
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/cursor.h"
#include "agent/base/fd.h"
#include "symbolizer/names_priv.h"

enum {
	CRC_STEP = 256 * 1024,
	CRC_FILE_MAX = 1 << 30, /* a second's reading; larger files are found by build ID */
};

const struct image *names_dwarf_image(const struct names *n)
{
	if (n->debug && n->debug_info.flags & SYM_HAS_DEBUG)
		return n->debug;
	return n->info.flags & SYM_HAS_DEBUG ? n->own : NULL;
}

static struct sym_want *add_want(const struct names *n, struct sym_info *ret, uint32_t kind)
{
	struct sym_want *w;

	if (n->settled >> kind & 1 || ret->n_wants == SYM_WANTS_MAX)
		return NULL;
	w = &ret->wants[ret->n_wants++];
	*w = (struct sym_want){.kind = kind, .index = 0};
	return w;
}

static void want_debug_file(const struct names *n, struct sym_info *ret)
{
	struct sym_want *w;
	const char *name;
	uint32_t crc;

	if (n->info.build_id_len >= 2 && (w = add_want(n, ret, SYM_WANT_BUILD_ID))) {
		memcpy(w->build_id, n->info.build_id, sizeof(w->build_id));
		w->build_id_len = n->info.build_id_len;
	}
	if (image_debuglink(n->own, &name, &crc) && *name && strlen(name) < sizeof(w->name) &&
	    (w = add_want(n, ret, SYM_WANT_DEBUGLINK)))
		memcpy(w->name, name, strlen(name));
}

/* .gnu_debugaltlink: a file name, NUL, and the build ID of dwz's supplementary file. */
static bool read_altlink(const struct names *n, struct sym_want *ret)
{
	const struct image *img = names_dwarf_image(n);
	struct image_span s = img ? image_data(img, ".gnu_debugaltlink") : (struct image_span){0};
	struct cursor c = cursor_over(s.at, s.len);
	const char *name = s.at ? cursor_str(&c) : NULL;
	size_t id_len = cursor_left(&c);

	if (!name || id_len < 2 || id_len > SYM_BUILD_ID_MAX || strlen(name) >= sizeof(ret->name))
		return false;
	memcpy(ret->name, name, strlen(name) + 1);
	memcpy(ret->build_id, c.at, id_len);
	ret->build_id_len = (uint8_t)id_len;
	return true;
}

void names_info(const struct names *n, struct sym_info *ret)
{
	struct sym_want alt = {.kind = SYM_WANT_ALT}, *w;

	*ret = n->info;
	if (n->debug)
		ret->flags |= n->debug_info.flags & (SYM_HAS_SYMTAB | SYM_HAS_DEBUG);
	if (!n->debug && !(n->info.flags & SYM_HAS_DEBUG))
		want_debug_file(n, ret);
	if (!n->alt && read_altlink(n, &alt) && (w = add_want(n, ret, SYM_WANT_ALT)))
		*w = alt;
}

static bool same_id(const struct sym_info *info, const uint8_t *id, size_t len)
{
	return len && info->build_id_len == len && !memcmp(info->build_id, id, len);
}

/* The checksum of .gnu_debuglink is zlib's crc32 of the whole file; liblzma has the same. */
static int check_crc(int fd, uint32_t want)
{
	uint8_t *buf = malloc(CRC_STEP);
	uint32_t crc = 0;
	off_t at = 0;
	ssize_t n = buf ? 1 : -1;

	while (n > 0 && at < CRC_FILE_MAX) {
		n = pread(fd, buf, CRC_STEP, at);
		if (n > 0) {
			crc = lzma_crc32(buf, (size_t)n, crc);
			at += n;
		}
	}
	free(buf);
	return n == 0 && crc == want ? 0 : -EBADMSG;
}

/* Opens a handed-over file when it is the one that was meant. */
static struct image *open_matching(const struct names *n, uint32_t kind, int fd,
				   const struct sym_want *alt, struct sym_info *ret_info)
{
	const uint8_t *id = kind == SYM_WANT_ALT ? alt->build_id : n->info.build_id;
	uint8_t id_len = kind == SYM_WANT_ALT ? alt->build_id_len : n->info.build_id_len;
	struct image *img = NULL;
	const char *name;
	uint32_t crc;

	if (kind == SYM_WANT_DEBUGLINK &&
	    (!image_debuglink(n->own, &name, &crc) || check_crc(fd, crc))) {
		fd_close(&fd);
		return NULL;
	}
	if (image_open(fd, &img))
		return NULL;
	image_info(img, ret_info);
	if (ret_info->machine != n->info.machine ||
	    (kind != SYM_WANT_DEBUGLINK && !same_id(ret_info, id, id_len)))
		image_close(&img);
	return img;
}

int names_debug(struct names *n, uint32_t kind, int fd)
{
	struct sym_want alt = {0};
	struct sym_info info;
	struct image *img;

	if (kind < SYM_WANT_BUILD_ID || kind > SYM_WANT_ALT ||
	    (kind == SYM_WANT_ALT && !read_altlink(n, &alt))) {
		fd_close(&fd);
		return -EINVAL;
	}
	n->settled |= 1u << kind;
	img = fd < 0 ? NULL : open_matching(n, kind, fd, &alt, &info);
	if (!img)
		return 0;
	names_trim(n); /* what was concluded without the file is concluded again */
	if (kind == SYM_WANT_ALT) {
		image_close(&n->alt);
		n->alt = img;
	} else {
		image_close(&n->debug);
		n->debug = img;
		n->debug_info = info;
	}
	return 0;
}
