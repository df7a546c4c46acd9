#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The kernel's names: who may have them (kernel.kptr_restrict), what is said where nobody may, and
# its modules.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need dd setpriv

kernel=/proc/sys/kernel
for name in kptr_restrict perf_event_paranoid; do
	finally "echo $(cat $kernel/$name) >$kernel/$name"
done
public_copy
mkdir "$T/mine"
chown $nobody:$nobody "$T/mine"
P=$T/p.pb.gz
syscalls='entry_SYSCALL_64_after_hwframe;do_syscall_64;.*(read|write)'
unnamed='\[kernel[^;]*\]\+0x[0-9a-f]+'

# Records system calls at that level, into $P; what is said in $T/said.
recorded() { # LEVEL root|user
	local program=("$PMUSCOPE")
	[ "$2" = root ] || program=(as_user "$PUBLIC")
	rm -f "$T/mine/p.pb.gz"
	echo "$1" >$kernel/kptr_restrict
	"${program[@]}" record -q -e cpu-clock -F 999 -o "$T/mine/p.pb.gz" -- \
		dd if=/dev/zero of=/dev/null bs=64k count=60000 status=none >"$T/said" 2>&1 || :
	mv -f "$T/mine/p.pb.gz" "$P"
}

named() { # LEVEL root|user
	recorded "$@"
	sampled "kptr_restrict $1, $2: names" "$P" "$syscalls" 10
	nothing "kptr_restrict $1, $2: nothing to say" "$(cat "$T/said")"
}

hidden() { # LEVEL root|user PATTERN
	recorded "$1" "$2"
	sampled "kptr_restrict $1, $2: frames without a name" "$P" "($unnamed;)+$unnamed\$" 10
	never_sampled "kptr_restrict $1, $2: no wrong name" "$P" 'SYSCALL|sys_|vfs_|read_zero'
	says "kptr_restrict $1, $2: what is said" "$3" bash -c "tr '\n' ' ' <'$T/said'"
	says "kptr_restrict $1, $2: the profile says so" '^none .*kallsyms' pprof get "$P" 'kernel names'
	check "kptr_restrict $1, $2: the profile keeps the rules" pprof check "$P"
}

check_names() {
	local line
	echo 1 >$kernel/perf_event_paranoid # a user has the kernel part, too
	named 0 root
	named 0 user
	named 1 root
	hidden 1 user 'no names.*kptr_restrict is 1, and we have no CAP_SYSLOG'
	line=$(sed -n 's/^ *Type: sudo \(sysctl [^ ]*\) .*/\1/p' "$T/said")
	hidden 2 user 'no names.*kptr_restrict is 2\)'
	hidden 2 root 'no names.*kptr_restrict is 2\).*sudo sysctl kernel.kptr_restrict=0'
	check "what it says to type" bash -c "$line"
	says "what it says to type works" '^0$' cat $kernel/kptr_restrict
}

# null_blk is a block device of the kernel's own: reading it is all in that module.
check_modules() {
	if [ ! -e /proc/modules ]; then
		skip "a module's functions" "this kernel has no modules" && return
	fi
	if ! have modprobe || ! modprobe null_blk nr_devices=1 2>"$T/err"; then
		skip "a module's functions" "null_blk cannot be loaded here" && return
	fi
	finally "modprobe -r null_blk"
	echo 0 >$kernel/kptr_restrict
	record -e cpu-clock -F 999 -o "$P" -- dd if=/dev/nullb0 of=/dev/null bs=4k count=200000 \
		iflag=direct status=none
	sampled "a module's functions" "$P" 'do_syscall_64;.*null_' 10
}

check_names
check_modules
plan
