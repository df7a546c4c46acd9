#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Events: several at once, exact counts, modifiers, rates, and what is said about those that there
# are not.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc dd

compile known known.c
P=$T/p.pb.gz

sum() { # TYPE: its whole in the profile
	pprof sums "$P" | awk -v type="$1" '$1 == type { n += $3 } END { print n + 0 }'
}

stacks_of() { # TYPE: the samples that have a value of that type, as `pprof stacks` prints them
	/usr/bin/python3 - "$P" "$1" <<-'END'
		import sys
		sys.path.insert(0, "tests/live")
		import pprof
		p = pprof.Profile(sys.argv[1])
		column = [kind for kind, unit in p.types].index(sys.argv[2])
		for s in p.samples:
		    if s.values[column]:
		        print(s.values[column], ";".join(p.frames(s)), sep="\t")
	END
}

user_leaves() { # the samples that were not taken in the kernel
	/usr/bin/python3 - "$P" <<-'END'
		import sys
		sys.path.insert(0, "tests/live")
		import pprof
		p = pprof.Profile(sys.argv[1])
		for s in p.samples:
		    if s.stack and not p.is_kernel(p.location[s.stack[0]]):
		        print(";".join(p.frames(s)))
	END
}

# --- what is counted ----------------------------------------------------------------------------

check_several() {
	check "several events at once" record -F 499 -o "$P" \
		-e cpu-clock,page-faults,context-switches -e sched:sched_switch -- \
		sh -c "'$T/known' 1; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.01; done"
	check "several: the profile keeps the rules" pprof check "$P"
	for type in cpu-clock page_faults context_switches sched_sched_switch; do
		says "several: a sample type of its own: $type" "^$type " pprof sums "$P"
	done
	between "several: a second of CPU time" $(($(sum cpu-clock) / 1000000)) 200 4000
	between "several: page faults" "$(sum page_faults)" 100 100000
	between "several: ten sleeps are ten switches at least" "$(sum sched_sched_switch)" 10 10000
	nothing "page faults are not in the loop" "$(stacks_of page_faults |
		grep -E 'three_quarters(;rounds)?$' || :)"
	says "cpu-clock is in the loop" 'three_quarters' stacks_of cpu-clock
	says "a switch is where it sleeps" 'nanosleep' stacks_of sched_sched_switch
}

check_exact() {
	check "a tracepoint" record -e syscalls:sys_enter_write -o "$P" --stack-size 4096 -- \
		dd if=/dev/zero of=/dev/null bs=1 count=300 status=none
	between "every write is counted" \
		$(($(sum syscalls_sys_enter_write) + $(pprof get "$P" lost))) 300 300
	between "none is lost, none weighs nothing" "$(sum syscalls_sys_enter_write)" 300 300
	record -e syscalls:sys_enter_write -c 10 -o "$P" -- \
		dd if=/dev/zero of=/dev/null bs=1 count=1000 status=none
	between "-c 10: one sample stands for ten" "$(sum syscalls_sys_enter_write)" 990 1000
	between "-c 10: a tenth of the samples" "$(pprof get "$P" samples)" 99 100
	nothing "exact: nothing is called an estimate" "$(grep estimate "$T/record.log" || :)"
	record -e syscalls:sys_enter_write -F 99 -o "$P" -- \
		dd if=/dev/zero of=/dev/null bs=1 count=20000 status=none
	says "-F of a tracepoint: the sum is an estimate" \
		'sum of syscalls:sys_enter_write is an estimate.* counted 20,000\.' cat "$T/record.log"
	says "-F of a tracepoint: so says the profile" \
		'^syscalls:sys_enter_write, by -F; counted 20000$' pprof get "$P" estimate
	record -e syscalls:sys_enter_write -c 10 -o "$P" -- \
		dd if=/dev/zero of=/dev/null bs=1 count=1000 status=none
	nothing "the stack is that of the write" "$(stacks_of syscalls_sys_enter_write |
		grep -vE 'write' | head -3)"
	record -e cpu-clock -c 1000000 -o "$P" -- "$T/known" 1
	between "-c of a clock is nanoseconds: a thousand samples a second" \
		"$(pprof get "$P" samples)" 200 1100
}

check_modifiers() {
	record -e cpu-clock:u -F 999 -o "$P" -- dd if=/dev/zero of=/dev/null bs=64k count=100000 \
		status=none
	never_sampled ":u has no kernel frames" "$P" 'entry_SYSCALL|do_syscall_64|asm_sysvec'
	record -e cpu-clock:k -F 999 -o "$P" -- dd if=/dev/zero of=/dev/null bs=64k count=100000 \
		status=none
	sampled ":k has" "$P" 'do_syscall_64|asm_sysvec|entry_SYSCALL' 20
	nothing ":k has no sample of user code" "$(user_leaves)"
}

