/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel addresses have names only where it is this kernel, and this boot: its place in memory
 * changes with each.
 */
#include <string.h>
#include <sys/utsname.h>

#include "agent/cmd/kernel_here.h"
#include "agent/cmd/recorded.h"

static bool is_ours(const struct recorded *r)
{
	const struct perfdata_head *h = perfdata_head(r->data);
	uint8_t ours[KERNEL_ID_MAX];
	const uint8_t *theirs;
	size_t n = head_build_id_of(h, "[kernel.kallsyms]", &theirs);
	struct utsname u;
	uint64_t text;
	int fd;

	if (perfdata_machine(r->data) == MACHINE_OTHER || !h->info.kernel_text)
		return false;
	if (n && (kernel_build_id(ours) != n || memcmp(ours, theirs, n)))
		return false;
	if (!n && (uname(&u) || strcmp(u.release, h->info.release)))
		return false;
	fd = opener_kallsyms(r->opener);
	return fd >= 0 && kernel_text(fd, &text) && text == h->info.kernel_text;
}

bool recorded_same_kernel(struct recorded *r)
{
	if (!r->kernel_asked)
		r->kernel_is_ours = is_ours(r);
	/* A pipe may still tell more. */
	r->kernel_asked = r->kernel_is_ours || !perfdata_head(r->data)->pipe;
	return r->kernel_is_ours;
}
