/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor's checks of the machine and of the user's rights.
 */
#include "agent/cmd/findings.h"
#include "pmu/event.h"
#include "pmu/hints.h"
#include "pmu/open.h"
#include "pmu/resolve.h"
#include "pmu/roots.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	RATE_DEFAULT = 100000, /* Hz, the kernel's own */
	RATE_NEEDED = 99,      /* record's default */
	CPU_PERCENT_DEFAULT = 25,
	STACK_DEFAULT = 127,
	MLOCK_WANTED_KB = 17408, /* a CPU's rings at full size */
	FILES_A_CPU = 64,
	PERIOD_NEVER = 1000000000,
};

struct attempt {
	const char *event;
	int pid, cpu;
	bool user_only;
};

/* Opens it for sampling: 0, or -errno and (with `why`) what stands in the way. */
static int try(const struct attempt *a, char *why)
{
	const struct open_target t = {.pid = a->pid, .cpu = a->cpu, .cgroup = -1};
	const struct sampling how = {.period = PERIOD_NEVER};
	char ignored[EVENT_WHY_MAX];
	struct event event;
	size_t n = 0;
	int fd;

	if (why)
		*why = '\0';
	if (events_resolve(a->event, &event, &n, ignored) < 0)
		return -ENOENT;
	event.exclude_kernel |= a->user_only;
	event.exclude_guest = false;
	fd = pmu_open(&event, &t, &how);
	if (fd >= 0)
		close(fd);
	else if (why)
		pmu_explain(fd, &event, &t, &how, why, EVENT_WHY_MAX);
	return fd < 0 ? fd : 0;
}

static const char *reason(const struct findings *f, char out[64])
{
	if (f->facts.filtered)
		return "seccomp filter";
	if (f->facts.lockdown == LOCKDOWN_CONFIDENTIALITY)
		return "kernel lockdown";
	if (f->facts.paranoid == FACT_NONE)
		return "no perf events in this kernel";
	snprintf(out, 64, "perf_event_paranoid %ld", f->facts.paranoid);
	return out;
}

/* The message begins with the event's name, which says nothing here. */
static const char *after_name(const char *why)
{
	const char *colon = strstr(why, ": ");

	return colon ? colon + 2 : why;
}

static void say_rights(struct findings *f, const struct attempt *lacking)
{
	char why[EVENT_WHY_MAX];

	if (!lacking) {
		finding(f, SEVERITY_OK, "rights", "everything (uid %u%s), perf_event_paranoid %ld",
			f->facts.uid, facts_perfmon(&f->facts) ? ", CAP_PERFMON" : "",
			f->facts.paranoid);
		return;
	}
	(void)try(lacking, why);
	finding(f, SEVERITY_FAIL, "rights", "%s", after_name(why));
}

static void check_cycles(struct findings *f)
{
	const struct attempt cycles = {"cycles", 0, -1, .user_only = true};
	char why[EVENT_WHY_MAX];
	int rc = try(&cycles, why);
	bool missing = rc == -ENOENT || rc == -ENODEV || rc == -EOPNOTSUPP;
	const char *open_bracket = *f->facts.cpu_model ? " (" : "";

	if (!rc || missing)
		finding_can(f, !rc, "cycles, misses, IPC", "no PMU");
	if (!rc)
		finding(f, SEVERITY_OK, "counters", "cycles can be sampled%s%s%s", open_bracket,
			f->facts.cpu_model, *open_bracket ? ")" : "");
	else if (missing)
		finding(f, SEVERITY_FAIL, "counters", "cycles: %s, %s%s%s: %s\ncpu-clock stands in",
			strerrorname_np(-rc), f->facts.hypervisor ? "virtual machine" : "no PMU",
			*f->facts.hypervisor_name ? " " : "", f->facts.hypervisor_name,
			f->facts.hypervisor ? "its host must give it a PMU (libvirt: <pmu "
					      "state='on'/>; cloud: a metal machine type)"
					    : "this kernel has no driver for this CPU's");
	else if (rc != -EACCES && rc != -EPERM)
		finding(f, SEVERITY_FAIL, "counters", "%s", after_name(why));
}

