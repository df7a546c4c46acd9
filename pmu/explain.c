/* SPDX-License-Identifier: Apache-2.0
 *
 * Why an event could not be opened. A cause is named only when it was seen: a sysctl or
 * capability set that was read, or the same open with one thing changed.
 */
#include "pmu/attr.h"
#include "pmu/explain.h"
#include "pmu/facts.h"
#include "pmu/hints.h"
#include "pmu/resolve.h"
#include "pmu/roots.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct failed {
	int err; /* positive */
	const struct event *event;
	const struct open_target *t;
	const struct sampling *how;
	struct facts facts;
	struct why w;
};

static bool opens(const struct perf_event_attr *attr, const struct open_target *t)
{
	int fd = pmu_open_attr(attr, t);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static const struct open_target self = {.pid = 0, .cpu = -1, .cgroup = -1};

/* The least that can be asked for: nothing, of this process, without the kernel. */
static bool anything_opens(void)
{
	const struct perf_event_attr least = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(least),
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.disabled = 1,
	};
	return opens(&least, &self);
}

static void hint_rights(const struct failed *f, int level)
{
	why_add(&f->w, "  " HINT_SUDO "\n", hint_program());
	why_add(&f->w, "  " HINT_SETCAP "   (this file, everybody who may run it)\n",
		hint_program());
	if (level < f->facts.paranoid)
		why_add(&f->w, "  " HINT_PARANOID "   (all users, until reboot)\n", level);
}

static void say_filter(const struct failed *f)
{
	why_add(&f->w, "a seccomp filter answers perf_event_open with %s before the kernel sees it "
		"(a container's, as a rule).\n", strerrorname_np(f->facts.filtered));
	why_add(&f->w, "  start the container with --cap-add PERFMON, and with a seccomp profile "
		"that allows perf_event_open\n");
}

static uid_t owner_of(int pid)
{
	char path[64];
	struct stat st;

	ROOT_PATH(path, "%s/%d", pmu_roots()->proc, pid);
	return stat(path, &st) < 0 ? (uid_t)-1 : st.st_uid;
}

static void say_target(const struct failed *f)
{
	uid_t owner = owner_of(f->t->pid);

	if (owner == (uid_t)-1)
		why_add(&f->w, "process %d may not be looked into, and is gone now.\n", f->t->pid);
	else if (owner != f->facts.uid)
		why_add(&f->w, "process %d belongs to uid %u, we are uid %u without CAP_PERFMON or "
			"CAP_SYS_PTRACE.\n", f->t->pid, owner, f->facts.uid);
	else
		why_add(&f->w, "process %d is ours (uid %u) but may not be looked into: it is not "
			"dumpable (set-user-id or capabilities), or in another namespace.\n",
			f->t->pid, owner);
	why_add(&f->w, "  " HINT_SUDO "\n", hint_program());
}

static void say_nothing_opens(const struct failed *f)
{
	if (f->facts.own_userns && f->facts.caps)
		why_add(&f->w, "the capabilities here belong to a user namespace (a rootless "
			"container): for perf events they do not count.\n");
	if (f->facts.paranoid >= 3) {
		why_add(&f->w, "perf_event_paranoid is %ld: users may open no perf event at all, "
			"not even of their own processes (uid %u, no CAP_PERFMON, no "
			"CAP_SYS_ADMIN).\n", f->facts.paranoid, f->facts.uid);
		hint_rights(f, 2);
		return;
	}
	why_add(&f->w, "even the smallest perf event is refused (%s), and neither "
		"perf_event_paranoid (%ld) nor a seccomp filter nor kernel lockdown says why.\n",
		strerrorname_np(f->err), f->facts.paranoid);
	hint_rights(f, (int)f->facts.paranoid);
}

static void say_system(const struct failed *f)
{
	const char *what = f->t->pid == -1 ? "the whole machine" : "a cgroup";

	why_add(&f->w, "%s needs CAP_PERFMON or perf_event_paranoid below 1: it is %ld, and we are "
		"uid %u without that capability.\n", what, f->facts.paranoid, f->facts.uid);
	hint_rights(f, 0);
	why_add(&f->w, "  works now: " HINT_USER_PART "\n", hint_program());
}

static void say_kernel(const struct failed *f)
{
	why_add(&f->w, "it counts in the kernel too and cannot do without; that needs CAP_PERFMON "
		"or perf_event_paranoid below 2: it is %ld, and we are uid %u without that "
		"capability.\n",
		f->facts.paranoid, f->facts.uid);
	hint_rights(f, 1);
}

static void say_access(struct failed *f)
{
	struct perf_event_attr attr;
	bool on_self, user_part;

	if (f->facts.filtered) {
		say_filter(f);
		return;
	}
	if (f->facts.lockdown == LOCKDOWN_CONFIDENTIALITY) {
		why_add(&f->w, "kernel lockdown is 'confidentiality': it forbids perf events to "
			"everybody (lockdown= on the kernel's command line).\n");
		return;
	}
	pmu_attr(&attr, f->event, f->how);
	on_self = f->t->pid && opens(&attr, &self);
	attr.exclude_kernel = 1;
	user_part = opens(&attr, f->t);
	if (!anything_opens())
		say_nothing_opens(f);
	else if (f->t->pid < 0 && !facts_perfmon(&f->facts) && f->facts.paranoid > 0)
		say_system(f);
	else if (f->t->pid > 0 && (on_self || (!user_part && opens(&attr, &self))))
		say_target(f);
	else if (user_part || (!facts_perfmon(&f->facts) && !f->event->exclude_kernel &&
			       f->facts.paranoid > 1))
		say_kernel(f);
	else
		why_add(&f->w, "the kernel refuses it (%s) to uid %u; perf_event_paranoid is %ld.\n",
			strerrorname_np(f->err), f->facts.uid, f->facts.paranoid);
}

