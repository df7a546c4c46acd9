#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stacks of programs that are stripped and have no frame pointers: known chains of calls, Debian's
# own programs, and libdwfl's word. Time is by instructions, so that no helper process of ours is
# late for what the host does besides.
# shellcheck source=tests/qemu/guest/lib.sh
. tests/qemu/guest/lib.sh

# shellcheck disable=SC2016 # for the other one to expand
BASH_LOOP='while :; do x=$((x + 1)); y=${x//1/abc}; [[ $y == *7* ]]; done'
ROOT='^chain;_start;__libc_start_main[^;]*;[^;]*;main;'

check_stacks() {
	known_stacks "deep frames" "${ROOT}first;second;third;fourth;spin" 90 /programs/chain deep 1000
	known_stacks "through libc" "${ROOT}sort_some;" 90 /programs/chain sort 1000
	known_stacks "a thread" '^chain;[^;]*;[^;]*;run;first;second;third;fourth;spin' 90 \
		/programs/chain thread 1000
	known_stacks "a signal handler over a leaf" \
		"${ROOT}first;second;third;fourth;spin;__kernel_rt_sigreturn;on_signal;spin_here" 10 \
		/programs/chain signal 1000
	known_stacks "the vDSO" "${ROOT}clocks;(clock_gettime;)?__kernel_clock_gettime" 40 \
		/programs/chain clock 1000
	known_stacks "kernel and user" \
		"${ROOT}reads;(__)?read;el0t_64_sync_\[k\];.*;__arm64_sys_read_\[k\];.*_\[k\]" 30 \
		/programs/chain read 1000
	known_stacks "static" '^chain-static;_start;__libc_start_main[^;]*;[^;]*;main;first;second;third;fourth;spin' \
		90 /programs/chain-static deep 1000
	known_stacks "static-PIE" '^chain-static-pi[^;]*;_start;.*;main;sort_some;' \
		90 /programs/chain-static-pie sort 1000
	known_stacks "recursion" '(climb;){5,60}(sort_some|format_some|$)?' 50 /programs/busy
}

# Debian's own, stripped; OpenSSL's assembly has no unwind information.
check_debian() {
	known_stacks "bash" '^bash;' 99 bash -c "$BASH_LOOP"
	known_stacks "xz" '^xz;' 99 bash -c 'exec /usr/bin/xz -6 </dev/urandom >/dev/null'
	known_stacks "openssl: hash" '^openssl;' 99 openssl speed -seconds 100 -bytes 8192 -evp sha256
	known_stacks "openssl: cipher" '^openssl;' 99 openssl speed -seconds 100 -evp aes-256-gcm
	known_stacks "openssl: bignum" '^openssl;' 99 openssl speed -seconds 100 rsa2048
}

check_oracle() {
	as_libdwfl "deep frames" /programs/chain deep 1000
	as_libdwfl "through libc" /programs/chain sort 1000
	as_libdwfl "recursion" /programs/busy
	as_libdwfl "bash" bash -c "$BASH_LOOP"
}

check_switches() {
	take -e sched:sched_switch -- /programs/chain sleep 0.3
	share "a switch is where it sleeps" ";sleeps;.*nanosleep.*;el0t_64_sync_\[k\];.*schedule_\[k\]" 60 \
		'^chain;'
}

check_stacks
check_debian
check_oracle
check_switches
plan