void check_abilities(struct findings *f)
{
	static const struct {
		struct attempt attempt;
		const char *what;
	} abilities[] = {
		{{"cpu-clock", 0, -1, true}, "record your own processes, user part"},
		{{"cpu-clock", 0, -1, false}, "the kernel part of them"},
		{{"cpu-clock", -1, 0, true}, "record the whole machine (-a)"},
		{{"context-switches", -1, 0, false},
		 "events in the kernel: context switches, tracepoints"},
	};
	const struct attempt *lacking = NULL;
	char text[64];

	/* The last that fails needs the most: its fix mends the others too. */
	for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++) {
		bool can = !try(&abilities[i].attempt, NULL);

		finding_can(f, can, abilities[i].what, reason(f, text));
		if (!can && i < 3)
			lacking = &abilities[i].attempt;
	}
	say_rights(f, lacking);
	check_cycles(f);
}

static void check_rate(struct findings *f)
{
	long rate = f->facts.max_rate, percent = f->facts.cpu_percent;

	if (rate == FACT_NONE)
		return;
	if (rate >= RATE_DEFAULT) {
		finding(f, SEVERITY_OK, "frequency", "up to %ld Hz", rate);
		return;
	}
	finding(f, rate < RATE_NEEDED ? SEVERITY_FAIL : SEVERITY_WARN, "frequency",
		"at most %ld Hz (perf_event_max_sample_rate; the kernel lowers it by itself when "
		"interrupts take over %ld %% of the time)\n" HINT_SAMPLE_RATE, rate,
		percent, (long)RATE_DEFAULT);
	/* With 0 or 100 the kernel takes no other rate. */
	if (percent == 0 || percent == 100)
		finding(f, SEVERITY_WARN, "frequency", "perf_cpu_time_max_percent is %ld: the rate "
			"cannot be set\n" HINT_CPU_PERCENT, percent, (long)CPU_PERCENT_DEFAULT);
}

static void check_memory(struct findings *f)
{
	long kb = f->facts.mlock_kb;

	if (kb == FACT_NONE)
		return;
	if ((facts_cap(&f->facts, CAP_IPC_LOCK) && !f->facts.own_userns) || f->facts.paranoid < 0)
		finding(f, SEVERITY_OK, "memory", "rings of any size");
	else if (kb >= MLOCK_WANTED_KB)
		finding(f, SEVERITY_OK, "memory", "rings of %ld kB a CPU", kb);
	else
		finding(f, SEVERITY_WARN, "memory", "rings of %ld kB a CPU (perf_event_mlock_kb): "
			"stack copies are made smaller to fit, deep stacks are cut\n" HINT_MLOCK,
			kb, (long)MLOCK_WANTED_KB);
}

static void check_files(struct findings *f)
{
	unsigned long long need = (unsigned long long)f->facts.cpus * FILES_A_CPU;

	if (f->facts.nofile_hard >= need)
		finding(f, SEVERITY_OK, "files", "%llu at most, %ld CPUs",
			(unsigned long long)f->facts.nofile_hard, f->facts.cpus);
	else
		finding(f, SEVERITY_WARN, "files", "%llu open files at most (hard limit): few for "
			"%ld CPUs\n" HINT_NOFILE "   (as root)",
			(unsigned long long)f->facts.nofile_hard, f->facts.cpus,
			(unsigned long)need);
}

static void check_clock(struct findings *f)
{
	static const char *const fast[] = {"tsc", "kvm-clock", "arch_sys_counter",
					   "hyperv_clocksource_tsc_page", "xen"};

	if (!*f->facts.clocksource)
		return;
	for (size_t i = 0; i < sizeof(fast) / sizeof(fast[0]); i++) {
		if (!strcmp(f->facts.clocksource, fast[i])) {
			finding(f, SEVERITY_OK, "clock", "%s", fast[i]);
			return;
		}
	}
	finding(f, SEVERITY_WARN, "clock", "%s is slow to read, and every sample reads it",
		f->facts.clocksource);
}

