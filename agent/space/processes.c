/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/space/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "agent/base/buf.h"
#include "agent/base/clock.h"
#include "agent/base/fd.h"

enum {
	MAPS_BYTES_MAX = 32 * 1024 * 1024,
	GONE_KEPT_NS = 2 * NS_PER_S - 1, /* samples of the exit path come after the exit record */
	SWEEP_EVERY = 512,               /* exits between two sweeps */
};

struct text { /* an interned string */
	UT_hash_handle hh;
	char s[];
};

struct thread {
	int tid;
	const char *comm;
	UT_hash_handle hh;
};

struct processes {
	struct opener *opener;
	struct modules *modules;
	struct process *by_pid;
	struct thread *by_tid;
	struct text *texts;
	struct processes_watch watch;
	uint32_t loss_epoch; /* grows with each loss of sideband */
	uint32_t exits;
	uint64_t rereads;
};

int processes_new(struct opener *o, struct modules *ms, struct processes **ret)
{
	struct processes *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return -ENOMEM;
	ps->opener = o;
	ps->modules = ms;
	*ret = ps;
	return 0;
}

void processes_watch(struct processes *ps, const struct processes_watch *w)
{
	ps->watch = *w;
}

static void forget_thread(struct processes *ps, int tid)
{
	struct thread *t;

	HASH_FIND_INT(ps->by_tid, &tid, t);
	if (t) {
		HASH_DEL(ps->by_tid, t);
		free(t);
	}
}

static void forget(struct processes *ps, struct process *p)
{
	forget_thread(ps, p->pid);
	HASH_DEL(ps->by_pid, p);
	space_drop(&p->space);
	free(p);
}

void processes_free(struct processes **psp)
{
	struct processes *ps = *psp;
	struct process *p, *p2;
	struct thread *t, *t2;
	struct text *x, *x2;

	*psp = NULL;
	if (!ps)
		return;
	HASH_ITER(hh, ps->by_pid, p, p2)
		forget(ps, p);
	HASH_ITER(hh, ps->by_tid, t, t2) {
		HASH_DEL(ps->by_tid, t);
		free(t);
	}
	HASH_ITER(hh, ps->texts, x, x2) {
		HASH_DEL(ps->texts, x);
		free(x);
	}
	free(ps);
}

const char *processes_intern(struct processes *ps, const char *s)
{
	size_t n = strlen(s);
	struct text *x;

	HASH_FIND(hh, ps->texts, s, n, x);
	if (x)
		return x->s;
	x = malloc(sizeof(*x) + n + 1);
	if (!x)
		return "?";
	memcpy(x->s, s, n + 1);
	HASH_ADD_KEYPTR(hh, ps->texts, x->s, n, x);
	return x->s;
}

static struct process *find(struct processes *ps, int pid)
{
	struct process *p;

	HASH_FIND_INT(ps->by_pid, &pid, p);
	return p;
}

static struct process *make(struct processes *ps, int pid)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->pid = pid;
	p->loss_epoch = ps->loss_epoch;
	p->space = space_new();
	if (!p->space) {
		free(p);
		return NULL;
	}
	HASH_ADD_INT(ps->by_pid, pid, p);
	return p;
}

/* ---- /proc ---- */

static int read_proc(struct processes *ps, int pid, const char *name, struct buf *b)
{
	int fd = ps->opener ? opener_proc(ps->opener, pid, name) : -ESRCH, r;

	if (fd < 0)
		return fd;
	r = buf_read_fd(b, fd);
	close(fd);
	buf_u8(b, 0);
	return r ? r : b->bad ? -ENOMEM : 0;
}

static void add_mapping(struct processes *ps, struct process *p, struct mapping *m)
{
	m->path = processes_intern(ps, m->path);
	if (!strcmp(m->path, "[vdso]"))
		m->pgoff = 0; /* its image starts with its mapping */
	if (!p->first_path && m->path[0] == '/')
		p->first_path = m->path;
	if (space_own(&p->space) == 0)
		space_add(p->space, m);
}

static void read_maps(struct processes *ps, struct process *p)
{
	struct buf b = BUF_INIT(MAPS_BYTES_MAX);
	char *line, *rest;

	if (read_proc(ps, p->pid, "maps", &b) == 0) {
		rest = (char *)b.data;
		while ((line = strsep(&rest, "\n"))) {
			struct mapping m;
			if (ps->watch.mapping)
				ps->watch.mapping(ps->watch.arg, p->pid, line);
			if (space_parse_line(line, &m))
				add_mapping(ps, p, &m);
		}
		p->complete = true;
	}
	buf_free(&b);
}

