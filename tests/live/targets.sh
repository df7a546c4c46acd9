#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is recorded: processes, a thread, the machine, CPUs.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc

compile known known.c
compile family family.c -pthread
P=$T/p.pb.gz

# --- running processes --------------------------------------------------------------------------

check_processes() {
	local a b tid
	background "$T/known" 300
	a=$load
	"$T/family" 300 >"$T/tid" 2>/dev/null </dev/null &
	b=$! && loads+=("$b")
	finally "kill $b"
	background "$T/known" 300
	wait_for 5 test -s "$T/tid"
	tid=$(cat "$T/tid")
	record -F 999 -p "$a,$b" -d 2 -o "$P"
	sampled "-p: the first process" "$P" "pid=$a .*three_quarters" 20
	sampled "-p: a thread of the second" "$P" "pid=$b tid=$tid .*in_thread" 20
	sampled "-p: threads started later" "$P" "pid=$b .*in_late_thread" 5
	sampled "-p: children forked later, without exec" "$P" 'in_child' 5
	never_sampled "-p: nobody else" "$P" "pid=$load "
	never_sampled "-p: a child has its own pid" "$P" "pid=$b .*in_child"
	record -t "$tid" -F 999 -d 1 -o "$P"
	sampled "-t: that thread" "$P" "tid=$tid .*in_thread" 10
	nothing "-t: only that thread" "$(pprof stacks "$P" | grep -v "tid=$tid" | head -3)"
	record "$a" -F 999 -d 1 -o "$P"
	sampled "a bare number is a process" "$P" "pid=$a .*three_quarters" 10
	nothing "a bare number: only that process" "$(pprof stacks "$P" | grep -v "pid=$a " | head -3)"
	record -a -C 0 -F 999 -d 1 -o "$P"
	sampled "-C 0: samples of CPU 0" "$P" 'cpu=0 ' 20
	never_sampled "-C 0: none of another" "$P" 'cpu=[1-9]'
	record -F 999 -d 1 -o "$P"
	sampled "no target: the whole machine, first process" "$P" "pid=$a " 10
	sampled "no target: the whole machine, another" "$P" "pid=$b " 10
	fails 3 "-a with a command lasts as long as it, and has its status" \
		"$PMUSCOPE" record -q -a -F 999 -o "$P" -- sh -c 'sleep 1; exit 3'
	between "-a with a command: its time" "$(pprof get "$P" samples)" 200 100000
	sampled "-a with a command: still the whole machine" "$P" "pid=$a " 10
	record -p "$a" -F 999 -o "$P" -- sleep 1
	nothing "-p with a command: only that process" \
		"$(pprof stacks "$P" | grep -v "pid=$a " | head -3)"
	for pid in "$a" "$load"; do stop_load "$pid"; done
	kill "$b"
}

check_ended() {
	local gone
	background "$T/known" 1
	says "a target that ends is no error" 'target ended after [01]\.[0-9] s' \
		"$PMUSCOPE" record -p "$load" -o "$P"
	sampled "its profile is written" "$P" three_quarters 5
	sleep 0 & gone=$!
	wait $gone
	fails 125 "a process that is not there" "$PMUSCOPE" record -p $gone -o "$P"
	says "which one is said" "there is no process $gone" "$PMUSCOPE" record -p $gone -o "$P"
	says "a thread that is not there is said" "there is no thread $gone" \
		"$PMUSCOPE" record -t $gone -o "$P"
	fails 125 "a name instead of a number" "$PMUSCOPE" record -p known -o "$P"
	says "a name: how to get its number" 'pgrep -d, NAME' "$PMUSCOPE" record -p known -o "$P"
	fails 125 "two kinds of target" "$PMUSCOPE" record -a -p 1 -o "$P"
	fails 125 "a CPU that is not there" "$PMUSCOPE" record -C 999 -d 1 -o "$P"
	says "the CPUs that are there are named" '999.*0(-[0-9]+)?' \
		"$PMUSCOPE" record -C 999 -d 1 -o "$P"
}

check_processes
check_ended
plan
