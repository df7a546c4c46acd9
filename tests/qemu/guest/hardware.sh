#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A machine with a PMU (Neoverse N1, two CPUs): hardware counters and their rings, what there is to
# be said about them. Time is the host's: whatever it does besides, this must hold.
# shellcheck source=tests/qemu/guest/lib.sh
. tests/qemu/guest/lib.sh

check_machine() {
	says "doctor: there are counters, and whose" \
		'ok +counters +cycles can be sampled \(CPU implementer 0x41, part 0xd0c\)' "$PMUSCOPE" doctor
	says "list: cycles can be had" '^ *cycles +yes' "$PMUSCOPE" list hardware
	says "list: cache-misses cannot" '^ *cache-misses +no.*ENOENT' "$PMUSCOPE" list hardware
}

check_cycles() {
	load /programs/chain deep 1000
	take -e cycles -F 997 -d 2 -p "$load"
	log_has "by frequency: it is cycles" ' cycles at 997 Hz, user stacks by DWARF, kernel stacks'
	nothing "by frequency: not a clock" "$(grep cpu-clock "$T/log" || :)"
	least "by frequency: samples" "$(samples)" 100
	take -e cycles -c 3000000 -d 2 -p "$load"
	log_has "by period: it is cycles" ' cycles at every 3000000'
	least "by period: samples" "$(samples)" 50
	between "by period: each stands for that many" "$(sum)" $(($(samples) * 3000000)) \
		$(($(samples) * 3000000))
	take -e cycles:u -F 499 -d 1 -p "$load"
	# The emulated counter's interrupt comes late now and then.
	nothing "user part only: at most one in twenty is the kernel's" \
		"$([ $(($(sum '_\[k\]') * 20)) -le "$(sum)" ] || stacks_show)"
	stop_load "$load"
}

check_rings() { # one a CPU
	load taskset 2 /programs/chain deep 1000
	take -e cycles -F 499 -C 1 -d 1
	share "CPU 1's ring has what runs there" ';spin' 80 '^chain;'
	least "CPU 1's ring has it" "$(sum '^chain;')" 1000000
	take -e cycles -F 499 -C 0 -d 1 -- sleep 0.5
	nothing "CPU 0's has not" "$(grep '^chain;' "$P" | head -3 || :)"
	take -e cycles -F 499 -a -d 1.5
	log_has "the whole machine: both" '2 CPUs: cycles at 499 Hz'
	least "the whole machine: has it" "$(sum '^chain;')" 1000000
	nothing "the whole machine: idle CPUs are left out" "$(grep '^swapper' "$P" | head -3 || :)"
	stop_load "$load"
}

check_tracepoints() {
	take -e sched:sched_switch -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.01; done'
	least "ten sleeps are ten switches at least" "$(sum)" 10
	take -e syscalls:sys_enter_write --stack-size 4096 -- \
		dd if=/dev/zero of=/dev/null bs=1 count=300
	between "every write is counted" $(($(sum) + $(lost))) 300 310
	take -e cycles,sched:sched_switch -F 499 -- /programs/chain deep 0.5
	log_has "with cycles in one ring" ' cycles, sched:sched_switch at 499 Hz'
}

check_absent() {
	fails 125 "cache-misses: refused" "$PMUSCOPE" record -e cache-misses -o "$P" -- touch "$T/marker"
	says "cache-misses: why, and what to type" \
		'^pmuscope: cache-misses: CPU implementer 0x41, part 0xd0c has no such event.*ENOENT; cycles does open' \
		"$PMUSCOPE" record -e cache-misses -o "$P" -- touch "$T/marker"
	check "cache-misses: nothing was started" test ! -e "$T/marker"
	fails 125 "instructions, which this emulation does not count" \
		"$PMUSCOPE" record -e instructions -o "$P" -- true
}

# Seven counters, of which one counts cycles alone.
check_multiplexing() {
	load /programs/chain deep 1000
	take -e cycles -F 499 -d 1 -p "$load"
	between "one event is always on" "$(running)" 97 100
	nothing "one event is always on: nothing is said" "$(grep 'took turns' "$T/log" || :)"
	take -e cycles,r08,r09,r0a,r0b,r0c,r0d,r0e,r0f,r10,r12 -F 499 -d 2 -p "$load"
	between "eleven take turns" "$(running)" 1 98
	log_has "eleven take turns: it is said" 'note: [^.]*counters[^.]*only [0-9]+ % of the time'
	stop_load "$load"
}

check_limits() {
	local most
	load /programs/chain deep 1000
	sysctl -q -w kernel.perf_cpu_time_max_percent=99 # else the rate cannot be set
	sysctl -q -w kernel.perf_event_max_sample_rate=1000
	take -e cycles -c 20000 -d 1.5 -p "$load"
	log_has "more than max_sample_rate: throttled, and said" 'the kernel throttled the events [0-9]+ times'
	sysctl -q -w kernel.perf_event_max_sample_rate=100000
	# The kernel measures how long its interrupts take, and lowers the limit.
	sysctl -q -w kernel.perf_cpu_time_max_percent=1
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		most=$(cat /proc/sys/kernel/perf_event_max_sample_rate)
		if [ "$most" -lt 997 ]; then break; fi
		take -e cycles -F "$most" -d 0.5 -p "$load" || :
	done
	least "perf_cpu_time_max_percent lowers the limit" $((997 - most)) 1
	fails 125 "then 997 Hz are refused" "$PMUSCOPE" record -e cycles -F 997 -o "$P" -- touch "$T/marker"
	"$PMUSCOPE" record -e cycles -F 997 -o "$P" -- touch "$T/marker" 2>"$T/log" || :
	log_has "then 997 Hz are refused: by name and value, with one that works" \
		'997 Hz is above perf_event_max_sample_rate \([0-9]+ Hz\).* -F [0-9]+'
	check "nothing was started" test ! -e "$T/marker"
	check "and that value works" take -e cycles -F "$(sed -nE 's/^ +-F ([0-9]+)$/\1/p' "$T/log")" \
		-d 0.3 -p "$load"
	sysctl -q -w kernel.perf_event_max_sample_rate=100000
	sysctl -q -w kernel.perf_cpu_time_max_percent=0
	stop_load "$load"
}

check_machine
check_cycles
check_rings
check_tracepoints
check_absent
check_multiplexing
check_limits
plan
