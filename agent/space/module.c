/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/space/module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uthash.h>

#include "agent/base/fd.h"
#include "agent/base/vec.h"

enum {
	MODULES_MAX = 65536,
	PERFMAP_BYTES_MAX = 64 * 1024 * 1024,
	WANTS_PER_MODULE = 8, /* debug files that one module may ask for, all told */
};

struct identity {
	uint64_t dev, inode, size;
	int64_t ctime_ns;
};

/* What the kernel's records tell of a file: finds the module again when its process is gone. */
struct seen {
	struct {
		uint64_t inode;
		uint32_t major, minor;
		const char *path; /* interned: the pointer is the path */
	} key;
	struct module *module;
	bool asked;
	UT_hash_handle hh;
};

struct entry {
	struct identity key;
	struct module module;
	UT_hash_handle hh;
};

struct path_list {
	const char **at;
	size_t len, cap;
};

struct modules {
	struct opener *opener;
	struct symbolizer *symbolizer;
	struct entry *by_identity;
	struct seen *by_mapping;
	VEC(struct module *) all;
	struct module *kernel, *vdso;
	bool kernel_asked, vdso_asked;
	bool is_recorded;
	struct modules_recorded recorded;
	struct path_list missing, refused;
};

int modules_new(struct opener *o, struct symbolizer *s, struct modules **ret)
{
	struct modules *ms = calloc(1, sizeof(*ms));

	if (!ms)
		return -ENOMEM;
	ms->opener = o;
	ms->symbolizer = s;
	*ret = ms;
	return 0;
}

int modules_new_recorded(struct opener *o, struct symbolizer *s,
			 const struct modules_recorded *what, struct modules **ret)
{
	int r = modules_new(o, s, ret);

	if (!r) {
		(*ret)->is_recorded = true;
		(*ret)->recorded = *what;
	}
	return r;
}

void modules_free(struct modules **msp)
{
	struct modules *ms = *msp;
	struct seen *s, *s2;

	*msp = NULL;
	if (!ms)
		return;
	HASH_ITER(hh, ms->by_mapping, s, s2) {
		HASH_DEL(ms->by_mapping, s);
		free(s);
	}
	HASH_CLEAR(hh, ms->by_identity);
	for (size_t i = 0; i < ms->all.len; i++)
		free((char *)ms->all.at[i] - offsetof(struct entry, module));
	vec_free(&ms->all);
	vec_free(&ms->missing);
	vec_free(&ms->refused);
	free(ms);
}

size_t modules_count(const struct modules *ms)
{
	return ms->all.len;
}

struct module *modules_at(const struct modules *ms, size_t index)
{
	return ms->all.at[index];
}

static struct module *place(struct modules *ms, enum module_kind kind, const char *path, int pid,
			    const struct identity *id)
{
	struct entry *e = ms->all.len < MODULES_MAX ? calloc(1, sizeof(*e)) : NULL;
	struct module **slot = e ? vec_add(&ms->all) : NULL;
	struct module *m;

	if (!slot) {
		free(e);
		return NULL;
	}
	m = *slot = &e->module;
	*m = (struct module){.index = (uint32_t)ms->all.len - 1, .kind = kind, .path = path,
			     .pid = pid};
	if (id) {
		e->key = *id;
		m->dev = id->dev;
		m->inode = id->inode;
		m->size = id->size;
		m->ctime_ns = id->ctime_ns;
		HASH_ADD(hh, ms->by_identity, key, sizeof(e->key), e);
	}
	return m;
}

/* Registers `fd` (taken) with the symbolizer under a new module. */
static struct module *add(struct modules *ms, enum module_kind kind, enum sym_kind sym, int fd,
			  const char *path, int pid, const struct identity *id)
{
	struct module *m = place(ms, kind, path, pid, id);

	if (!m) {
		close(fd);
		return NULL;
	}
	m->usable = symbolizer_module(ms->symbolizer, sym, fd, &m->sym, &m->info) == 0;
	return m;
}

