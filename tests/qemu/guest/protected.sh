#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pointer authentication and branch target identification: return addresses on the stack carry a
# code in their upper bits. (libdwfl 0.188 does not know that: there is nothing to compare with but
# what the programs are known to do.)
# shellcheck source=tests/qemu/guest/lib.sh
. tests/qemu/guest/lib.sh

ROOT='_start;.*main;'
says "the CPU signs return addresses, and knows branch targets" ' paca.* bti' grep Features /proc/cpuinfo

known_stacks "signed" "^chain-pr.*;$ROOT.*first;second;third;fourth;spin" 90 /programs/chain-protected deep 1000
known_stacks "signed, through libc" "${ROOT}sort_some;" 90 /programs/chain-protected sort 1000
known_stacks "signed, a thread" ';run;first;second;third;fourth;spin' 90 /programs/chain-protected thread 1000
known_stacks "signed, a signal handler over a leaf" \
	"${ROOT}first;second;third;fourth;spin;__kernel_rt_sigreturn;on_signal;spin_here" 10 \
	/programs/chain-protected signal 1000
known_stacks "signed, the vDSO" "${ROOT}clocks;(clock_gettime;)?__kernel_clock_gettime" 40 \
	/programs/chain-protected clock 1000
known_stacks "leaves too, with the other key" "$ROOT.*first;second;third;fourth;spin" 90 \
	/programs/chain-protected-leaf deep 1000
known_stacks "recursion and two threads" '(climb;){5,60}' 50 /programs/busy-protected
known_stacks "static" '^chain-static;_start;.*;main;sort_some;.*' 90 /programs/chain-static sort 1000
known_stacks "static, musl, which has no unwind information" \
	'^chain-musl;.*main;sort_some;.*' 90 /programs/chain-musl sort 1000
known_stacks "Go" '^busy-go;(runtime\.|main\.)' 80 /programs/busy-go

check "a library that comes later" take -e cycles -F 997 -- /programs/loader /programs/plugin.so 2
share "a library that comes later: its stacks" ';main;plugin_work;plugin_deep;spin' 40
plan
