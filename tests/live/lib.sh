# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the live tests share: `. "$(dirname "$0")/lib.sh"`. $T is a folder of the test's own, readable
# by everyone, removed at the end with every background process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tap.sh
. tests/tap.sh

BUILD=${BUILD:-build}
PMUSCOPE=$(realpath "$BUILD")/pmuscope
T=$(mktemp -d "${TMPDIR:-/tmp}/pmuscope-test.XXXXXX")
chmod 755 "$T"
loads=() at_end=()
# shellcheck disable=SC2034 # who `as_user` becomes
nobody=65534

finish() {
	local pid command
	for pid in "${loads[@]}"; do stop_load "$pid"; done
	for command in "${at_end[@]}"; do eval "$command" 2>/dev/null || :; done
	rm -rf "$T"
}
trap finish EXIT
trap 'exit 130' INT TERM

# --- processes --------------------------------------------------------------------------------

background() { # COMMAND…: starts it in a process group of its own; its pid in $load
	set -m
	"$@" </dev/null >>"$T/background.log" 2>&1 &
	load=$!
	set +m
	loads+=("$load")
}

stop_load() { # PID of background: ends its whole group
	kill -- "-$1" 2>/dev/null || return 0
	local tries=30
	while kill -0 -- "-$1" 2>/dev/null && [ $((tries--)) -gt 0 ]; do sleep 0.1; done
	kill -KILL -- "-$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

finally() { # COMMAND: run at the end of the test, however it ends; the last one first
	at_end=("$1" "${at_end[@]}")
}

wait_for() { # SECONDS COMMAND…: until it succeeds; fails when it never does
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

as_user() { # COMMAND…: as nobody, without groups and capabilities
	HOME=$T setpriv --reuid=$nobody --regid=$nobody --clear-groups -- "$@"
}

# A copy of the three programs that other users can reach, wherever this repository lies.
public_copy() { # sets $PUBLIC, the copy's pmuscope
	PUBLIC=$T/bin/pmuscope
	[ -e "$PUBLIC" ] && return
	mkdir -p "$T/bin"
	cp "$BUILD"/pmuscope "$BUILD"/pmuscope-* "$T/bin/"
	chmod 755 "$T/bin" "$T"/bin/*
}

# --- what is here -----------------------------------------------------------------------------

have() { # COMMAND…
	local command
	for command in "$@"; do command -v "$command" >/dev/null || return 1; done
}

need() { # COMMAND…: true when all are here; else the whole test is skipped and ends
	local command
	for command in "$@"; do
		if ! have "$command"; then skip "$(basename "$0" .sh)" "no $command here" && plan && exit 0; fi
	done
}

need_root() { # for what only root can do
	if [ "$(id -u)" -ne 0 ]; then skip "$(basename "$0" .sh)" "not root" && plan && exit 0; fi
}

# Tests that count samples of a program: it gets its CPU time, whatever else runs here.
go_first() {
	renice -n -15 $$ >/dev/null 2>&1 || :
}

# --- programs with a known answer ---------------------------------------------------------------

compile() { # NAME SOURCE FLAG…: tests/live/programs/SOURCE as $T/NAME
	local name=$1 source=tests/live/programs/$2
	shift 2
	gcc -O2 -g -o "$T/$name" "$source" "$@"
}

# --- profiles ---------------------------------------------------------------------------------

record() { # ARG…: pmuscope record, quiet; what it says is in $T/record.log, and shown when it fails
	local status=0
	"$PMUSCOPE" record -q "$@" >"$T/record.out" 2>"$T/record.log" </dev/null || status=$?
	[ $status -eq 0 ] || cat "$T/record.log" >&2
	return $status
}

pprof() { # COMMAND FILE ARG…, see tests/live/pprof.py
	/usr/bin/python3 tests/live/pprof.py "$@"
}

go_pprof() { # ARG…: google/pprof, as it comes with Go; it asks nobody
	GOTOOLCHAIN=local GOFLAGS=-mod=mod GOPROXY=off GOCACHE=${GOCACHE:-$HOME/.cache/go-build} \
		PPROF_TMPDIR=$T go tool pprof -symbolize=none "$@" 2>&1
}

folded_broken() { # FILE: lines that are not "frame;frame COUNT"
	grep -anvE '^[^;[:space:]]([^;]*)(;[^;]+)* [1-9][0-9]*$' "$1" | head -5
}

weight() { # FILE REGEX: samples whose line of `pprof stacks` (labels, tab, frames) matches
	pprof stacks "$1" |
		awk -F'\t' -v re="$2" '$2 "\t" $3 ~ re { n += $1 } END { print n + 0 }'
}

sampled() { # NAME FILE REGEX [LEAST]: at least so many samples (5) have such a line
	local n
	n=$(weight "$2" "$3")
	if [ "$n" -ge "${4:-5}" ]; then ok "$1"; else
		not_ok "$1" "$n samples match $3"$'\n'"$(pprof stacks "$2" | cut -c1-300 | head -30)"
	fi
}

never_sampled() { # NAME FILE REGEX
	nothing "$1" "$(pprof stacks "$2" | cut -c1-300 | grep -aE -- "$3" | head -5 || :)"
}

between() { # NAME VALUE LEAST MOST
	if [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then ok "$1"; else
		not_ok "$1" "$2 is not between $3 and $4"
	fi
}