void check_limits(struct findings *f)
{
	check_rate(f);
	check_memory(f);
	check_files(f);
	check_clock(f);
	if (f->facts.max_stack != FACT_NONE && f->facts.max_stack < STACK_DEFAULT)
		finding(f, SEVERITY_WARN, "max stack", "kernel callchains end after %ld frames\n"
			HINT_MAX_STACK, f->facts.max_stack, (long)STACK_DEFAULT);
	else if (f->facts.max_stack != FACT_NONE)
		finding(f, SEVERITY_OK, "max stack", "%ld frames", f->facts.max_stack);
	if (f->facts.nmi_watchdog > 0)
		finding(f, SEVERITY_WARN, "watchdog", "the NMI watchdog holds one counter of each "
			"CPU\n" HINT_NMI_WATCHDOG, 0);
	if (f->facts.seccomp && !f->facts.filtered)
		finding(f, SEVERITY_OK, "filter", "a seccomp filter is installed; it lets "
			"perf_event_open through");
	else if (!f->facts.filtered)
		finding(f, SEVERITY_OK, "filter", "none, kernel lockdown %s",
			f->facts.lockdown == LOCKDOWN_NONE ? "none" :
			f->facts.lockdown == LOCKDOWN_INTEGRITY ? "integrity" : "confidentiality");
}

/* Without the right the file is there, and every address in it is 0. */
static bool kernel_addresses(void)
{
	unsigned long long address = 0;
	char path[512], line[512];
	FILE *file;

	ROOT_PATH(path, "%s/kallsyms", pmu_roots()->proc);
	file = fopen(path, "re");
	for (int i = 0; file && !address && i < 64 && fgets(line, sizeof(line), file); i++)
		(void)sscanf(line, "%llx", &address);
	if (file)
		fclose(file);
	return address != 0;
}

static void check_kernel_names(struct findings *f)
{
	char fix[256] = "";
	size_t n;

	if (kernel_addresses()) {
		finding(f, SEVERITY_OK, "names", "kernel symbols are readable");
		return;
	}
	if (f->facts.kptr_restrict > 0)
		snprintf(fix, sizeof(fix), "\n" HINT_KPTR, 0);
	n = strlen(fix);
	/* kptr_restrict 0 opens them to those only who may sample the kernel. */
	if (f->facts.paranoid > 1)
		snprintf(fix + n, sizeof(fix) - n, "\n" HINT_PARANOID, 1);
	finding(f, SEVERITY_WARN, "names", "kernel symbols: no addresses for this user "
		"(kptr_restrict %ld, perf_event_paranoid %ld, no CAP_SYSLOG)\n" HINT_SUDO "%s",
		f->facts.kptr_restrict, f->facts.paranoid, hint_program(), fix);
}

void check_names(struct findings *f)
{
	check_kernel_names(f);
	switch (tracefs_state()) {
	case TRACEFS_READABLE:
		finding(f, SEVERITY_OK, "tracefs", "mounted and readable");
		break;
	case TRACEFS_NOT_MOUNTED:
		finding(f, SEVERITY_WARN, "tracefs", "not mounted: no tracepoints\n"
			HINT_MOUNT_TRACEFS);
		break;
	case TRACEFS_NOT_READABLE:
		finding(f, SEVERITY_WARN, "tracefs", "not readable for uid %u: no tracepoints\n"
			HINT_SUDO, f->facts.uid, hint_program());
		break;
	case TRACEFS_NONE:
		finding(f, SEVERITY_WARN, "tracefs", "this kernel was built without tracing: no "
			"tracepoints");
		break;
	}
}
