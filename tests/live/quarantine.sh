#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A file that ends or hangs the symbolizer, whenever it reads it: it is set aside after the second
# time, its frames stay module+0x…, all others are named, and the recording ends well. And a file
# that does not even open.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc

if [ ! -c /dev/fuse ]; then skip "quarantine" "no /dev/fuse here" && plan && exit 0; fi
gcc -O2 -o "$T/stubborn" tests/live/programs/stubborn.c
compile known known.c
compile healthy known.c -DTHREE=healthy_three
mkdir "$T/mnt"
P=$T/p.pb.gz
everything=1000000000000

# MODE COMM FROM TO: the program's file is such a one for that process; it runs as $stubborn.
mount_file() {
	background "$T/stubborn" "$T/mnt" "$T/known" "$@"
	server=$load
	finally "umount -l '$T/mnt'"
	if ! wait_for 5 test -x "$T/mnt/file"; then return 1; fi
	background "$T/mnt/file" 60
	stubborn=$load
	wait_for 5 grep -q mnt/file "/proc/$stubborn/maps"
}

unmount_file() {
	stop_load "$stubborn"
	stop_load "$server" # what hangs in it ends with it
	umount -l "$T/mnt" 2>/dev/null || :
}

record_both() { # the stubborn one and a healthy one; status and words in $status, $T/said
	rm -f "$P"
	status=0
	timeout 60 "$PMUSCOPE" record -F 499 -e cpu-clock -o "$P" -p "$stubborn,$healthy" -d 3 \
		>"$T/said" 2>&1 || status=$?
}

# On a machine that is too busy the file may not open in time, which is said; then once more.
record_opened() {
	local tries=4
	until record_both && ! grep -q 'did not open within' "$T/said"; do
		[ $((--tries)) -gt 0 ] || break
	done
}

set_aside() { # NAME MODE FROM TO
	mount_file "$2" pmuscope-symb "$3" "$4" || { not_ok "$1" "no file system" && return; }
	record_opened
	between "$1: the recording ends well" $status 0 0
	check "$1: the profile keeps the rules" pprof check "$P"
	sampled "$1: its frames have no name" "$P" "pid=$stubborn .*file\\+0x[0-9a-f]+\$"
	never_sampled "$1: and no wrong one" "$P" "pid=$stubborn .*(three_quarters|one_quarter)"
	sampled "$1: others are named" "$P" "pid=$healthy .*_start.*;main;healthy_three"
	says "$1: said" 'symbolizer was started again 2 times, 1 file set aside' cat "$T/said"
	says "$1: said in the profile" '^started again 2 times, 1 file set aside$' pprof get "$P" symbolizer
	unmount_file
}

background "$T/healthy" 300
healthy=$load
if ! mount_file error nobody 0 0; then
	skip "quarantine" "FUSE cannot be mounted here" && plan && exit 0
fi
record_opened
sampled "an obedient file system: names" "$P" "pid=$stubborn .*main;three_quarters"
nothing "an obedient file system: nobody is restarted" "$(grep symbolizer "$T/said" || :)"
unmount_file

set_aside "a file that ends it" error 0 $everything
set_aside "a file that hangs it" hang 0 $everything
# Only the page with its functions' names, among its macros', which is read after the recording.
compile known known.c -g3
from=$(grep -abo three_quarters "$T/known" | head -1 | cut -d: -f1)
mount_file error pmuscope-symb "$from" $((from + 1))
record_opened
between "debug information that ends it: the recording ends well" $status 0 0
check "debug information that ends it: the profile keeps the rules" pprof check "$P"
sampled "debug information that ends it: names of the symbol table" "$P" \
	"pid=$stubborn .*main;three_quarters\$"
never_sampled "debug information that ends it: nothing inlined" "$P" "pid=$stubborn .*;rounds"
sampled "debug information that ends it: others are as ever" "$P" \
	"pid=$healthy .*_start.*;main;healthy_three;rounds"
says "debug information that ends it: said" 'symbolizer was started again 1 time.*left closed' \
	bash -c "tr '\n' ' ' <'$T/said'"
unmount_file

# The system call that asks for its file system hangs, and cannot be killed.
mount_file open - 0 0
record_both
between "a file that does not open: the recording ends well" $status 0 0
sampled "a file that does not open: sampled all the same" "$P" "pid=$stubborn "
sampled "a file that does not open: others are named" "$P" "pid=$healthy .*main;healthy_three"
says "a file that does not open: said" 'did not open within 250 ms' cat "$T/said"
unmount_file
plan
