/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/kernel_here.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/cursor.h"
#include "agent/base/fd.h"

enum { NOTES_MAX = 65536, NOTE_BUILD_ID = 3, LINES_MAX = 100000 };

static uint32_t padded(uint32_t n)
{
	return n > UINT32_MAX - 3 ? n : (n + 3) & ~3u;
}

/* The build ID among ELF notes: u32 name size, u32 content size, u32 type; "GNU". */
static size_t build_id_note(struct cursor c, uint8_t out[KERNEL_ID_MAX])
{
	while (cursor_left(&c) >= 12) {
		uint32_t name = cursor_u32(&c), len = cursor_u32(&c), type = cursor_u32(&c);
		const char *who = cursor_take(&c, padded(name));
		const uint8_t *id = cursor_take(&c, padded(len));

		if (!who || !id)
			return 0;
		if (type == NOTE_BUILD_ID && name == 4 && !memcmp(who, "GNU", 4) &&
		    len <= KERNEL_ID_MAX) {
			memcpy(out, id, len);
			return len;
		}
	}
	return 0;
}

size_t kernel_build_id(uint8_t out[KERNEL_ID_MAX])
{
	struct buf b = BUF_INIT(NOTES_MAX);
	int fd = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd >= 0 && buf_read_fd(&b, fd) == 0)
		n = build_id_note(cursor_over(b.data, b.len), out);
	fd_close(&fd);
	buf_free(&b);
	return n;
}

/* One of the first lines, behind the symbols that are counted from zero on each CPU. */
bool kernel_text(int kallsyms, uint64_t *ret)
{
	FILE *f = fdopen(kallsyms, "r");
	char line[512], name[256];
	uint64_t at, stext = 0, text = 0;

	if (!f) {
		close(kallsyms);
		return false;
	}
	for (int i = 0; i < LINES_MAX && !text && fgets(line, sizeof(line), f); i++) {
		if (sscanf(line, "%" SCNx64 " %*c %255s", &at, name) != 2)
			continue;
		if (stext && at != stext)
			break; /* the two stand at one address, or there is no _text */
		if (!strcmp(name, "_text"))
			text = at;
		else if (!strcmp(name, "_stext"))
			stext = at;
	}
	fclose(f);
	text = text ? text : stext;
	if (text)
		*ret = text;
	return text != 0;
}
