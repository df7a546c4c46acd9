/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cmd/raw_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/log.h"
#include "agent/cmd/kernel_here.h"
#include "pmu/perfdata/header.h"
#include "pmu/perfdata/writer.h"

enum {
	IDS_MAX = 1 << 20,
	KERNEL_SPAN = 64 * 1024 * 1024, /* no kernel's own text is larger */
};

/* What the file tells of the events; the last one is the sideband. */
struct described {
	struct writer_event events[EVENTS_MAX + 1];
	uint8_t attrs[EVENTS_MAX + 1][WRITER_ATTR] __attribute__((aligned(8)));
	uint64_t *ids;
	size_t n;
};

static int describe(const struct recording *r, struct described *d)
{
	size_t used = 0, room = IDS_MAX;

	d->n = r->options.n_events + 1;
	d->ids = malloc(IDS_MAX * sizeof(*d->ids));
	if (!d->ids)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++) {
		size_t n = session_describe(r->session, i, d->attrs[i], WRITER_ATTR, d->ids + used,
					    room - used);
		n = n < room - used ? n : room - used;
		d->events[i] = (struct writer_event){
			.attr = d->attrs[i], .ids = d->ids + used, .n_ids = n,
			.name = i + 1 == d->n ? "dummy:u"
				: r->options.events[i].fell_back ? "cpu-clock"
								 : r->options.events[i].name};
		used += n;
	}
	return 0;
}

static void on_raw(void *arg, const void *bytes, size_t len, const struct record *rec)
{
	const struct recording *r = arg;
	const struct record_sample *s = rec && rec->kind == RECORD_SAMPLE ? &rec->sample : NULL;

	if (s && s->chain && s->regs && r->options.stacks == STACKS_DWARF)
		writer_sample(r->raw, bytes, len,
			      (size_t)((const uint8_t *)s->chain - (const uint8_t *)bytes));
	else
		writer_record(r->raw, bytes, len);
}

/* proc(5): START-END PERMS OFFSET MAJOR:MINOR INODE PATH, where perms are rwx and p or s. */
static void on_mapping(void *arg, int pid, const char *line)
{
	const struct recording *r = arg;
	struct writer_mapping m;
	uint64_t end;
	char perms[5];
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &m.start,
		   &end, perms, &m.pgoff, &m.major, &m.minor, &m.inode, &at) < 7 ||
	    !at || end <= m.start || strlen(perms) != 4)
		return;
	m.len = end - m.start;
	m.prot = (perms[0] == 'r' ? PROT_READ : 0) | (perms[1] == 'w' ? PROT_WRITE : 0) |
		 (perms[2] == 'x' ? PROT_EXEC : 0);
	m.flags = perms[3] == 's' ? MAP_SHARED : MAP_PRIVATE;
	m.path = line + at;
	writer_mapping(r->raw, pid, &m);
}

static void on_comm(void *arg, int pid, int tid, const char *comm)
{
	const struct recording *r = arg;

	writer_comm(r->raw, pid, tid, comm);
}

/* By that, readers place the kernel's symbols. */
static void write_kernel(struct recording *r)
{
	int fd = r->user_only ? -1 : opener_kallsyms(r->opener);
	uint64_t text;

	if (fd >= 0 && kernel_text(fd, &text))
		writer_kernel(r->raw, text, text + KERNEL_SPAN);
}

const struct output *raw_file_output(const struct recording *r)
{
	for (unsigned i = 0; i < r->options.n_outputs; i++)
		if (output_is_recording(&r->options.outputs[i]))
			return &r->options.outputs[i];
	return NULL;
}

int raw_file_start(struct recording *r)
{
	const struct output *o = raw_file_output(r);
	static struct described d;
	int e;

	if (!o)
		return 0;
	e = describe(r, &d);
	if (!e)
		e = writer_start(o->fd, d.events, d.n, &r->raw);
	free(d.ids);
	if (e) {
		snprintf(r->why, sizeof(r->why), "cannot write %.3000s: %s", o->path,
			 e == -ESPIPE ? "a recording needs a file, not a pipe or a device" : strerror(-e));
		return e;
	}
	write_kernel(r);
	processes_watch(r->processes, &(struct processes_watch){.mapping = on_mapping,
							       .comm = on_comm, .arg = r});
	session_tap(r->session, on_raw, r);
	return 0;
}

void raw_file_round(struct recording *r)
{
	if (r->raw)
		writer_round(r->raw);
}

static void write_build_ids(const struct recording *r)
{
	uint8_t id[KERNEL_ID_MAX];

	if (!r->user_only)
		writer_build_id(r->raw, "[kernel.kallsyms]", id, kernel_build_id(id));
	for (size_t i = 0; i < modules_count(r->modules); i++) {
		const struct module *m = modules_at(r->modules, i);
		if (m->kind == MODULE_FILE || m->kind == MODULE_VDSO)
			writer_build_id(r->raw, m->path, m->info.build_id, m->info.build_id_len);
	}
}

static void write_features(const struct recording *r, const struct described *d)
{
	struct utsname u;

	write_build_ids(r);
	if (uname(&u) == 0) {
		writer_text(r->raw, FEATURE_HOSTNAME, u.nodename);
		writer_text(r->raw, FEATURE_OSRELEASE, u.release);
	}
	writer_text(r->raw, FEATURE_VERSION, "pmuscope " PMUSCOPE_VERSION);
	writer_text(r->raw, FEATURE_ARCH, u.machine);
	writer_cpus(r->raw, (uint32_t)sysconf(_SC_NPROCESSORS_CONF),
		    (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
	writer_words(r->raw, FEATURE_CMDLINE, (const char *const *)r->argv, (uint32_t)r->argc);
	writer_event_desc(r->raw, d->events, d->n);
	writer_clocks(r->raw, CLOCK_MONOTONIC, r->start_wall, r->start);
}

int raw_file_end(struct recording *r, uint64_t *ret_bytes)
{
	static struct described d;
	int cut, e;

	session_tap(r->session, NULL, NULL);
	processes_watch(r->processes, &(struct processes_watch){0});
	e = writer_end_data(r->raw, &cut);
	if (!e && !cut && !(cut = describe(r, &d))) {
		write_features(r, &d);
		cut = writer_finish(r->raw);
	}
	if (!e && cut)
		log_note("%s: the recording ends early; what is there can be read",
			 cut == -ENOSPC ? "the disk was full" : strerror(-cut));
	if (writer_dropped(r->raw))
		log_note("%llu records did not go into the recording, the disk was too slow for them",
			 (unsigned long long)writer_dropped(r->raw));
	*ret_bytes = writer_bytes(r->raw);
	writer_free(&r->raw);
	free(d.ids);
	return e;
}
