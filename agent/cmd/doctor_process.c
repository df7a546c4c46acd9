/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor's checks of one process, by /proc alone: none of its files is opened for reading.
 */
#include "agent/cmd/findings.h"
#include "agent/cmd/perf_map.h"
#include "pmu/event.h"
#include "pmu/hints.h"
#include "pmu/open.h"
#include "pmu/roots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 512, MAPS_LINE = 8192 };

struct process {
	int pid;
	char topic[32], comm[64];
	int ns_pid; /* its id in its own pid namespace */
	bool dead;  /* a zombie */
	uid_t uid;
	unsigned long threads;
};

/* "Key:\t…" in /proc/PID/status; NULL when it is not there. */
static char *field(char *text, const char *key)
{
	char *at = strstr(text, key);

	return at ? at + strlen(key) : NULL;
}

static int read_process(struct process *p)
{
	char path[PATH_BYTES], text[ROOT_FILE_MAX * 2], *v, *last;
	int rc;

	ROOT_PATH(path, "%s/%d/comm", pmu_roots()->proc, p->pid);
	rc = root_read(path, p->comm, sizeof(p->comm));
	ROOT_PATH(path, "%s/%d/status", pmu_roots()->proc, p->pid);
	if (!rc)
		rc = root_read(path, text, sizeof(text));
	if (rc < 0)
		return rc;
	v = field(text, "\nState:\t");
	p->dead = v && (*v == 'Z' || *v == 'X');
	v = field(text, "\nUid:\t");
	p->uid = v ? (uid_t)strtoul(v, NULL, 10) : 0;
	v = field(text, "\nThreads:\t");
	p->threads = v ? strtoul(v, NULL, 10) : 1;
	v = field(text, "\nNSpid:\t");
	if (v) {
		v[strcspn(v, "\n")] = '\0';
		last = strrchr(v, '\t');
		p->ns_pid = atoi(last ? last + 1 : v);
	}
	return 0;
}

static void check_attach(struct findings *f, const struct process *p)
{
	const struct open_target t = {.pid = p->pid, .cpu = -1, .cgroup = -1};
	const struct sampling how = {.period = 1000000000};
	char why[EVENT_WHY_MAX] = "";
	struct event event;
	size_t n = 0;
	int fd;

	if (events_resolve("cpu-clock:u", &event, &n, why) < 0)
		return;
	fd = pmu_open(&event, &t, &how);
	if (fd >= 0) {
		close(fd);
		finding(f, SEVERITY_OK, p->topic, "%s, uid %u, %lu threads: can be sampled", p->comm,
			p->uid, p->threads);
		return;
	}
	pmu_explain(fd, &event, &t, &how, why, sizeof(why));
	finding(f, SEVERITY_FAIL, p->topic, "%s cannot be sampled: %s", p->comm,
		strstr(why, ": ") ? strstr(why, ": ") + 2 : why);
}

static bool other_namespace(int pid, const char *kind)
{
	char path[PATH_BYTES], ours[64] = "", its[64] = "";

	ROOT_PATH(path, "%s/self/ns/%s", pmu_roots()->proc, kind);
	if (readlink(path, ours, sizeof(ours) - 1) < 0)
		return false;
	ROOT_PATH(path, "%s/%d/ns/%s", pmu_roots()->proc, pid, kind);
	return readlink(path, its, sizeof(its) - 1) > 0 && strcmp(ours, its);
}

static void check_namespaces(struct findings *f, const struct process *p)
{
	bool mnt = other_namespace(p->pid, "mnt"), pid = other_namespace(p->pid, "pid");

	if (mnt || pid)
		finding(f, SEVERITY_OK, p->topic, "in %s%s%s of its own: its files are read through "
			"/proc/%d/root", mnt ? "a mount namespace" : "", mnt && pid ? " and " : "",
			pid ? "a process namespace" : "", p->pid);
}