static bool has_cycles(const struct failed *f)
{
	const struct perf_event_attr cycles = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(cycles),
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.exclude_kernel = 1,
		.disabled = 1,
	};
	return opens(&cycles, &self);
}

static void say_missing(struct failed *f)
{
	const char *cpu = *f->facts.cpu_model ? f->facts.cpu_model : "this CPU";

	if (!f->event->hardware) {
		why_add(&f->w, "this kernel does not have it (perf_event_open: %s).\n",
			strerrorname_np(f->err));
		return;
	}
	if (has_cycles(f)) {
		why_add(&f->w, "%s has no such event, or its kernel driver does not offer it "
			"(perf_event_open: %s; cycles does open).\n", cpu, strerrorname_np(f->err));
		why_add(&f->w, "  " HINT_LIST "\n", hint_program(), "hardware");
		return;
	}
	why_add(&f->w, "no hardware counters here (%s%s%s, %s; perf_event_open: %s, for cycles "
		"too).\n", f->facts.hypervisor ? "virtual machine" : "no PMU driver",
		*f->facts.hypervisor_name ? " " : "", f->facts.hypervisor_name, cpu,
		strerrorname_np(f->err));
	why_add(&f->w, "  stands in: " HINT_CPU_CLOCK "\n", hint_program());
	why_add(&f->w, "  what would bring them: " HINT_DOCTOR "\n", hint_program());
}

static void say_files(const struct failed *f)
{
	uint64_t want = f->facts.nofile * 4;

	if (f->err == ENFILE) {
		why_add(&f->w, "the whole machine has no open files left (fs.file-max).\n");
		return;
	}
	why_add(&f->w, "%llu open files are this process's limit, each event on each CPU or thread "
		"is one (the hard limit is %llu).\n", (unsigned long long)f->facts.nofile,
		(unsigned long long)f->facts.nofile_hard);
	if (f->facts.nofile < f->facts.nofile_hard) {
		want = want > f->facts.nofile_hard ? f->facts.nofile_hard : want;
		why_add(&f->w, "  " HINT_NOFILE "\n", (unsigned long)want);
	}
	why_add(&f->w, "  or fewer events, CPUs or threads\n");
}

static void say_busy(const struct failed *f)
{
	why_add(&f->w, "the counters are in use (perf_event_open: EBUSY).\n");
	if (f->facts.nmi_watchdog > 0)
		why_add(&f->w, "  the NMI watchdog holds one: " HINT_NMI_WATCHDOG "\n", 0);
	why_add(&f->w, "  end the other user of perf events, or wait for it\n");
}

static void say_gone(const struct failed *f)
{
	if (f->t->pid > 0)
		why_add(&f->w, "there is no process %d (any more).\n", f->t->pid);
	else
		why_add(&f->w, "the target is gone.\n");
}

static void say_absent(const struct failed *f)
{
	if (f->facts.filtered && f->facts.paranoid != FACT_NONE)
		say_filter(f);
	else
		why_add(&f->w, "this kernel was built without perf events.\n");
}

static void say_attributes(struct failed *f)
{
	struct perf_event_attr attr;

	pmu_attr(&attr, f->event, f->how);
	if (!explain_attributes(&attr, f->t, &f->facts, &f->w))
		why_add(&f->w, "the kernel takes it in no form that was tried (perf_event_open: "
			"%s).\n", strerrorname_np(f->err));
}

void pmu_explain(int err, const struct event *event, const struct open_target *t,
		 const struct sampling *how, char *why, size_t size)
{
	struct failed f = {.err = err < 0 ? -err : err, .event = event, .t = t, .how = how,
			   .w = {why, size}};

	facts_read(&f.facts);
	why_add(&f.w, "%s: ", event->name);
	if (f.err == EACCES || f.err == EPERM)
		say_access(&f);
	else if (f.err == ENOENT || f.err == ENODEV || f.err == ENXIO)
		say_missing(&f);
	else if (f.err == EMFILE || f.err == ENFILE)
		say_files(&f);
	else if (f.err == EBUSY)
		say_busy(&f);
	else if (f.err == ESRCH)
		say_gone(&f);
	else if (f.err == ENOSYS)
		say_absent(&f);
	else if (f.err == ENOSPC)
		why_add(&f.w, "no breakpoint register is free.\n");
	else if (f.err == EINVAL || f.err == EOPNOTSUPP || f.err == ENOTSUP || f.err == EOVERFLOW ||
		 f.err == E2BIG)
		say_attributes(&f);
	else
		why_add(&f.w, "perf_event_open: %s\n", strerror(f.err));
	why_trim(&f.w);
}