# --- rates --------------------------------------------------------------------------------------

check_rates() {
	local most words
	most=$(cat /proc/sys/kernel/perf_event_max_sample_rate)
	fails 125 "-F above the limit" "$PMUSCOPE" record -F $((most + 1)) -o "$P" -- touch "$T/marker"
	check "-F above the limit: nothing was started" test ! -e "$T/marker"
	words=$("$PMUSCOPE" record -F $((most + 1)) -o "$P" -- true 2>&1 | tr '\n' ' ' || :)
	says "-F above the limit: its name and value" "perf_event_max_sample_rate.*$most" echo "$words"
	says "-F above the limit: a value that works" "-F $most" echo "$words"
	check "and it does work" record -F "$most" --stack-size 512 -d 0.1 -o "$P" -- true
	fails 125 "-F 0" "$PMUSCOPE" record -F 0 -o "$P" -- true
	fails 125 "-F and -c" "$PMUSCOPE" record -F 99 -c 100 -o "$P" -- true
	record -F 199 -o "$P" -- "$T/known" 1
	between "-F 199: not more a second" "$(pprof get "$P" samples)" 30 230
}

# --- events that there are not ------------------------------------------------------------------

# NAME EVENT PATTERN: refused with 125, those words (on one line), nothing started.
refused() {
	local words
	rm -f "$T/marker"
	fails 125 "$1" "$PMUSCOPE" record -q -e "$2" -o "$P" -- touch "$T/marker"
	words=$("$PMUSCOPE" record -q -e "$2" -o "$P" -- true 2>&1 | tr '\n' ' ' || :)
	says "$1: what is said" "$3" echo "$words"
	check "$1: nothing was started" test ! -e "$T/marker"
	hints "$1" "$words"
}

# Every command of ours in a message is one that this build has.
hints() { # NAME WORDS
	local line
	while read -r line; do
		case $line in
		*' record -e '*) check "$1: '${line##*/}' works" bash -c "$line -q -o '$P' -- true" ;;
		*' list') says "$1: '${line##*/}' exists" 'cpu-clock' bash -c "$line" ;;
		*) says "$1: '${line##*/} --help' exists" '^usage: ' bash -c "$line --help" ;;
		esac
	done < <(grep -oE "$PMUSCOPE [a-z]+( -e [^ ]+)?" <<<"$2")
}

check_refused() {
	refused "a misspelt event" contxt-switches 'did you mean context-switches'
	refused "an unknown event" zzzzzzzz "no event 'zzzzzzzz'.* list zzzzzzzz"
	refused "a misspelt tracepoint" sched:sched_swich 'did you mean sched:sched_switch'
	refused "a misspelt system" shed:sched_switch 'did you mean sched:sched_switch'
	refused "an unknown modifier" cpu-clock:q "'q' is not a modifier"
	refused "one good, one bad" cpu-clock,nosuch "no event 'nosuch'"
	refused "a PMU that is not there" no_such_pmu/event=1/ "no PMU 'no_such_pmu'"
	record -e cpu-clock -o "$P" -- "$T/known" 0.3
	nothing "-q: nothing at all where all is as asked" "$(cat "$T/record.log")"
	fails 1 "list: nothing of that name" "$PMUSCOPE" list zzzzzzzz
	says "list: what is near" 'near: .*cycles' "$PMUSCOPE" list cycels
	says "list: a tracepoint" 'sched:sched_switch' "$PMUSCOPE" list sched_switch
	"$PMUSCOPE" doctor >"$T/doctor" 2>&1 || :
	if grep -q 'cycles: ENOENT' "$T/doctor"; then
		refused "a counter without a PMU" cache-misses \
			'no hardware counters here.*ENOENT.*stands in:.*cpu-clock.*doctor'
		check "cycles falls back" record -e cycles -o "$P" -- "$T/known" 0.5
		says "cycles falls back: the profile says so" 'cpu-clock instead of cycles' \
			pprof get "$P" fallback
		says "cycles falls back: so does its type" '^cpu-clock ' pprof sums "$P"
		says "cycles falls back: so do we, -q or not" 'cpu-clock instead of cycles' \
			cat "$T/record.log"
		nothing "-q: nothing but what must not be missed" \
			"$(grep -vE '^note: |^      ' "$T/record.log" || :)"
	else
		check "cycles are cycles" record -e cycles -o "$P" -- "$T/known" 0.5
		says "cycles are the type" '^cycles ' pprof sums "$P"
	fi
}

check_several
check_exact
check_modifiers
check_rates
check_refused
plan
