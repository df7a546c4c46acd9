#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What our processes may still do while they record, seen from outside; and what becomes of a
# recording whose helper is killed.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc setpriv

compile known known.c
mkdir "$T/out"
chown $nobody:$nobody "$T/out"
P=$T/p.pb.gz

field() { # PID NAME: of its status
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

helper() { # NAME: the pid of that helper of $recorder
	local pid
	for pid in $(pgrep -P "$recorder"); do
		[ "$(field "$pid" Name)" != "$1" ] || echo "$pid"
	done
}

start_recording() { # [VARIABLE=VALUE…] ARG…: in the background; $recorder, once it samples
	background env "$@"
	recorder=$load
	wait_for 5 helper_is_there
	sleep 0.4
}

helper_is_there() {
	[ -n "$(helper pmuscope-symb)" ]
}

has_not() { # NAME PID WHAT…: all these of its capability sets are empty
	local name=$1 pid=$2 set
	shift 2
	for set in "$@"; do
		nothing "$name: no $set" "$(field "$pid" "$set" | sed '/^0*$/d')"
	done
}

# The descriptors of a process as their targets, the terminal's or log's three left out.
descriptors() { # PID
	find "/proc/$1/fd" -type l ! -name 0 ! -name 1 ! -name 2 -printf '%l\n'
}

# --- while recording ----------------------------------------------------------------------------

check_collector() {
	has_not collector "$recorder" CapEff CapPrm CapInh CapAmb CapBnd
	says "collector: not uid 0, not even saved" "^$1.$1.$1.$1$" field "$recorder" Uid
	says "collector: not group 0" "^$1.$1.$1.$1$" field "$recorder" Gid
	nothing "collector: no further groups" "$(field "$recorder" Groups | tr -d ' ')"
	says "collector: no_new_privs" '^1$' field "$recorder" NoNewPrivs
	check "collector: reads nothing of root's" bash -c \
		"! setpriv --reuid=$1 --regid=$1 --clear-groups cat /etc/shadow"
}

check_symbolizer() { # after the collector; its files are ones that were handed over for reading
	local pid flags=
	pid=$(helper pmuscope-symb)
	has_not symbolizer "$pid" CapEff CapPrm CapInh CapAmb CapBnd
	says "symbolizer: seccomp filter" '^2$' field "$pid" Seccomp
	says "symbolizer: no_new_privs" '^1$' field "$pid" NoNewPrivs
	says "symbolizer: not uid 0" "^$1.$1.$1.$1$" field "$pid" Uid
	between "symbolizer: one socket, to the collector" \
		"$(descriptors "$pid" | grep -c '^socket:')" 1 1
	nothing "symbolizer: no perf event, no output" \
		"$(descriptors "$pid" | grep -E 'perf_event|p\.pb\.gz' || :)"
	while read -r fd; do
		[ "$fd" -le 2 ] || ! grep -q '^flags:.*[1-3]$' "/proc/$pid/fdinfo/$fd" ||
			flags+="$(readlink "/proc/$pid/fd/$fd"); "
	done < <(find "/proc/$pid/fd" -type l -lname '/*' ! -lname '/dev/null' \
		! -lname '/memfd:vdso*' -printf '%f\n')
	nothing "symbolizer: files only to read" "$flags"
}

check_others() {
	local pid named
	pid=$(helper pmuscope-open)
	# CAP_DAC_READ_SEARCH, SYS_PTRACE, CHECKPOINT_RESTORE, and SETUID, SETGID, KILL… at most: what
	# opening another user's file as that user needs. None that writes, mounts or loads.
	named=$((0x$(field "$pid" CapPrm) & ~((1 << 2) | (1 << 6) | (1 << 7) | (1 << 19) | (1 << 34) | (1 << 40))))
	between "opener: only the capabilities that its job needs" $named 0 0
	says "opener: no_new_privs" '^1$' field "$pid" NoNewPrivs
	for pid in "$pid" $(pgrep -P "$pid"); do
		says "opener and its worker: seccomp filter" '^2$' field "$pid" Seccomp
	done
	pid=$(helper pmuscope-files)
	has_not "renamer" "$pid" CapEff CapBnd
	says "renamer: seccomp filter" '^2$' field "$pid" Seccomp
	nothing "every process of ours has no_new_privs" "$(for pid in "$recorder" $(pgrep -P "$recorder"); do
		[ "$(field "$pid" NoNewPrivs)" = 1 ] || field "$pid" Name; done)"
}

# It lives only while it writes: into a FIFO of one page, it waits to be looked at.
check_exporter() {
	local pid
	mkfifo "$T/page.html"
	background /usr/bin/python3 -c "import fcntl, os, time
fd = os.open('$T/page.html', os.O_RDWR); fcntl.fcntl(fd, 1031, 4096)
open('$T/reader', 'w'); time.sleep(30)"
	wait_for 5 test -e "$T/reader"
	background "$PMUSCOPE" record -q -a -d 0.5 -o "$T/page.html"
	recorder=$load
	exporter_is_there() { [ -n "$(helper pmuscope-expo)" ]; }
	wait_for 5 exporter_is_there
	sleep 0.3
	pid=$(helper pmuscope-expo)
	has_not exporter "$pid" CapEff CapPrm CapInh CapAmb CapBnd
	nothing "exporter: not uid 0" "$(field "$pid" Uid | grep -w 0 || :)"
	says "exporter: no_new_privs" '^1$' field "$pid" NoNewPrivs
	nothing "exporter: no perf event, no file of a target" \
		"$(descriptors "$pid" | grep -E 'perf_event|\.so|/known' || :)"
	stop_load "$recorder"
}

