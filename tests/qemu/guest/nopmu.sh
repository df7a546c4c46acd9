#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A virtual machine without counters: cycles become a clock, and everybody is told.
# shellcheck source=tests/qemu/guest/lib.sh
. tests/qemu/guest/lib.sh

says "doctor: no counters, and why" 'FAIL +counters +cycles: ENOENT, virtual machine: its host must' \
	"$PMUSCOPE" doctor
says "list: cycles cannot be had" '^ *cycles +no.*ENOENT' "$PMUSCOPE" list hardware

load /programs/chain deep 1000
take -e cycles -F 997 -d 1 -p "$load"
log_has "cycles: a clock instead, and it is said" \
	'note: no hardware counters here \(perf_event_open: ENOENT\). Sampling cpu-clock instead of cycles'
log_has "cycles: and once more" 'cpu-clock \(for cycles\) at 997 Hz'
least "cycles: samples" "$(samples)" 50
least "cycles: stacks are complete" "$(complete)" 9900
share "cycles: the known chain" ';main;first;second;third;fourth;spin' 80
between "cycles: nanoseconds, a second of them at most" "$(sum)" 50000000 1100000000
take -F 499 -a -d 1
log_has "the whole machine: cpu-clock as well" '2 CPUs: cpu-clock \(for cycles\) at 499 Hz'
share "the whole machine: has it" ';spin' 80 '^chain;'
take -e cpu-clock -F 499 -d 0.5 -p "$load"
nothing "asked for by name, nothing is said" "$(grep 'instead of' "$T/log" || :)"
stop_load "$load"

fails 125 "cache-misses: refused" "$PMUSCOPE" record -e cache-misses -o "$P" -- touch "$T/marker"
"$PMUSCOPE" record -e cache-misses -o "$P" -- touch "$T/marker" 2>"$T/log" || :
log_has "cache-misses: why, and what stands in" \
	'no hardware counters here \(virtual machine.*ENOENT.*stands in:.*cpu-clock.*doctor'
check "cache-misses: nothing was started" test ! -e "$T/marker"
fails 125 "cycles with something that there is not" \
	"$PMUSCOPE" record -e cycles,instructions -o "$P" -- true
take -e sched:sched_switch -- sh -c 'for i in 1 2 3 4 5; do sleep 0.01; done'
least "tracepoints are there all the same" "$(sum)" 5
plan
