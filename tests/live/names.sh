#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where names come from: every kind of symbol table and debug file, inlined functions, other
# languages, the kernel, the vDSO, JIT maps; and what stands there when there is no name.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc objcopy addr2line

compile known known.c
compile inlined inlined.c
P=$T/p.pb.gz

spin() { # NAME PROGRAM REGEX: a recording of it has at least 20 such samples
	record -F 999 -o "$P" -- "$2" 0.5 || { not_ok "$1" "$(cat "$T/record.log")" && return; }
	sampled "$1" "$P" "$3" 20
}

# --- symbol tables and debug files ---------------------------------------------------------------

check_tables() {
	strip --strip-debug -o "$T/symtab" "$T/known"
	spin ".symtab" "$T/symtab" 'main;three_quarters$'
	compile dynsym known.c -rdynamic && strip "$T/dynsym"
	spin "stripped, but .dynsym" "$T/dynsym" 'main;three_quarters$'
	strip -o "$T/bare" "$T/known"
	spin "without symbols: file and offset" "$T/bare" 'bare\+0x[0-9a-f]+(;bare\+0x[0-9a-f]+)*$'
	never_sampled "without symbols: never a neighbour's name" "$P" \
		';(main|_init|_fini|three_quarters|one_quarter|now|rounds)$'
	spin "names of libc6-dbg" "$T/known" '__libc_start_call_main;main'
}

# A debug file's name is its own: functions of a debug file of another build are no names of it.
check_debug_files() {
	local id dir
	compile apart known.c -Wl,--build-id -DTHREE=apart_three -DONE=apart_one
	id=$(readelf -n "$T/apart" | sed -n 's/.*Build ID: //p')
	dir=/usr/lib/debug/.build-id/${id:0:2}
	mkdir -p "$dir"
	finally "rm -f '$dir/${id:2}.debug'; rmdir '$dir'"
	objcopy --only-keep-debug --compress-debug-sections=zlib "$T/apart" "$dir/${id:2}.debug"
	strip "$T/apart"
	spin "a debug file by build ID, compressed" "$T/apart" 'main;apart_three;rounds$'
	rm "$dir/${id:2}.debug"
	spin "without it: no name" "$T/apart" 'apart\+0x[0-9a-f]+$'
	compile linked known.c -Wl,--build-id=none -DTHREE=linked_three -DONE=linked_one
	mkdir "$T/.debug"
	objcopy --only-keep-debug "$T/linked" "$T/.debug/linked.debug"
	strip "$T/linked"
	(cd "$T/.debug" && objcopy --add-gnu-debuglink=linked.debug ../linked)
	spin "a debug file by debuglink" "$T/linked" 'main;linked_three;rounds$'
	compile other known.c -Wl,--build-id=none -O1 -DTHREE=other_three -DONE=other_one
	objcopy --only-keep-debug "$T/other" "$T/.debug/linked.debug"
	record -F 999 -o "$P" -- "$T/linked" 0.6
	never_sampled "a debuglink with another checksum is no name" "$P" 'other_(three|one)'
	compile dwarf4 known.c -gdwarf-4 -gz=zlib -DTHREE=dwarf4_three
	spin "compressed DWARF 4" "$T/dwarf4" 'main;dwarf4_three;rounds$'
}

# --- inlined functions --------------------------------------------------------------------------

check_inlined() {
	spin "inlined functions are frames" "$T/inlined" 'main;outermost;middle;innermost$'
	check "inlined functions and lines are addr2line's" pprof lines "$P" "$T/inlined"
	spin "the vDSO has names" "$T/inlined" 'clocks;.*(__vdso_clock_gettime|__cvdso_clock_gettime|do_hres)'
	never_sampled "its callers are found" "$P" $'\t__vdso_clock_gettime'
	record -F 999 -e cpu-clock -o "$P" -- dd if=/dev/zero of=/dev/null bs=64k count=60000 status=none
	sampled "the kernel's functions" "$P" 'entry_SYSCALL_64_after_hwframe;do_syscall_64;.*(read|write)' 10
}

# --- other languages ----------------------------------------------------------------------------

check_languages() {
	if have g++ && g++ -O2 -g -o "$T/named" tests/live/programs/named.cc; then
		spin "C++" "$T/named" 'main;shop::Basket<std::.*string.*>::fill\(.*'
		never_sampled "C++: nothing mangled" "$P" '_Z[A-Z0-9]'
	else
		skip "C++" "no g++ here"
	fi
	if ! have rustc; then skip "Rust" "no rustc here" && return; fi
	for form in default v0; do # the default is the legacy form, of older compilers at least
		local option=()
		[ $form = default ] || option=(-C symbol-mangling-version=$form)
		if rustc --crate-name named -C opt-level=2 -C debuginfo=0 "${option[@]}" \
			-o "$T/named-$form" tests/live/programs/named.rs 2>"$T/err"; then
			spin "Rust, $form" "$T/named-$form" 'named::main;.*named::shop::Basket.*::fill$'
			never_sampled "Rust, $form: nothing mangled" "$P" '(;|\t)_(ZN|R)|17h[0-9a-f]{16}'
		else
			not_ok "Rust, $form: compiles" "$(cat "$T/err")"
		fi
	done
}

# --- code that a program makes itself -----------------------------------------------------------

check_jit() {
	compile jit jit.c
	spin "a JIT's map" "$T/jit" 'main;calls_jitted;jitted_loop$'
	record -F 999 -o "$P" -- "$T/jit" 0.6 ''
	sampled "code without a map: marked" "$P" 'main;calls_jitted;\[jit\]$' 20
	if have node; then
		record -F 999 -o "$P" -- node --logfile="$T/v8-%p.log" --perf-basic-prof -e \
			'function spinning(n) { let s = 0; for (let i = 0; i < n; i++) s ^= i * s + 1; return s }
			 const end = Date.now() + 1000; while (Date.now() < end) spinning(1e6)'
		sampled "node's map: functions of the script" "$P" 'spinning' 20
	else
		skip "node's map" "no node here"
	fi
	find /tmp -maxdepth 1 -name 'perf-*.map' -newer "$T/jit" -user root -delete
}

check_tables
check_debug_files
check_inlined
check_languages
check_jit
plan
