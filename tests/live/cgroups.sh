#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Control groups as targets: version 2, and the perf_event hierarchy of version 1.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc

compile known known.c
P=$T/p.pb.gz

one_group() { # VERSION MOUNT: a new group there, with one busy process
	local group=pmuscope-test-$$ inside
	mkdir "$2/$group"
	finally "rmdir '$2/$group' 2>/dev/null"
	background "$T/known" 200
	inside=$load
	echo "$inside" >"$2/$group/cgroup.procs"
	background "$T/known" 200
	check "cgroup $1: is recorded by name" record -G "$group" -F 999 -d 1 -o "$P"
	sampled "cgroup $1: the process within" "$P" "pid=$inside .*three_quarters" 20
	never_sampled "cgroup $1: nobody outside" "$P" "pid=$load "
	check "cgroup $1: is recorded by path" record -G "$2/$group" -F 999 -d 1 -o "$P"
	sampled "cgroup $1: by path, the process within" "$P" "pid=$inside " 10
	stop_load "$load"
	stop_load "$inside"
	wait_for 5 rmdir "$2/$group"
}

# perf_event goes back to the unified hierarchy when the other one has no groups any more.
leave_v1() { # MOUNT
	local tries=20
	umount "$1"
	until grep -q '^perf_event[[:space:]]0' /proc/cgroups || [ $((tries--)) -eq 0 ]; do
		mount -t cgroup -o perf_event cgroup "$1" && sleep 0.3 && umount "$1"
		sleep 0.2
	done
}

# perf_event belongs to one hierarchy at a time: who has mounted version 1's keeps it there.
check_v2() {
	local v2
	if ! grep -q '^perf_event[[:space:]]0' /proc/cgroups; then
		skip "cgroup v2" "perf_event belongs to a hierarchy of version 1 here" && return
	fi
	v2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	if [ -z "$v2" ]; then
		mkdir "$T/v2" && mount -t cgroup2 cgroup2 "$T/v2" && finally "umount $T/v2"
		v2=$T/v2
	fi
	one_group v2 "$v2"
}

check_v1() {
	local there
	there=$(awk '$3 == "cgroup" && $4 ~ /perf_event/ { print $2; exit }' /proc/mounts)
	if [ -n "$there" ]; then one_group v1 "$there" && return; fi
	mkdir "$T/v1"
	if mount -t cgroup -o perf_event cgroup "$T/v1" 2>/dev/null; then
		one_group v1 "$T/v1"
		leave_v1 "$T/v1"
	else
		skip "cgroup v1" "no perf_event hierarchy of version 1 in this kernel"
	fi
}

check_v2
fails 125 "a cgroup that is not there" "$PMUSCOPE" record -G no-such-group -d 1 -o "$P"
check_v1
plan