/* Copies our own mapping of the vDSO to a new memfd, which nobody may change then: fd or -errno. */
static int vdso_image(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	struct mapping m;
	int fd = -ENOENT;

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!space_parse_line(line, &m) || strcmp(m.path, "[vdso]"))
			continue;
		fd = memfd_create("vdso", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (fd >= 0 && (fd_write_all(fd, (const void *)m.start, m.end - m.start) ||
				fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
							       F_SEAL_WRITE)))
			fd_close(&fd);
		break;
	}
	if (f)
		fclose(f);
	return fd;
}

/* Our own vDSO is everybody's: the kernel maps the same pages into each 64-bit process. */
static struct module *vdso(struct modules *ms)
{
	int fd;

	if (ms->is_recorded && !ms->recorded.same_kernel(ms->recorded.arg))
		return NULL;
	if (ms->vdso_asked)
		return ms->vdso;
	ms->vdso_asked = true;
	fd = vdso_image();
	if (fd >= 0)
		ms->vdso = add(ms, MODULE_VDSO, SYM_ELF, fd, "[vdso]", getpid(), NULL);
	return ms->vdso;
}

static struct module *open_file(struct modules *ms, int pid, const int *parents, int n_parents,
				const struct mapping *map)
{
	struct opener_mapping om = {.start = map->start, .end = map->end, .major = map->major,
				    .minor = map->minor, .inode = map->inode, .path = map->path};
	struct opener_stat st;
	struct identity id;
	struct entry *e;
	int fd = opener_mapping(ms->opener, pid, parents, n_parents, &om, &st);

	if (fd < 0)
		return NULL;
	memset(&id, 0, sizeof(id));
	id = (struct identity){.dev = st.dev, .inode = st.inode, .size = st.size,
			       .ctime_ns = st.ctime_ns};
	HASH_FIND(hh, ms->by_identity, &id, sizeof(id), e);
	if (e) {
		close(fd);
		e->module.pid = pid;
		return &e->module;
	}
	return add(ms, MODULE_FILE, SYM_ELF, fd, map->path, pid, &id);
}

static struct seen *seen_of(struct modules *ms, const struct mapping *map)
{
	struct seen probe, *s;

	memset(&probe, 0, sizeof(probe));
	probe.key.inode = map->inode;
	probe.key.major = map->major;
	probe.key.minor = map->minor;
	probe.key.path = map->path;
	HASH_FIND(hh, ms->by_mapping, &probe.key, sizeof(probe.key), s);
	if (s)
		return s;
	s = malloc(sizeof(*s));
	if (s) {
		*s = probe;
		HASH_ADD(hh, ms->by_mapping, key, sizeof(s->key), s);
	}
	return s;
}

/* ---- of a recording ---- */

static void note_path(struct path_list *list, const char *path)
{
	const char **slot = vec_add_max(list, MODULES_MAX);

	if (slot)
		*slot = path;
}

/* Memory with a name: no file to be missed. */
static bool is_memory(const char *path)
{
	return !strncmp(path, "/memfd:", 7) || !strncmp(path, "/dev/", 5) ||
	       !strncmp(path, "/SYSV", 5) || !strncmp(path, "//", 2);
}

static bool is_as_recorded(const struct modules *ms, const struct module *m, const char *path)
{
	const uint8_t *id;
	size_t len = ms->recorded.build_id(ms->recorded.arg, path, &id);

	return !len || !m->info.build_id_len ||
	       (len == m->info.build_id_len && !memcmp(id, m->info.build_id, len));
}

/* By its path alone, once. */
static struct module *recorded_file(struct modules *ms, int pid, const struct mapping *map)
{
	struct seen *s = seen_of(ms, map);
	struct module *m;

	if (!s || s->asked)
		return s ? s->module : NULL;
	s->asked = true;
	if (is_memory(map->path))
		return NULL;
	m = open_file(ms, pid, NULL, 0, map);
	if (m && is_as_recorded(ms, m, map->path))
		return s->module = m;
	note_path(m ? &ms->refused : &ms->missing, map->path);
	if (m)
		m->usable = false;
	return NULL;
}

