/* SPDX-License-Identifier: Apache-2.0
 *
 * Every command that pmu's messages and `doctor` tell people to type, in one place, so that a
 * test can run each (tests/live/doctor.sh; `pmuscope doctor --hints` prints them with the sample
 * arguments of HINTS below). No other file spells one out.
 */
#ifndef PMU_HINTS_H
#define PMU_HINTS_H

#define HINT_SUDO "sudo %s record …"
#define HINT_USER_PART "%s record -e cpu-clock:u -- COMMAND"
#define HINT_CPU_CLOCK "%s record -e cpu-clock …"
#define HINT_PARANOID "sudo sysctl kernel.perf_event_paranoid=%d"
#define HINT_SETCAP "sudo setcap cap_perfmon,cap_sys_ptrace,cap_syslog+ep %s"
#define HINT_MOUNT_TRACEFS "sudo mount -t tracefs nodev /sys/kernel/tracing"
#define HINT_SAMPLE_RATE "sudo sysctl kernel.perf_event_max_sample_rate=%ld"
#define HINT_CPU_PERCENT "sudo sysctl kernel.perf_cpu_time_max_percent=%ld"
#define HINT_MLOCK "sudo sysctl kernel.perf_event_mlock_kb=%ld"
#define HINT_KPTR "sudo sysctl kernel.kptr_restrict=%d"
#define HINT_MAX_STACK "sudo sysctl kernel.perf_event_max_stack=%ld"
#define HINT_NMI_WATCHDOG "sudo sysctl kernel.nmi_watchdog=%d"
#define HINT_NOFILE "ulimit -n %lu"
#define HINT_LIST "%s list %s"
#define HINT_DOCTOR "%s doctor"

/* The same again with arguments to try each with: X(format, arguments…). */
#define HINTS(X)                                                                                   \
	X(HINT_SUDO, hint_program())                                                               \
	X(HINT_USER_PART, hint_program())                                                          \
	X(HINT_CPU_CLOCK, hint_program())                                                          \
	X(HINT_PARANOID, 1)                                                                        \
	X(HINT_PARANOID, 0)                                                                        \
	X(HINT_SETCAP, hint_program())                                                             \
	X(HINT_MOUNT_TRACEFS)                                                                      \
	X(HINT_CPU_PERCENT, 25l)                                                                   \
	X(HINT_SAMPLE_RATE, 100000l)                                                               \
	X(HINT_MLOCK, 17408l)                                                                     \
	X(HINT_KPTR, 0)                                                                            \
	X(HINT_MAX_STACK, 127l)                                                                    \
	X(HINT_NMI_WATCHDOG, 0)                                                                    \
	X(HINT_NOFILE, 1024ul)                                                                     \
	X(HINT_LIST, hint_program(), "cycles")                                                     \
	X(HINT_DOCTOR, hint_program())

/* How this program is called in a hint: "pmuscope" where that is what the shell would find, else
 * the path of the running one. Valid until the process ends. */
const char *hint_program(void);

#endif
