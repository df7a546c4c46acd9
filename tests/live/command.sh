#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A command that is recorded: what is sampled of it, what it is started with, how it ends.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc script setpriv

compile known known.c
P=$T/p.pb.gz

status_is() { # STATUS ARG…: record with them ends so
	fails "$1" "exit status $1: ${*:2}" "$PMUSCOPE" record -q -o "$P" "${@:2}"
}

check_samples() {
	local all
	fails 7 "the command's status is passed on" "$PMUSCOPE" record -F 499 -o "$P" -- "$T/known" 2 7
	all=$(weight "$P" .)
	between "a busy command fills its seconds with samples" "$all" 150 1100
	between "three quarters of it are in one function" \
		$((100 * $(weight "$P" 'three_quarters(;rounds)?$') / all)) 65 85
	between "one quarter is in another" \
		$((100 * $(weight "$P" 'one_quarter(;rounds)?$') / all)) 15 35
	record -e page-faults -o "$P" -- "$T/known" 0
	sampled "the command's start is sampled" "$P" 'comm=known ' 1
	never_sampled "nothing is sampled before exec" "$P" 'comm=pmuscope|command_child|told_to_go'
	check "its profile keeps the rules" pprof check "$P"
}

check_status() {
	status_is 137 -- "$T/known" 0 137
	status_is 143 -- sh -c 'kill -TERM $$'
	status_is 127 -- /nonexistent/command
	status_is 127 -- no-such-command-here
	status_is 126 -- "$T"
	status_is 126 -- /etc/passwd
	status_is 125 --no-such-option -- true
	status_is 125 -d 0 -- true
	status_is 125 --
	"$PMUSCOPE" record -o "$P" -- echo its own words >"$T/out" 2>/dev/null
	check "standard output is the command's own" diff "$T/out" <(echo its own words)
	"$PMUSCOPE" record -o "$P" -- sh -c 'wc -c >&2' <<<12345 2>"$T/err" >/dev/null
	says "standard input is the command's own" '^6$' cat "$T/err"
}

# --- what it is started with --------------------------------------------------------------------

# Everything that a program inherits, as it sees it itself.
cat >"$T/look" <<-'END'
	#!/bin/sh
	grep -E '^(Umask|Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Sig(Blk|Ign|Cgt)|Cpus_allowed)' /proc/self/status
	cat /proc/self/limits /proc/self/oom_score_adj /proc/self/timerslack_ns
	ls /proc/self/fd
	nice
	pwd
	env | grep -vE '^_=' | sort
	cut -d' ' -f6,7 /proc/self/stat
END
chmod 755 "$T/look"

look=("$T/look")
same_world() { # NAME COMMAND…: under it, a recorded program sees what an unrecorded one sees
	local name=$1
	shift
	"$@" "${look[@]}" >"$T/without" 2>&1 </dev/null || :
	"$@" "$PMUSCOPE" record -q -o "$P" -- "${look[@]}" >"$T/with" 2>"$T/err" </dev/null || :
	check "the same world: $name" diff "$T/without" "$T/with"
}

check_world() {
	same_world "as it is" env
	says "a shell's capabilities are kept" "CapEff:.*$(sed -n 's/^CapEff:\t//p' /proc/self/status)" \
		cat "$T/with"
	says "no_new_privs is not set" '^NoNewPrivs:.0$' cat "$T/with"
	same_world "limits" sh -c 'ulimit -S -n 300; ulimit -S -s 4096; ulimit -c 0; exec "$@"' sh
	says "the limits were another" '^Max open files +300 ' cat "$T/with"
	look=(grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status) # a shell would change them
	same_world "signals" env --block-signal=USR1 --ignore-signal=USR2,PIPE,QUIT
	says "the signals were another" '^SigBlk:.*200$' cat "$T/with"
	look=("$T/look")
	same_world "fewer capabilities" setpriv --bounding-set=-sys_time,-net_admin
	same_world "no_new_privs" setpriv --no-new-privs
	says "no_new_privs was another" '^NoNewPrivs:.1$' cat "$T/with"
	same_world "variables" env LIBPFM_VERBOSE=0 DEBUGINFOD_URLS=http://localhost:1 LC_ALL=C X=y
	same_world "nice value, mask" sh -c 'umask 027; exec nice -n 5 "$@"' sh
}

# --- Ctrl-C -------------------------------------------------------------------------------------

interrupted() { # ARG…: record with them, SIGINT after a second; its status
	local status=0
	rm -f "$P"
	background "$PMUSCOPE" record -F 999 -o "$P" "$@"
	sleep 1.2
	kill -INT "$load"
	wait "$load" || status=$?
	return $status
}

check_interrupt() {
	local marks=$T/marks
	background "$T/known" 20
	fails 0 "Ctrl-C without a command: status 0" interrupted -p "$load"
	sampled "Ctrl-C: the profile is written" "$P" three_quarters 20
	fails 130 "Ctrl-C with a command: its status" interrupted -- "$T/known" 20
	sampled "Ctrl-C with a command: the profile is written" "$P" three_quarters 20
	fails 0 "SIGTERM, too, ends the recording" timeout --preserve-status 1 \
		"$PMUSCOPE" record -q -o "$P" -a
	echo 'trap "echo caught >>'"$marks"'; exit 9" INT; while :; do sleep 0.1; done' >"$T/trap.sh"
	fails 9 "a command that handles Ctrl-C ends as it likes" interrupted -- bash "$T/trap.sh"
	says "the command was told once" '^1$' grep -c caught "$marks"
	kill "$load" 2>/dev/null || :
	fails 0 "-d ends the recording, not the command" \
		"$PMUSCOPE" record -q -d 0.3 -o "$P" -- sh -c 'sleep 1; touch '"$T/lived"
	check "it lived to its end" test -e "$T/lived"
}

check_samples
check_status
check_world
check_interrupt
plan