bool modules_settle(struct modules *ms)
{
	for (size_t i = 0; i < ms->all.len; i++) {
		struct module *m = ms->all.at[i];
		if (m->kind != MODULE_FILE || !m->usable || is_as_recorded(ms, m, m->path))
			continue;
		m->usable = false;
		note_path(&ms->refused, m->path);
	}
	if (ms->kernel && ms->recorded.same_kernel(ms->recorded.arg)) {
		struct module *m = ms->kernel;
		int fd = opener_kallsyms(ms->opener);
		m->usable = fd >= 0 && symbolizer_module(ms->symbolizer, SYM_KALLSYMS, fd, &m->sym,
							 &m->info) == 0;
	}
	return ms->kernel;
}

size_t modules_missing(const struct modules *ms, const char *const **ret)
{
	*ret = ms->missing.at;
	return ms->missing.len;
}

size_t modules_refused(const struct modules *ms, const char *const **ret)
{
	*ret = ms->refused.at;
	return ms->refused.len;
}

struct module *modules_of_mapping(struct modules *ms, int pid, const int *parents, int n_parents,
				  struct mapping *map)
{
	struct seen *s;

	if (map->asked)
		return map->module;
	map->asked = true;
	if (!strcmp(map->path, "[vdso]"))
		return map->module = vdso(ms);
	if (map->path[0] != '/' || (!map->inode && !ms->is_recorded))
		return NULL;
	if (ms->is_recorded)
		return map->module = recorded_file(ms, pid, map);
	map->module = open_file(ms, pid, parents, n_parents, map);
	s = seen_of(ms, map);
	if (s && map->module)
		s->module = map->module;
	else if (s)
		map->module = s->module; /* the process has ended, but the file was met before */
	return map->module;
}

struct module *modules_kernel(struct modules *ms)
{
	int fd;

	if (ms->kernel_asked)
		return ms->kernel;
	ms->kernel_asked = true;
	if (ms->is_recorded) /* whether its names can be had is known at the end */
		return ms->kernel = place(ms, MODULE_KERNEL, "[kernel.kallsyms]", 0, NULL);
	fd = opener_kallsyms(ms->opener);
	if (fd >= 0)
		ms->kernel = add(ms, MODULE_KERNEL, SYM_KALLSYMS, fd, "[kernel.kallsyms]", 0, NULL);
	return ms->kernel;
}

struct module *modules_perfmap(struct modules *ms, int pid)
{
	int fd = opener_perfmap(ms->opener, pid, PERFMAP_BYTES_MAX);

	return fd < 0 ? NULL : add(ms, MODULE_JIT, SYM_PERFMAP, fd, "[jit]", pid, NULL);
}

static int open_wish(struct modules *ms, const struct module *m, const struct sym_want *w)
{
	switch (w->kind) {
	case SYM_WANT_BUILD_ID:
		return opener_debug_by_id(ms->opener, m->pid, w->build_id, w->build_id_len);
	case SYM_WANT_DEBUGLINK:
		return opener_debug_by_name(ms->opener, m->pid, m->path, w->name);
	case SYM_WANT_ALT:
		return opener_debug_alt(ms->opener, m->pid, w->build_id, w->build_id_len, w->name);
	default:
		return -ENOTSUP;
	}
}

void modules_find_debug(struct modules *ms, struct module *m)
{
	int left = WANTS_PER_MODULE;

	if (m->kind != MODULE_FILE || !m->usable)
		return;
	while (m->info.n_wants && left-- > 0) {
		struct sym_want w = m->info.wants[0];
		int fd = open_wish(ms, m, &w);
		uint8_t before = m->info.n_wants;

		/* The answer brings the wishes that are left; a symbolizer that repeats one that
		 * was answered is asked WANTS_PER_MODULE times at most. */
		if (symbolizer_debug(ms->symbolizer, m->sym, &w, fd < 0 ? -1 : fd, &m->info))
			return;
		if (m->info.n_wants == before && m->info.wants[0].kind == w.kind &&
		    m->info.wants[0].index == w.index)
			return;
	}
}

bool module_vaddr(const struct module *m, const struct mapping *map, uint64_t pc, uint64_t *ret)
{
	uint64_t off = pc - map->start + map->pgoff;

	for (int i = 0; i < m->info.n_segs; i++) {
		const struct sym_seg *s = &m->info.segs[i];
		/* The vDSO's mapping has no file offset: its image starts at its first byte. */
		if (off - s->offset < s->filesz) {
			*ret = off - s->offset + s->vaddr;
			return true;
		}
	}
	return false;
}