static const char *known_comm(struct processes *ps, int tid);
static void set_comm(struct processes *ps, int tid, const char *comm);

/* As /proc has it. */
static void read_comm(struct processes *ps, int pid, int tid, const char *comm)
{
	set_comm(ps, tid, comm);
	if (ps->watch.comm)
		ps->watch.comm(ps->watch.arg, pid, tid, comm);
}

/* Its parent, and its name while it can still be asked. */
static void read_status(struct processes *ps, struct process *p)
{
	struct buf b = BUF_INIT(65536);
	const char *line;
	char name[64];

	if (read_proc(ps, p->pid, "status", &b) == 0) {
		line = strstr((char *)b.data, "\nPPid:");
		p->parents[0] = line ? atoi(line + 6) : 0;
		/* A name with a backslash is escaped here: `comm` will tell. */
		if (!known_comm(ps, p->pid) &&
		    sscanf((char *)b.data, "Name:\t%63[^\n]", name) == 1 && !strchr(name, '\\'))
			read_comm(ps, p->pid, p->pid, name);
	}
	buf_free(&b);
}

void processes_read(struct processes *ps, int pid)
{
	struct process *p = find(ps, pid);

	if (!p)
		p = make(ps, pid);
	if (!p || p->complete)
		return;
	read_maps(ps, p);
	if (!p->parents[0])
		read_status(ps, p);
}

void processes_read_all(struct processes *ps, uint64_t budget_ns)
{
	uint64_t end = clock_mono() + budget_ns;
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && clock_mono() < end && (e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]))
			processes_read(ps, atoi(e->d_name));
	if (d)
		closedir(d);
}

/* ---- records ---- */

static void set_parents(struct processes *ps, struct process *p, int ppid)
{
	const struct process *parent = find(ps, ppid);

	p->parents[0] = ppid;
	for (int i = 1; i < PROCESS_PARENTS; i++)
		p->parents[i] = parent ? parent->parents[i - 1] : 0;
}

static void set_comm(struct processes *ps, int tid, const char *comm)
{
	struct thread *t;

	HASH_FIND_INT(ps->by_tid, &tid, t);
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			return;
		t->tid = tid;
		HASH_ADD_INT(ps->by_tid, tid, t);
	}
	t->comm = processes_intern(ps, comm);
}

static const char *known_comm(struct processes *ps, int tid)
{
	struct thread *t;

	HASH_FIND_INT(ps->by_tid, &tid, t);
	return t ? t->comm : NULL;
}

static void apply_fork(struct processes *ps, const struct record *r)
{
	/* Asked now: the child may be gone before it is sampled. */
	const char *comm = processes_comm(ps, (int)r->fork.ppid, (int)r->fork.ptid);
	struct process *parent, *p = find(ps, (int)r->pid);

	if (p && r->pid != r->fork.ppid)
		forget(ps, p); /* the pid was used before */
	if (strcmp(comm, "?"))
		set_comm(ps, (int)r->tid, comm);
	if (r->pid == r->fork.ppid)
		return; /* a thread */
	parent = processes_get(ps, (int)r->fork.ppid, r->time);
	p = make(ps, (int)r->pid);
	if (!p)
		return;
	if (parent) {
		space_drop(&p->space);
		p->space = space_hold(parent->space);
		p->complete = parent->complete;
		p->first_path = parent->first_path;
		p->perfmap = NULL; /* a child of a JIT writes a map of its own, or none */
	}
	set_parents(ps, p, (int)r->fork.ppid);
}

static void apply_exec(struct processes *ps, const struct record *r)
{
	struct process *p = find(ps, (int)r->pid);
	struct space *fresh = space_new();

	if (!p)
		p = make(ps, (int)r->pid);
	if (!p || !fresh) {
		space_drop(&fresh);
		return;
	}
	space_drop(&p->space);
	p->space = fresh;
	p->complete = true; /* from here on every mapping is a record */
	p->exec_time = r->time;
	p->first_path = NULL;
	p->perfmap = NULL;
	p->perfmap_retry = 0;
	p->loss_epoch = ps->loss_epoch;
}

static void apply_comm(struct processes *ps, const struct record *r)
{
	if (r->comm.exec)
		apply_exec(ps, r);
	set_comm(ps, (int)r->tid, r->comm.name);
}