struct maps {
	unsigned long anonymous_kb; /* executable and of no file: JIT code */
	unsigned deleted;           /* executable files that are gone or were replaced */
	unsigned files;
};

static void count_map(struct maps *m, const char *line)
{
	unsigned long long start, end;
	char perms[8];
	int path = 0;

	if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %n", &start, &end, perms, &path) < 3 ||
	    perms[2] != 'x' || end < start)
		return;
	if (!path || !line[path] || !strncmp(line + path, "[anon", 5) ||
	    !strncmp(line + path, "//anon", 6))
		m->anonymous_kb += (unsigned long)((end - start) / 1024);
	else if (line[path] == '/')
		m->files++;
	if (path && line[path] == '/' && strstr(line + path, " (deleted)\n"))
		m->deleted++;
}

static int read_maps(int pid, struct maps *m)
{
	char path[PATH_BYTES], line[MAPS_LINE];
	FILE *file;
	int rc;

	ROOT_PATH(path, "%s/%d/maps", pmu_roots()->proc, pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		count_map(m, line);
	rc = ferror(file) ? -EIO : 0;
	fclose(file);
	return rc;
}

static const char *jit_advice(const char *comm)
{
	static const struct {
		const char *comm, *advice;
	} runtimes[] = {
		{"java", "start it with -XX:+DumpPerfMapAtExit, or have it written by an agent"},
		{"node", "start it with --perf-basic-prof"},
		{"dotnet", "start it with DOTNET_PerfMapEnabled=1 in its environment"},
		{"python", "start it with -X perf (3.12)"},
	};

	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
		if (!strncmp(comm, runtimes[i].comm, strlen(runtimes[i].comm)))
			return runtimes[i].advice;
	}
	return "its runtime has an option to write one, as a rule";
}

static void check_jit(struct findings *f, const struct process *p, const struct maps *m)
{
	int shown = p->ns_pid ? p->ns_pid : p->pid;
	int map = perf_map_there(p->pid, shown, p->uid);

	if (map > 0)
		finding(f, SEVERITY_OK, p->topic, "its JIT writes /tmp/perf-%d.map", shown);
	else if (m->anonymous_kb)
		finding(f, SEVERITY_WARN, p->topic, "%lu kB of code belong to no file (a JIT's) and "
			"%s/tmp/perf-%d.map%s: that code stays without names\n%s",
			m->anonymous_kb, map == 0 ? "there is no usable " : "", shown,
			map < 0 ? " cannot be looked at" : "", jit_advice(p->comm));
}

static void check_maps(struct findings *f, const struct process *p)
{
	struct maps m = {0};
	int rc = read_maps(p->pid, &m);

	if (rc < 0) {
		finding(f, SEVERITY_WARN, p->topic, "its mappings cannot be read (%s): no names\n"
			HINT_SUDO, strerrorname_np(-rc), hint_program());
		return;
	}
	if (!m.files && !m.anonymous_kb) {
		finding(f, SEVERITY_OK, p->topic, "a kernel thread: it has a kernel part only");
		return;
	}
	if (m.deleted)
		finding(f, SEVERITY_WARN, p->topic, "%u of its %u mapped code files were deleted or "
			"replaced since it started: names come from the old ones while they last",
			m.deleted, m.files);
	check_jit(f, p, &m);
}

void check_process(struct findings *f, int pid)
{
	struct process p = {.pid = pid};
	int rc;

	snprintf(p.topic, sizeof(p.topic), "%d", pid);
	rc = read_process(&p);
	if (rc < 0) {
		finding(f, SEVERITY_FAIL, p.topic, "%s", rc == -ENOENT || rc == -ESRCH ?
			"there is no such process" : strerror(-rc));
		return;
	}
	if (p.dead) {
		finding(f, SEVERITY_FAIL, p.topic, "%s has ended; its parent has not noticed yet (a "
			"zombie)", p.comm);
		return;
	}
	check_attach(f, &p);
	check_namespaces(f, &p);
	check_maps(f, &p);
}
