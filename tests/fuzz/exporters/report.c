/* SPDX-License-Identifier: Apache-2.0
 *
 * Every table and every format, from profiles whose content is anything that passes for valid.
 */
#include <stdio.h>

#include "exporters/folded.h"
#include "exporters/html.h"
#include "exporters/pprof.h"
#include "exporters/table.h"
#include "exporters/tree.h"
#include "tests/fuzz/fuzz.h"

static void tables(const struct profile *p, unsigned how)
{
	struct term t = {.columns = how & 8 ? 40 : 0, .utf8 = true};
	struct buf b = BUF_INIT(16 << 20);
	enum rank_by by = how % (RANK_THREAD + 1);
	struct rank r;

	if (rank_profile(p, by, how & 16, &r) == 0) {
		table_headline(p, &r, &t, &b);
		table_rows(&r, by, 20, &t, &b);
		rank_free(&r);
	}
	table_top_self(p, &t, &b);
	assert(!b.bad);
	buf_free(&b);
}

static void trees(const struct profile *p)
{
	struct tree t;

	if (tree_build(p, &t))
		return;
	assert(t.nodes.len && t.names.len && t.main_type < t.n_types);
	for (size_t i = 0; i < t.nodes.len; i++)
		assert(t.nodes.at[i].name < t.names.len);
	tree_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size);
	unsigned how = cursor_u8(&in);
	struct profile p;
	int fd;

	if (profile_decode(in.at, cursor_left(&in), &p))
		return 0;
	fd = fuzz_file("", 0);
	tables(&p, how);
	trees(&p);
	folded_write(&p, fd);
	if (how & 128)
		pprof_write(&p, fd);
	if (how == 0xff)
		html_write(&p, fd); /* the whole page: slow */
	close(fd);
	profile_free(&p);
	return 0;
}
