#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Without root: what a normal user can record, and what is said about the rest.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root # to become that user
go_first
need gcc setpriv unshare

paranoid=/proc/sys/kernel/perf_event_paranoid
before=$(cat $paranoid)
finally "echo $before >$paranoid"
echo 2 >$paranoid

public_copy
compile known known.c
gcc -O2 -o "$T/deny" tests/live/programs/deny_perf.c -lseccomp
mkdir "$T/mine"
chown $nobody:$nobody "$T/mine"
P=$T/mine/p.pb.gz

said() { # ARG…: what the user is told, whatever the status
	mine "$@" 2>&1 || :
}

mine() { # ARG…: the user records
	as_user "$PUBLIC" record -o "$P" "$@"
}

refused() { # NAME PATTERN ARG…: status 125, those words, and the command not started
	local name=$1 pattern=$2
	shift 2
	rm -f "$T/mine/marker"
	fails 125 "$name is refused" mine "$@"
	says "$name: cause and what to type" "$pattern" echo "$(said "$@" | tr '\n' ' ')"
	check "$name: nothing was started" test ! -e "$T/mine/marker"
}

# --- what works ---------------------------------------------------------------------------------

check_own() {
	local pid
	fails 5 "a user's own command" mine -F 999 -- "$T/known" 1 5
	sampled "own command: its functions" "$P" '_start.*;main;three_quarters' 100
	never_sampled "own command: no kernel frames" "$P" 'entry_SYSCALL|asm_sysvec|do_syscall'
	says "own command: the file is the user's" "^$nobody$" stat -c %u "$P"
	says "own command: the profile says user only" 'perf_event_paranoid' pprof get "$P" 'user only'
	check "own command: the profile keeps the rules" pprof check "$P"
	says "what was left out is said" '[Kk]ernel part.*left out.*perf_event_paranoid' \
		mine -- "$T/known" 0.1
	nothing "asked for, nothing is left out" \
		"$(said -e cpu-clock:u -- "$T/known" 0.1 | grep -i 'left out' || :)"
	background setpriv --reuid=$nobody --regid=$nobody --clear-groups "$T/known" 10
	pid=$load
	wait_for 5 grep -q "^Uid:.$nobody" "/proc/$pid/status"
	check "a user's own process" mine -p "$pid" -d 1 -F 999
	sampled "own process: its functions" "$P" "pid=$pid .*main;three_quarters" 50
	stop_load "$pid"
}

# --- what does not ------------------------------------------------------------------------------

check_refused() {
	refused "the whole machine" \
		'whole machine .*perf_event_paranoid.* it is 2.*sudo .*record.*sysctl kernel.perf_event_paranoid=0.*works now' \
		-a -- touch "$T/mine/marker"
	background "$T/known" 300
	refused "another user's process" \
		"process $load belongs to uid 0, we are uid $nobody .*sudo .*record" -p "$load" -d 1
	refused "a kernel event" 'in the kernel.*it is 2.*perf_event_paranoid=1' \
		-e cpu-clock:k -- touch "$T/mine/marker"
	refused "a tracepoint" 'sched:sched_switch.*(tracefs|paranoid).*sudo' \
		-e sched:sched_switch -- touch "$T/mine/marker"
	refused "a cgroup" 'cgroup|whole machine' -G / -d 1
}

# A line that a message says to type, as root types it: with sudo's effect, without sudo.
check_hints() {
	local line
	line=$(said -a -d 1 | sed -n 's/^ *sudo \(sysctl [^ ]*\) .*/\1/p')
	check "the sysctl that the message names" bash -c "$line"
	check "now the user records the whole machine" mine -a -d 1 -F 999
	sampled "and sees others' processes" "$P" "pid=$load " 20
	echo 2 >$paranoid
	line=$(said -a -d 1 | sed -n 's/^ *sudo \(setcap .*\)   (.*/\1/p')
	if have setcap; then
		check "the setcap that the message names" bash -c "$line"
		check "now the user records with file capabilities" mine -a -d 1 -F 999
		sampled "and sees names of others' processes" "$P" "pid=$load .*three_quarters" 20
		setcap -r "$PUBLIC"
	else
		skip "the setcap that the message names" "no setcap here"
	fi
	line=$(said -a -d 1 | sed -n 's/^ *works now: \(.*\) -- COMMAND$/\1/p')
	check "the form that works now" as_user bash -c "cd $T/mine && $line -- true"
	line=$(said -p "$load" -d 1 | sed -n 's/^ *sudo \(.*record\) .*/\1/p')
	check "sudo, as the message names it" env SUDO_UID=$nobody SUDO_GID=$nobody \
		bash -c "$line -q -F 999 -p $load -d 1 -o $P"
	sampled "and the profile has that process" "$P" "pid=$load .*three_quarters" 20
	stop_load "$load"
}

# --- where nothing may be opened ----------------------------------------------------------------

level3() { # COMMAND…: as the user, under a kernel at perf_event_paranoid 3
	echo 3 >"$T/three"
	unshare -m bash -c "mount --bind '$T/three' $paranoid && exec \"\$@\"" sh \
		setpriv --reuid=$nobody --regid=$nobody --clear-groups "$T/deny" kernel "$@"
}

check_nothing() {
	local words
	fails 125 "level 3: refused" level3 "$PUBLIC" record -o "$P" -- touch "$T/mine/marker"
	check "level 3: nothing was started" test ! -e "$T/mine/marker"
	words=$(level3 "$PUBLIC" record -o "$P" -- true 2>&1 | tr '\n' ' ' || :)
	says "level 3: the cause" 'perf_event_paranoid is 3: users may open no perf event' echo "$words"
	says "level 3: the line that helps" 'sudo sysctl kernel.perf_event_paranoid=2' echo "$words"
	fails 1 "level 3: doctor has bad news" level3 "$PUBLIC" doctor
	says "level 3: doctor says the same" 'perf_event_paranoid (is )?3' level3 "$PUBLIC" doctor
	fails 125 "a filter: refused" as_user "$T/deny" filter "$PUBLIC" record -o "$P" -- true
	says "a filter: the cause" 'seccomp filter answers perf_event_open with EPERM' \
		"$T/deny" filter "$PUBLIC" record -o "$P" -- true
	nothing "a filter: the sysctl is not blamed" "$("$T/deny" filter "$PUBLIC" record \
		-o "$P" -- true 2>&1 | grep paranoid || :)"
}

check_own
check_refused
check_hints
check_nothing
plan