static void apply_mmap(struct processes *ps, const struct record *r)
{
	const struct record_mmap *m = &r->mmap;
	struct process *p;
	struct mapping map;
	char path[4096];

	if (!(m->prot & PROT_EXEC) || (int)r->pid <= 0)
		return;
	p = find(ps, (int)r->pid);
	if (!p)
		p = make(ps, (int)r->pid); /* incomplete: the rest is read when it is sampled */
	if (!p)
		return;
	snprintf(path, sizeof(path), "%s", m->path);
	map = (struct mapping){.start = m->start, .end = m->start + m->len, .pgoff = m->pgoff,
			       .inode = m->inode, .major = m->major, .minor = m->minor,
			       .path = strcmp(path, "//anon") ? path : ""};
	add_mapping(ps, p, &map);
}

/* Processes that ended some time ago: no more samples of theirs can come. */
static void sweep(struct processes *ps, uint64_t now)
{
	struct process *p, *next;

	HASH_ITER(hh, ps->by_pid, p, next)
		if (p->gone_at && now > p->gone_at + GONE_KEPT_NS)
			forget(ps, p);
}

static void apply_exit(struct processes *ps, const struct record *r)
{
	struct process *p = find(ps, (int)r->pid);

	if (r->pid != r->tid) {
		forget_thread(ps, (int)r->tid);
		return;
	}
	if (p)
		p->gone_at = r->time;
	if (++ps->exits % SWEEP_EVERY == 0)
		sweep(ps, r->time);
}

void processes_apply(struct processes *ps, const struct record *r)
{
	switch (r->kind) {
	case RECORD_MMAP:
		apply_mmap(ps, r);
		break;
	case RECORD_COMM:
		apply_comm(ps, r);
		break;
	case RECORD_FORK:
		apply_fork(ps, r);
		break;
	case RECORD_EXIT:
		apply_exit(ps, r);
		break;
	case RECORD_LOST:
		ps->loss_epoch++;
		break;
	default:
		break;
	}
}

/* After a loss nothing that we know of its mappings is certain: read them anew, and mark what
 * was true a moment ago and may not be now. */
static void reread(struct processes *ps, struct process *p)
{
	p->loss_epoch = ps->loss_epoch;
	ps->rereads++;
	space_drop(&p->space);
	p->space = space_new();
	if (!p->space)
		abort(); /* a process always has a space */
	p->complete = false;
	read_maps(ps, p);
	p->space->suspect_until = clock_mono();
}

struct process *processes_get(struct processes *ps, int pid, uint64_t time)
{
	struct process *p = find(ps, pid);

	(void)time;
	if (!p) {
		processes_read(ps, pid);
		p = find(ps, pid);
	} else if (p->loss_epoch != ps->loss_epoch) {
		reread(ps, p);
	} else if (!p->complete) {
		read_maps(ps, p);
		p->complete = true; /* once: a kernel thread has none, a dead process neither */
	}
	return p;
}

const char *processes_comm(struct processes *ps, int pid, int tid)
{
	const char *comm = known_comm(ps, tid);
	struct buf b = BUF_INIT(4096);
	char name[64];

	if (comm)
		return comm;
	if (!tid)
		return "swapper"; /* the idle threads of all CPUs */
	snprintf(name, sizeof(name), "task/%d/comm", tid);
	if (read_proc(ps, pid, name, &b) == 0) {
		((char *)b.data)[strcspn((char *)b.data, "\n")] = '\0';
		read_comm(ps, pid, tid, (char *)b.data);
	} else {
		comm = known_comm(ps, pid);
		snprintf(name, sizeof(name), ps->opener ? "?" : ":%d", tid); /* perf's word */
		set_comm(ps, tid, comm ? comm : name);
	}
	buf_free(&b);
	comm = known_comm(ps, tid);
	return comm ? comm : "?";
}

struct mapping *process_mapping(struct processes *ps, struct process *p, uint64_t pc)
{
	struct mapping *m = space_find(p->space, pc);

	if (m && !m->asked)
		modules_of_mapping(ps->modules, p->pid, p->parents, PROCESS_PARENTS, m);
	return m;
}

struct module *process_perfmap(struct processes *ps, struct process *p, uint64_t time)
{
	if (!p->perfmap && time >= p->perfmap_retry) {
		p->perfmap_retry = time + NS_PER_S;
		p->perfmap = modules_perfmap(ps->modules, p->pid);
	}
	return p->perfmap;
}

uint64_t processes_rereads(const struct processes *ps)
{
	return ps->rereads;
}
