#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pmuscope list: what it says agrees with what the kernel lets be opened.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"

paranoid=$(cat /proc/sys/kernel/perf_event_paranoid)
tracing=/sys/kernel/tracing/events

fails 0 "list --help" "$PMUSCOPE" list --help
fails 125 "list with two words is wrong usage" "$PMUSCOPE" list a b
fails 125 "list with an unknown option is wrong usage" "$PMUSCOPE" list --what

began=$(date +%s%N)
check "list" "$PMUSCOPE" list
took=$((($(date +%s%N) - began) / 1000000))
nothing "list takes less than a second" "$([ $took -lt 1000 ] || echo "$took ms")"
began=$(date +%s%N)
"$PMUSCOPE" list s >"$T/s" || :
took=$((($(date +%s%N) - began) / 1000000))
nothing "a word that thousands of names contain takes less than 1.5 s" \
	"$([ $took -lt 1500 ] || echo "$took ms")"

for group in hardware cache software; do
	says "list has $group events" "^$group  +[0-9]+ of [0-9]+ usable" "$PMUSCOPE" list
done
says "a word picks by any part, case and - _ aside" '^ +page-faults ' "$PMUSCOPE" list PAGE_FAULT
fails 1 "no match: status 1" "$PMUSCOPE" list cyclse
says "no match: the nearest name" "'cyclse'; near: cycles" "$PMUSCOPE" list cyclse

if [ "$(id -u)" -eq 0 ]; then
	says "root has cpu-clock wholly" '^ +cpu-clock +yes$' "$PMUSCOPE" list cpu-clock
	public_copy
	if [ "$paranoid" -eq 2 ]; then
		says "a user has cpu-clock without its kernel part" \
			'^ +cpu-clock +yes, user part only \(EACCES\)$' as_user "$PUBLIC" list cpu-clock
		says "a user may not count what happens in the kernel" \
			'^ +context-switches +no: not allowed \(EACCES\)$' as_user "$PUBLIC" list context
	else
		skip "a user has cpu-clock without its kernel part" "perf_event_paranoid is $paranoid"
		skip "a user may not count what happens in the kernel" "perf_event_paranoid is $paranoid"
	fi
	says "a user hears why there are no tracepoints" 'may not read tracefs' \
		as_user "$PUBLIC" list tracepoints
else
	skip "root has cpu-clock wholly" "not root"
fi

if [ -d /sys/bus/event_source/devices/cpu ] || [ -d /sys/bus/event_source/devices/armv8_pmuv3_0 ]; then
	says "cycles are usable" '^ +cycles +yes' "$PMUSCOPE" list cycles
else
	says "without a PMU cycles say so" '^ +cycles +no: .*ENOENT' "$PMUSCOPE" list cycles
fi

if [ -e /sys/bus/event_source/devices/msr/events/tsc ]; then
	says "an event that cannot be sampled says so" 'msr/tsc/ +no: counts, but cannot be sampled' \
		"$PMUSCOPE" list msr/tsc
fi

if [ -r $tracing/sched/sched_switch/id ]; then
	says "tracepoints are counted by system" '^ +sched: +[0-9]+$' "$PMUSCOPE" list
	says "tracepoints one by one" '^ +sched:sched_switch +yes$' "$PMUSCOPE" list sched_switch
	want=$(find $tracing/sched -mindepth 2 -name id | wc -l)
	got=$("$PMUSCOPE" list sched | grep -c '^ *sched:')
	nothing "as many as tracefs has" "$([ "$want" -eq "$got" ] || echo "$got, not $want")"
else
	skip "tracepoints are counted by system" "tracefs is not readable"
fi

plan
