#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same samples of real programs unwound by pmuscope and by libdwfl: every frame that both have
# must be the same. What differs is printed. `tests/live/oracle.sh NAME…` picks some.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
need xz openssl g++ /usr/bin/python3

SAMPLES=${ORACLE_SAMPLES:-400}
oracle=$BUILD/oracle-unwind

figure() { # NAME
	sed -n "s/^$1: //p" "$T/oracle"
}

# At most one frame in a thousand may differ: samples inside a `ret` that nothing describes.
agrees() {
	[ "$(figure samples)" -ge $((SAMPLES / 2)) ] &&
		[ $((1000 * ($(figure frames) - $(figure equal)))) -le "$(figure frames)" ] &&
		[ $((100 * $(figure complete))) -ge $((99 * $(figure samples))) ] &&
		[ $((100 * $(figure shorter))) -le "$(figure samples)" ]
}

compare() { # NAME PROCESS COMMAND…
	local name=$1 process=$2 pid
	if [ -n "$only" ] && [[ " $only " != *" $name "* ]]; then return; fi
	shift 2
	background "$@"
	wait_for 5 pgrep -g "$load" -x "$process" || :
	sleep 1
	pid=$(pgrep -g "$load" -nx "$process" || echo "$load")
	"$oracle" "$pid" "$SAMPLES" 3 >"$T/oracle" 2>"$T/differences" || :
	check "$name: frame by frame as libdwfl" agrees
	echo "# $name: $(paste -sd, "$T/oracle" | sed 's/,/, /g')"
	sed 's/^/# /' "$T/differences" | head -30
	stop_load "$load"
}

only=$*
g++ -O2 -g -o "$T/busy-cxx" tests/live/programs/busy.cc -lpthread
compare xz xz sh -c 'while :; do xz -6 -c /usr/bin/python3 >/dev/null; done'
compare openssl-rsa openssl openssl speed -seconds 30 rsa2048
compare openssl-aes openssl openssl speed -seconds 30 -evp aes-256-cbc
compare python3 python3 /usr/bin/python3 tests/live/programs/busy.py
compare c++ busy-cxx "$T/busy-cxx"
plan
