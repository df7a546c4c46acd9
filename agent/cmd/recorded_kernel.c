/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel addresses have names only where it is this kernel, and this boot: its place in memory
 * changes with each.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/base/buf.h"
#include "agent/base/cursor.h"
#include "agent/base/fd.h"
#include "agent/cmd/recorded.h"

enum { NOTES_MAX = 65536, NOTE_BUILD_ID = 3 };

static uint32_t padded(uint32_t n)
{
	return n > UINT32_MAX - 3 ? n : (n + 3) & ~3u;
}

/* The build ID among ELF notes: u32 name size, u32 content size, u32 type; "GNU". */
static size_t build_id_note(struct cursor c, uint8_t out[PERFDATA_BUILD_ID_MAX])
{
	while (cursor_left(&c) >= 12) {
		uint32_t name = cursor_u32(&c), len = cursor_u32(&c), type = cursor_u32(&c);
		const char *who = cursor_take(&c, padded(name));
		const uint8_t *id = cursor_take(&c, padded(len));

		if (!who || !id)
			return 0;
		if (type == NOTE_BUILD_ID && name == 4 && !memcmp(who, "GNU", 4) &&
		    len <= PERFDATA_BUILD_ID_MAX) {
			memcpy(out, id, len);
			return len;
		}
	}
	return 0;
}

static size_t our_build_id(uint8_t out[PERFDATA_BUILD_ID_MAX])
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

/* Where one of the symbols by which perf tells the kernel's place stands now: it is one of the
 * first lines. Zeros: kptr_restrict hides it. */
static bool stands_at(int kallsyms, uint64_t address)
{
	static const char *const names[] = {"_text", "_stext"};
	FILE *f = fdopen(kallsyms, "r");
	char line[512], name[256];
	uint64_t at;
	bool found = false;

	if (!f) {
		close(kallsyms);
		return false;
	}
	for (int i = 0; i < 100000 && !found && fgets(line, sizeof(line), f); i++)
		if (sscanf(line, "%" SCNx64 " %*c %255s", &at, name) == 2 && at == address)
			found = !strcmp(name, names[0]) || !strcmp(name, names[1]);
	fclose(f);
	return found;
}

static bool is_ours(const struct recorded *r)
{
	const struct perfdata_head *h = perfdata_head(r->data);
	uint8_t ours[PERFDATA_BUILD_ID_MAX];
	const uint8_t *theirs;
	size_t n = head_build_id_of(h, "[kernel.kallsyms]", &theirs);
	struct utsname u;
	int fd;

	if (perfdata_machine(r->data) == MACHINE_OTHER || !h->info.kernel_text)
		return false;
	if (n && (our_build_id(ours) != n || memcmp(ours, theirs, n)))
		return false;
	if (!n && (uname(&u) || strcmp(u.release, h->info.release)))
		return false;
	fd = opener_kallsyms(r->opener);
	return fd >= 0 && stands_at(fd, h->info.kernel_text);
}

bool recorded_same_kernel(struct recorded *r)
{
	if (!r->kernel_asked)
		r->kernel_is_ours = is_ours(r);
	/* A pipe may still tell more. */
	r->kernel_asked = r->kernel_is_ours || !perfdata_head(r->data)->pipe;
	return r->kernel_is_ours;
}
