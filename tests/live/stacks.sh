#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 1500
# Do stacks reach their root? Each workload is recorded until 2,000 user stacks of it are there; at
# least 99 % must end at a known root, at most 1 % may be cut by the copy. Arguments pick workloads.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/live/workloads.sh
. tests/live/workloads.sh
need_root

enough=2000

judge() { # OPTION…: the figures of the last recording
	pprof roots "$T/stacks.pb.gz" "${look_at[@]}" --verbose "$@"
}

record_enough() { # longer and longer, until there are enough samples
	local seconds
	for seconds in 4 10 30; do
		record -F 997 "${target[@]}" -d $seconds -o "$T/stacks.pb.gz" || return 1
		if judge --min $enough --least 0 --cut 1 >/dev/null; then return; fi
	done
}

try() { # WORKLOAD
	local first=${#loads[@]}
	target=() look_at=()
	if ! "start_$1"; then
		not_ok "$1: starts" "$(tail -5 "$T/background.log")"
	elif ! record_enough; then
		not_ok "$1: is recorded" "$(cat "$T/record.log")"
	else
		check "$1: stacks reach their root" judge --min $enough --cut 1
		check "$1: stacks are not cut" judge --least 0
		echo "# $1: $(judge | head -1)"
	fi
	for pid in "${loads[@]:$first}"; do stop_load "$pid"; done
	loads=("${loads[@]:0:$first}")
	: >"$T/background.log"
}

[ $# -gt 0 ] || set -- "${WORKLOADS[@]}"
for workload in "$@"; do
	# shellcheck disable=SC2046 # words
	if have $(workload_needs "$workload"); then
		try "$workload"
	else
		skip "$workload: stacks reach their root" "not all of $(workload_needs "$workload") here"
	fi
done
plan
