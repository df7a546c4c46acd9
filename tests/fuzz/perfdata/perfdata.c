/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole recording of perf, as a file and, where it can be read so, through a pipe: every record that
 * comes out of it stays inside what went in.
 */
/* libFuzzer: -max_len=16384 */
#include "pmu/perfdata/reader.h"

#include "tests/fuzz/fuzz.h"

static uint64_t sum; /* what is read is used */

static void on_record(void *arg, const struct record *r)
{
	const struct record_sample *s = &r->sample;

	(void)arg;
	switch (r->kind) {
	case RECORD_SAMPLE:
		assert(s->stack_len <= s->stack_asked && s->event < EVENTS_MAX);
		for (uint64_t i = 0; i < s->n_chain; i++)
			sum += s->chain[i];
		for (uint64_t i = 0; i < s->stack_len; i++)
			sum += s->stack[i];
		break;
	case RECORD_MMAP:
		assert(r->mmap.start + r->mmap.len >= r->mmap.start);
		sum += strlen(r->mmap.path);
		break;
	case RECORD_COMM:
		sum += strlen(r->comm.name);
		break;
	default:
		assert(r->kind == RECORD_FORK || r->kind == RECORD_EXIT);
		break;
	}
}

static void read_from(int fd)
{
	static struct event events[EVENTS_MAX];
	struct perfdata *p;
	char why[256] = "";
	const uint8_t *id;

	if (perfdata_open(fd, &p, why, sizeof(why))) {
		assert(*why);
		return;
	}
	assert(perfdata_read(p, on_record, NULL) <= 0);
	assert(perfdata_events(p, events) <= EVENTS_MAX);
	sum += head_build_id_of(perfdata_head(p), "/bin/true", &id);
	perfdata_close(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("recording", MFD_CLOEXEC), pipe_fds[2];

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	read_from(fd);
	close(fd);
	if (size > 16384 || pipe(pipe_fds))
		return 0;
	assert(write(pipe_fds[1], data, size) == (ssize_t)size);
	close(pipe_fds[1]);
	read_from(pipe_fds[0]);
	close(pipe_fds[0]);
	return 0;
}