# --- owners of the files ------------------------------------------------------------------------

check_owners() {
	check "root's own recording" record -o "$P" -- true
	says "root's files are root's" '^0:0$' stat -c %u:%g "$P"
	check "a recording under sudo" env SUDO_UID=$nobody SUDO_GID=$nobody "$PMUSCOPE" record -q \
		-o "$T/out/p.pb.gz" -o "$T/out/p.html" -- true
	says "sudo: the files are the caller's" "^$nobody:$nobody $nobody:$nobody $" \
		stat --printf='%u:%g ' "$T/out/p.pb.gz" "$T/out/p.html"
	nothing "sudo: all in that folder are the caller's" "$(find "$T/out" ! -uid $nobody)"
}

# --- a helper that is killed --------------------------------------------------------------------

# SIGNAL TIMES: to the symbolizer, while a busy process is recorded; its CPU time goes to $T/ticks.
kill_symbolizer() {
	local i status=0 pid known before
	rm -f "$P"
	background "$T/known" 20
	known=$load
	start_recording "$PMUSCOPE" record -F 499 -p "$known" -d 3 -o "$P"
	before=$(cut -d' ' -f14 "/proc/$known/stat")
	for ((i = 0; i < $2; i++)); do
		pid=$(helper pmuscope-symb)
		[ -z "$pid" ] || kill "-$1" "$pid"
		sleep 0.4
	done
	wait "$recorder" || status=$?
	echo $(($(cut -d' ' -f14 "/proc/$known/stat") - before)) >"$T/ticks"
	stop_load "$known"
	return $status
}

# Of its CPU time, in hundredths of a second, some passed after the recording.
all_there() { # NAME
	local ticks
	ticks=$(cat "$T/ticks")
	between "$1: the samples of all its time" "$(weight "$P" .)" \
		$(((ticks < 300 ? ticks : 300) * 499 / 100 / 2)) 1600
}

check_killed() {
	: >"$T/background.log"
	check "the symbolizer is killed: the recording ends well" kill_symbolizer KILL 1
	between "killed: no sample is lost" "$(pprof get "$P" lost)" 0 0
	all_there killed
	sampled "killed: the names are there" "$P" '_start.*;main;three_quarters' $(($(weight "$P" .) / 2))
	never_sampled "killed: no frame without a name" "$P" 'known\+0x'
	says "killed: the summary says so" 'symbolizer was started again 1 time' \
		cat "$T/background.log"
	check "killed again and again: the recording ends well" kill_symbolizer KILL 4
	between "killed often: no sample is lost" "$(pprof get "$P" lost)" 0 0
	all_there "killed often"
	check "killed often: the profile keeps the rules" pprof check "$P"
	: >"$T/background.log"
	check "the symbolizer hangs: the recording ends well" kill_symbolizer STOP 1
	# It is waited for a little longer than the rings last at this rate: what is lost is counted.
	between "hung: the wait is short" "$(pprof get "$P" lost)" 0 500
	sampled "hung: the names are there" "$P" '_start.*;main;three_quarters' $(($(weight "$P" .) / 2))
	says "hung: the summary says so" 'symbolizer was started again 1 time' cat "$T/background.log"
}

# Whatever is asked of it, it dies: after so many starts it is left alone, and that is said.
check_given_up() {
	local killer status=0
	: >"$T/background.log"
	rm -f "$P"
	start_recording "$PMUSCOPE" record -F 499 -a -d 3 -o "$P"
	background /usr/bin/python3 -c "import os, time
while True:
    time.sleep(0.001)
    try:
        for pid in open('/proc/$recorder/task/$recorder/children').read().split():
            if open(f'/proc/{pid}/comm').read().startswith('pmuscope-symb'):
                os.kill(int(pid), 9)
    except OSError:
        pass"
	killer=$load
	wait "$recorder" || status=$?
	stop_load "$killer"
	between "killed without end: the recording ends well" $status 0 0
	says "given up: the summary says so" 'symbolizer was started again [0-9]+ times.* then given up' \
		cat "$T/background.log"
	says "given up: the profile says so" '^started again .* then given up$' pprof get "$P" symbolizer
	check "given up: the profile keeps the rules" pprof check "$P"
	between "given up: the samples are there" "$(pprof get "$P" samples)" 50 100000
}

start_recording "$PMUSCOPE" record -q -a -d 30 -o "$P"
check_collector $nobody
check_symbolizer $nobody
check_others
stop_load "$recorder"
start_recording SUDO_UID=1234 SUDO_GID=1234 "$PMUSCOPE" record -q -a -d 30 -o "$P"
says "under sudo: the collector is the caller" "^1234.1234.1234.1234$" field "$recorder" Uid
has_not "under sudo: collector" "$recorder" CapEff CapPrm
stop_load "$recorder"
check_exporter
check_owners
check_killed
check_given_up
plan
