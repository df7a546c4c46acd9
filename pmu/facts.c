/* SPDX-License-Identifier: Apache-2.0 */
#include "pmu/facts.h"

#include "pmu/abi.h"
#include "pmu/roots.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PATH_BYTES = 512, STATUS_BYTES = 16384 };

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif

static long sysctl_kernel(const char *name)
{
	char path[PATH_BYTES];
	long v;

	ROOT_PATH(path, "%s/sys/kernel/%s", pmu_roots()->proc, name);
	return root_read_long(path, &v) < 0 ? FACT_NONE : v;
}

/* The text behind "Key:" in a status-like file, or NULL. */
static const char *field(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, key, n))
			continue;
		at += n;
		return at + strspn(at, " \t:");
	}
	return NULL;
}

static void read_status(struct facts *f)
{
	char path[PATH_BYTES], text[STATUS_BYTES];
	const char *v;

	ROOT_PATH(path, "%s/self/status", pmu_roots()->proc);
	if (root_read(path, text, sizeof(text)) < 0)
		return;
	v = field(text, "CapEff");
	f->caps = v ? strtoull(v, NULL, 16) : 0;
	v = field(text, "Seccomp");
	f->seccomp = v && atoi(v) > 0;
}

static void read_userns(struct facts *f)
{
	unsigned long inside, outside, count;
	char path[PATH_BYTES], text[ROOT_FILE_MAX];

	ROOT_PATH(path, "%s/self/uid_map", pmu_roots()->proc);
	if (root_read(path, text, sizeof(text)) < 0)
		return;
	f->own_userns = sscanf(text, "%lu %lu %lu", &inside, &outside, &count) != 3 || inside ||
			outside || count != UINT32_MAX;
}

static void read_lockdown(struct facts *f)
{
	char path[PATH_BYTES], text[256];

	ROOT_PATH(path, "%s/kernel/security/lockdown", pmu_roots()->sys);
	if (root_read(path, text, sizeof(text)) < 0)
		return;
	if (strstr(text, "[confidentiality]"))
		f->lockdown = LOCKDOWN_CONFIDENTIALITY;
	else if (strstr(text, "[integrity]"))
		f->lockdown = LOCKDOWN_INTEGRITY;
}

/* A line of text from outside, its control characters dropped. */
static void copy_line(char *out, size_t size, const char *in)
{
	size_t n = 0;

	for (; *in && *in != '\n' && n + 1 < size; in++) {
		if (!iscntrl((unsigned char)*in))
			out[n++] = *in;
	}
	out[n] = '\0';
}

/* The first bytes of a file, terminated; what is longer is cut. */
static void read_start(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
}

/* Arm's has no name, but two numbers. */
static void read_model(struct facts *f, const char *cpuinfo)
{
	const char *name = field(cpuinfo, "model name"), *by = field(cpuinfo, "CPU implementer");
	const char *part = field(cpuinfo, "CPU part");

	copy_line(f->cpu_model, sizeof(f->cpu_model), name ? name : "");
	if (!name && by && part)
		snprintf(f->cpu_model, sizeof(f->cpu_model), "CPU implementer 0x%lx, part 0x%lx",
			 strtoul(by, NULL, 16), strtoul(part, NULL, 16));
}

/* CPUID says so, or a device tree that virtual machines are given. */
static bool is_virtual(const char *cpuinfo)
{
	const char *flags = field(cpuinfo, "flags");
	char path[PATH_BYTES], compatible[64];

	ROOT_PATH(path, "%s/firmware/devicetree/base/compatible", pmu_roots()->sys);
	read_start(path, compatible, sizeof(compatible));
	return (flags && strstr(flags, " hypervisor")) || !strcmp(compatible, "linux,dummy-virt");
}

static void read_cpu(struct facts *f)
{
	char path[PATH_BYTES], text[STATUS_BYTES];

	/* The first CPU's paragraph is enough; the file is long on large machines. */
	ROOT_PATH(path, "%s/cpuinfo", pmu_roots()->proc);
	read_start(path, text, sizeof(text));
	read_model(f, text);
	f->hypervisor = is_virtual(text);
	ROOT_PATH(path, "%s/class/dmi/id/product_name", pmu_roots()->sys);
	if (f->hypervisor && !root_read(path, text, sizeof(text)))
		copy_line(f->hypervisor_name, sizeof(f->hypervisor_name), text);
	ROOT_PATH(path, "%s/devices/system/clocksource/clocksource0/current_clocksource",
		  pmu_roots()->sys);
	if (!root_read(path, text, sizeof(text)))
		copy_line(f->clocksource, sizeof(f->clocksource), text);
}

/* The kernel looks at the flags before it looks at who asks: with flags that do not exist it
 * answers EINVAL to everybody. Any other answer came from a filter in front of it (or, ENOSYS, the
 * call is not there). */
static int filter_errno(void)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};

	if (abi_perf_event_open(&attr, 0, -1, -1, 1ul << 31) >= 0)
		return 0;
	return errno == EINVAL ? 0 : errno;
}

void facts_read(struct facts *f)
{
	struct rlimit files = {0};

	*f = (struct facts){.uid = geteuid()};
	f->paranoid = sysctl_kernel("perf_event_paranoid");
	f->max_rate = sysctl_kernel("perf_event_max_sample_rate");
	f->cpu_percent = sysctl_kernel("perf_cpu_time_max_percent");
	f->mlock_kb = sysctl_kernel("perf_event_mlock_kb");
	f->max_stack = sysctl_kernel("perf_event_max_stack");
	f->kptr_restrict = sysctl_kernel("kptr_restrict");
	f->nmi_watchdog = sysctl_kernel("nmi_watchdog");
	read_status(f);
	read_userns(f);
	read_lockdown(f);
	read_cpu(f);
	f->filtered = filter_errno();
	f->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		f->nofile = files.rlim_cur;
		f->nofile_hard = files.rlim_max;
	}
}

bool facts_cap(const struct facts *f, int cap)
{
	return f->caps >> cap & 1;
}

bool facts_perfmon(const struct facts *f)
{
	return !f->own_userns && (facts_cap(f, CAP_PERFMON) || facts_cap(f, CAP_SYS_ADMIN));
}
