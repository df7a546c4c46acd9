/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/format.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "exporters/folded.h"
#include "exporters/html.h"
#include "exporters/pprof.h"

static const struct {
	enum exp_format format;
	int (*write)(const struct profile *p, int fd);
} formats[] = {
	{EXP_PPROF, pprof_write},
	{EXP_HTML, html_write},
	{EXP_FOLDED, folded_write},
};

int format_write(enum exp_format format, const struct profile *p, int fd, uint64_t *ret_bytes)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		int r;
		off_t end;

		if (formats[i].format != format)
			continue;
		r = formats[i].write(p, fd);
		end = lseek(fd, 0, SEEK_CUR);
		*ret_bytes = end > 0 ? (uint64_t)end : 0;
		return r;
	}
	*ret_bytes = 0;
	return -EINVAL;
}
