/* SPDX-License-Identifier: Apache-2.0
 *
 * What decides whether an event can be opened: sysctls, capabilities, filters, limits, as they
 * are now. Read afresh at each call; nothing here changes anything.
 */
#ifndef PMU_FACTS_H
#define PMU_FACTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FACT_NONE LONG_MIN /* no such file, or not readable */

enum lockdown { LOCKDOWN_NONE, LOCKDOWN_INTEGRITY, LOCKDOWN_CONFIDENTIALITY };

struct facts {
	long paranoid;      /* kernel.perf_event_paranoid */
	long max_rate;      /* kernel.perf_event_max_sample_rate, Hz */
	long cpu_percent;   /* kernel.perf_cpu_time_max_percent */
	long mlock_kb;      /* kernel.perf_event_mlock_kb, a CPU and user */
	long max_stack;     /* kernel.perf_event_max_stack */
	long kptr_restrict; /* kernel.kptr_restrict */
	long nmi_watchdog;  /* kernel.nmi_watchdog */
	uid_t uid;
	uint64_t caps;      /* effective set */
	bool own_userns;    /* inside a user namespace: capabilities of it do not count for perf */
	bool seccomp;       /* some filter is installed (not that it filters this call) */
	int filtered;       /* errno that a filter answers to perf_event_open(2) itself; 0: none */
	enum lockdown lockdown;
	bool hypervisor;    /* CPUID or the device tree says so */
	char hypervisor_name[64]; /* DMI product, "" unknown */
	char cpu_model[96];       /* "" unknown */
	char clocksource[32];
	long cpus;          /* online */
	uint64_t nofile, nofile_hard;
};

void facts_read(struct facts *f);

/* What perf asks: perfmon_capable() and capable(CAP_SYS_ADMIN), in the first user namespace. */
bool facts_perfmon(const struct facts *f);
bool facts_cap(const struct facts *f, int cap); /* CAP_* */

#endif
