/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/fit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/format.h"
#include "exporters/heaviest.h"

_Static_assert((int)HEAVIEST_WHOLE == (int)EXP_WHOLE, "one measure");

static bool no_room(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EFBIG;
}

static bool is_file(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Over what is there: its room, and what was held for us, is ours as long as it is not given back. */
static int write_over(enum exp_format format, const struct profile *p, int fd, uint64_t *ret_bytes)
{
	int r = lseek(fd, 0, SEEK_SET) ? -EIO : format_write(format, p, fd, ret_bytes);

	if (!r && ftruncate(fd, (off_t)*ret_bytes))
		r = -errno;
	return r;
}

static int write_heaviest(enum exp_format format, const struct profile *p, size_t n, int fd,
			  uint64_t *ret_bytes, uint32_t *ret_kept)
{
	struct profile part;
	int r = profile_heaviest(p, n, &part, ret_kept);

	if (r)
		return r;
	r = write_over(format, &part, fd, ret_bytes);
	profile_free(&part);
	return r;
}

int fit_write(enum exp_format format, const struct profile *p, int fd, uint64_t *ret_bytes,
	      uint32_t *ret_kept)
{
	int r = format_write(format, p, fd, ret_bytes), again = r;

	*ret_kept = r ? 0 : EXP_WHOLE;
	if (!no_room(r) || !is_file(fd))
		return r;
	for (size_t n = p->samples.len * 3 / 4; n && no_room(again); n = n * 3 / 4)
		again = write_heaviest(format, p, n, fd, ret_bytes, ret_kept);
	if (again) {
		*ret_kept = 0;
		*ret_bytes = 0;
	}
	return r;
}
