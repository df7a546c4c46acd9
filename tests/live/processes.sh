#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What processes do while they are recorded: fork, exec, load, unload, end, be replaced or deleted
# on disk, live in other namespaces.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc unshare

compile known known.c
compile renamed known.c -DTHREE=new_three -DONE=new_one
compile family family.c -pthread
compile loader loader.c -ldl
compile plugin.so loader.c -DPLUGIN -shared -fPIC
P=$T/p.pb.gz

check_exec() {
	record -F 999 -o "$P" -- sh -c "'$T/known' 0.5; exec '$T/renamed' 1"
	sampled "a child that executes another program" "$P" 'comm=known .*main;three_quarters' 20
	sampled "exec: the new program's functions" "$P" 'comm=renamed .*main;new_three' 20
	background sh -c "sleep 0.5; exec '$T/renamed' 3"
	record -F 999 -p "$load" -d 1.5 -o "$P"
	sampled "-p: exec in the middle" "$P" "comm=renamed .*pid=$load .*main;new_three" 20
	background bash -c "while :; do '$T/known' 0; done"
	record -F 999 -a -d 1 -o "$P"
	sampled "processes of a few milliseconds" "$P" 'comm=known ' 20
	check "the profile of many processes keeps the rules" pprof check "$P"
	stop_load "$load"
}

check_load() {
	record -F 999 -o "$P" -- "$T/loader" "$T/plugin.so" 1
	sampled "before dlopen" "$P" 'main;spin' 10
	sampled "a library loaded in the middle" "$P" 'main;plugin_work;plugin_deep' 20
	sampled "fork without exec" <(record -F 999 -o "$P" -- "$T/family" 1; cat "$P") \
		'_start.*;main;in_child' 5
}

# --- one process id, several processes ----------------------------------------------------------

check_reuse() {
	local pid
	gcc -O2 -o "$T/reuse" tests/live/programs/reuse.c
	record -F 999 -a -o "$P" -- sh -c \
		"'$T/reuse' 3 '$T/known' 0.2 '$T/renamed' 0.2 >'$T/reused' 2>'$T/reuse.err'"
	pid=$(head -1 "$T/reused")
	nothing "a process id used again and again: it is one" "$(cat "$T/reuse.err")"
	sampled "pid reuse: the one's functions" "$P" "comm=known .*pid=$pid .*main;three_quarters" 20
	sampled "pid reuse: the other's functions" "$P" "comm=renamed .*pid=$pid .*main;new_three" 20
	never_sampled "pid reuse: never the one's in the other" "$P" 'comm=renamed .*(three_quarters|one_quarter)'
	never_sampled "pid reuse: never the other's in the one" "$P" 'comm=known .*new_(three|one)'
	# But for those of a process that is about to be another one, in execve(2).
	never_sampled "pid reuse: no stack is lost" "$P" "comm=(known|renamed) .*pid=$pid stack=[^;]*\$"
	background "$T/reuse" 1 "$T/known" 4 "$T/renamed" 2
	wait_for 5 pgrep -P "$load"
	pid=$(pgrep -P "$load")
	record -F 999 -p "$pid" -d 5 -o "$P"
	sampled "-p of a process that ends: it" "$P" "comm=known .*pid=$pid .*main;three_quarters" 20
	never_sampled "-p of a process that ends: its successor is another" "$P" 'comm=renamed|new_three'
	stop_load "$load"
}

# --- replaced and deleted files -----------------------------------------------------------------

# The file is taken away before anything of it was sampled.
check_replaced() {
	cp "$T/known" "$T/service"
	background "$T/service" 20
	sleep 0.2
	cp "$T/renamed" "$T/next" && mv "$T/next" "$T/service"
	record -F 999 -p "$load" -d 1 -o "$P"
	sampled "replaced on disk: the old file's names" "$P" 'main;three_quarters' 20
	never_sampled "replaced on disk: none of the new one's" "$P" 'new_(three|one)'
	rm "$T/service"
	record -F 999 -a -d 1 -o "$P"
	sampled "deleted: its names" "$P" "pid=$load .*main;three_quarters" 20
	stop_load "$load"
	cp "$T/known" "$T/service"
	background bash -c "sleep 1; '$T/service' 2; cp '$T/renamed' '$T/next'; mv '$T/next' '$T/service'; '$T/service' 2"
	record -F 999 -p "$load" -d 4.5 -o "$P"
	sampled "replaced in the middle: before" "$P" 'main;three_quarters' 20
	sampled "replaced in the middle: after" "$P" 'main;new_three' 20
	stop_load "$load"
	cp "$T/plugin.so" "$T/gone.so"
	background "$T/loader" "$T/gone.so" 20
	sleep 1
	rm "$T/gone.so"
	record -F 999 -p "$load" -d 1 -o "$P"
	sampled "a deleted library: its names" "$P" 'main;plugin_work;plugin_deep' 20
	stop_load "$load"
	# shellcheck disable=SC2016 # the script's own
	echo '#!/bin/sh
		cp "$1" "$2"; "$2" 0.4; rm "$2"' >"$T/once.sh"
	record -F 999 -o "$P" -- sh "$T/once.sh" "$T/known" "$T/once"
	sampled "deleted before the recording ended" "$P" 'main;three_quarters' 20
}

# --- namespaces ---------------------------------------------------------------------------------

check_namespaces() {
	local inside
	mkdir "$T/inner"
	cat >"$T/ns.sh" <<-END
		mount -t tmpfs tmpfs '$T/inner'
		cp '$T/known' '$T/inner/hidden'
		exec '$T/inner/hidden' 20
	END
	background unshare -mpf --mount-proc sh "$T/ns.sh"
	wait_for 5 pgrep -P "$load" -x hidden
	inside=$(pgrep -P "$load" -x hidden)
	check "the file is only in its own namespace" test ! -e "$T/inner/hidden"
	record -F 999 -p "$inside" -d 1 -o "$P"
	sampled "another mount and pid namespace: names" "$P" "pid=$inside .*main;three_quarters" 20
	record -F 999 -a -d 1 -o "$P"
	sampled "another namespace, machine-wide" "$P" "pid=$inside .*main;three_quarters" 20
	mv "$T/known" "$T/known.aside" && cp "$T/renamed" "$T/known"
	stop_load "$load"
	record -F 999 -a -o "$P" -- unshare -mpf --mount-proc sh -c "
		mount --bind '$T/known.aside' '$T/known'; '$T/known' 1; :"
	sampled "a file that another one hides there" "$P" 'comm=known .*main;three_quarters' 20
	never_sampled "never the names of the file outside" "$P" 'comm=known .*new_three'
	mv "$T/known.aside" "$T/known"
	if mkdir "$T/root" && chroot_ready; then
		record -F 999 -a -o "$P" -- chroot "$T/root" /known-static 1
		sampled "in a root of its own" "$P" 'comm=known-static .*three_quarters' 20
	fi
}

chroot_ready() {
	compile known-static known.c -static && mv "$T/known-static" "$T/root/"
}

check_exec
check_reuse
check_load
check_replaced
check_namespaces
plan
