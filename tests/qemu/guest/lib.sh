# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests inside a guest share. Recordings end as folded stacks: a guest has no Python.
# shellcheck source=tests/live/lib.sh
. tests/live/lib.sh
# shellcheck disable=SC2034 # where lib.sh's functions and the tests write to
P=$T/p.folded

# --- recordings -----------------------------------------------------------------------------------

take() { # ARG…: pmuscope record, what it says in $T/log
	"$PMUSCOPE" record -o "$P" "$@" >"$T/out" 2>"$T/log" </dev/null
}

take_without_reading() { # ARG…: as take, but for a second and a half nobody reads
	"$PMUSCOPE" record -o "$P" "$@" >"$T/out" 2>"$T/log" </dev/null &
	local pid=$!
	sleep 1
	kill -STOP $pid
	sleep 1.5
	kill -CONT $pid
	wait $pid || :
}

sum() { # [REGEX [AMONG]]: the weight of the stacks that match both, in the last recording
	RE=${1:-.} AMONG=${2:-.} awk '$0 ~ ENVIRON["RE"] && $0 ~ ENVIRON["AMONG"] { n += $NF }
		END { printf "%.0f\n", n }' "$P"
}

# The closing summary's figures.
samples() {
	sed -nE 's/.* ([0-9,]+) samples, .*/\1/p' "$T/log" | tr -d ,
}

lost() {
	sed -nE 's/.*quality . +lost ([0-9,]+),.*/\1/p' "$T/log" | tr -d ,
}

complete() { # in hundredths of a percent
	sed -nE 's/.*stacks complete ([0-9]+)\.([0-9]+) %.*/\1\2/p' "$T/log"
}

running() { # percent
	sed -nE 's/.*counters on ([0-9]+) % of the time.*/\1/p' "$T/log"
}

log_has() { # NAME REGEX: so it was said (on one line or several)
	says "$1" "$2" tr '\n' ' ' <"$T/log"
}

least() { # NAME VALUE LEAST
	if [ "${2:-0}" -ge "$3" ]; then ok "$1"; else
		not_ok "$1" "${2:-nothing} is less than $3"$'\n'"$(cat "$T/log")"
	fi
}

stacks_show() { # the heaviest ones
	awk '{ print $NF, $0 }' "$P" | sort -rn | cut -d' ' -f2- | cut -c1-300 | head -12
}

# NAME REGEX PERCENT [AMONG]: of the weight of the stacks that match AMONG, so much matches REGEX.
share() {
	local all part
	all=$(sum "${4:-.}")
	part=$(sum "$2" "${4:-.}")
	if [ "$all" -gt 0 ] && [ $((part * 100 / all)) -ge "$3" ]; then ok "$1"; else
		not_ok "$1" "$part of $all"$'\n'"$(stacks_show)"
	fi
}

# --- programs -------------------------------------------------------------------------------------

load() { # PROGRAM ARG…: runs in the background when this returns; its pid is $load
	background "$@"
	sleep 0.5 # past its dynamic linker
}

# A program's stacks: enough samples, complete ones, and the known chain. Under emulation, on a host
# that has other things to do, the first recording may come to nothing (files set aside since their
# reader got no CPU, which is said): there are three of them.
known_stacks() { # NAME REGEX PERCENT PROGRAM ARG…
	local name=$1 regex=$2 percent=$3 try
	shift 3
	load "$@"
	for try in 1 2 3; do
		if ! take -e cycles -F 997 -d 0.6 -p "$load"; then break; fi
		if ! grep -q 'set aside\|table late' "$T/log"; then break; fi
	done
	stop_load "$load"
	least "$name: sampled" "$(samples)" 50
	least "$name: 99 % of the stacks are complete" "$(complete)" 9900
	share "$name: the known chain" "$regex" "$percent"
	echo "# $name: $(samples) samples, $(complete) of 10000 complete (recording $try)"
}

# --- the oracle -----------------------------------------------------------------------------------

figure() { # NAME
	sed -n "s/^$1: //p" "$T/oracle"
}

agrees() { # at most one frame in a thousand differs, one stack in a hundred is incomplete
	[ "$(figure samples)" -ge 100 ] &&
		[ $((1000 * ($(figure frames) - $(figure equal)))) -le "$(figure frames)" ] &&
		[ $((100 * $(figure complete))) -ge $((99 * $(figure samples))) ] &&
		[ $((100 * $(figure shorter))) -le "$(figure samples)" ]
}

as_libdwfl() { # NAME PROGRAM ARG…
	local name=$1
	shift
	load "$@"
	build/oracle-unwind "$load" 200 1 >"$T/oracle" 2>"$T/differences" || :
	stop_load "$load"
	check "$name: frame by frame as libdwfl" agrees
	echo "# $name: $(paste -sd, "$T/oracle" | sed 's/,/, /g')"
	sed 's/^/# /' "$T/differences" | head -30
}
