#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debug information in every form that distributions and compilers give it, from the file on disk to
# the frame: inlined functions and lines as addr2line sees them, on programs whose answer is known.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc objcopy readelf addr2line xz

P=$T/p.pb.gz
chain='main;outermost;middle;innermost$'

# NAME PROGRAM [PLAIN]: its chain of inlined functions, and every line of them as addr2line tells
# it of PLAIN, the program with its debug information whole and in it.
known_answer() {
	record -F 999 -o "$P" -- "$2" 0.8 || { not_ok "$1" "$(cat "$T/record.log")" && return; }
	sampled "$1: inlined functions" "$P" "$chain" 10
	check "$1: functions and lines are addr2line's" pprof lines "$P" "$2" --plain "${3:-$2}"
}

has_section() { # FILE NAME
	readelf -SW "$1" | grep -qF " $2 "
}

# --- versions and compilers ---------------------------------------------------------------------

check_versions() {
	local version
	for version in 2 3 4 5; do
		compile "dwarf$version" inlined.c "-gdwarf-$version" -gstrict-dwarf
		says "DWARF $version is what it is" "Version: +$version\$" \
			bash -c "readelf --debug-dump=info '$T/dwarf$version' 2>/dev/null | grep Version | tail -1"
		known_answer "DWARF $version" "$T/dwarf$version"
	done
}

# clang writes no .debug_aranges, by which others find the unit of an address.
check_clang() {
	local version
	if ! have clang; then skip "clang" "no clang here" && return; fi
	for version in 4 5; do
		clang -O2 -g "-gdwarf-$version" -o "$T/clang$version" tests/live/programs/inlined.c
		objcopy --remove-section=.debug_aranges "$T/clang$version" # of others' start files
		nothing "clang, DWARF $version: there are no aranges" \
			"$(has_section "$T/clang$version" .debug_aranges && echo "there are" || :)"
		known_answer "clang, DWARF $version, no aranges" "$T/clang$version"
	done
}

# --- compressed, shared, small ------------------------------------------------------------------

check_compressed() {
	local kind
	compile plain inlined.c
	for kind in zlib zlib-gnu zstd; do
		if ! objcopy --compress-debug-sections=$kind "$T/plain" "$T/$kind" 2>"$T/err"; then
			skip "$kind" "this objcopy has no $kind" && continue
		fi
		says "$kind: it is compressed" 'ZLIB|ZSTD|\.zdebug_info' \
			bash -c "readelf -SW '$T/$kind' | grep debug_info; readelf -tW '$T/$kind' | grep -A3 debug_info"
		known_answer "$kind" "$T/$kind" "$T/plain"
	done
}

# What two programs have in common goes to a third file, named by .gnu_debugaltlink.
check_dwz() {
	local alt=/usr/lib/debug/.dwz/pmuscope-test.debug
	if ! have dwz; then skip "dwz" "no dwz here" && return; fi
	compile plain inlined.c
	compile one inlined.c && compile two inlined.c -DTWO=1
	mkdir -p /usr/lib/debug/.dwz
	finally "rm -f $alt; rmdir --ignore-fail-on-non-empty /usr/lib/debug/.dwz"
	dwz -m "$T/common" -M $alt "$T/one" "$T/two" && mv "$T/common" $alt
	check "dwz: the program names the file" has_section "$T/one" .gnu_debugaltlink
	check "dwz: the names are in the other file" bash -c \
		"strings $alt | grep -qx innermost && ! strings -a '$T/one' | grep -qx innermost"
	known_answer "dwz" "$T/one" "$T/plain"
	mv $alt "$T/alt"
	record -F 999 -o "$P" -- "$T/one" 0.4
	sampled "dwz, without the file: what is left" "$P" 'main;outermost' 20
	check "dwz, without the file: the profile keeps the rules" pprof check "$P"
	compile other known.c && cp "$T/other" "$T/other2"
	dwz -m "$T/common" "$T/other" "$T/other2" && cp "$T/common" $alt
	record -F 999 -o "$P" -- "$T/one" 0.4
	sampled "dwz, another build's file: is not used" "$P" 'main;outermost(;[^;]*)?$' 20
	never_sampled "dwz, another build's file: no name of it" "$P" 'three_quarters|one_quarter'
}

# Fedora's way: the symbols of local functions, compressed, in a section of the stripped program.
check_minidebug() {
	compile whole known.c -DTHREE=mini_three -DONE=mini_one
	objcopy --strip-debug "$T/whole" "$T/mini"
	objcopy --only-keep-debug "$T/mini" "$T/mini.elf"
	xz -kf "$T/mini.elf"
	strip -o "$T/fedora" "$T/whole"
	record -F 999 -o "$P" -- "$T/fedora" 0.4
	never_sampled "MiniDebugInfo: without it there is no name" "$P" 'mini_three'
	objcopy --add-section .gnu_debugdata="$T/mini.elf.xz" "$T/fedora"
	nothing "MiniDebugInfo: it is stripped" "$(has_section "$T/fedora" .symtab && echo .symtab || :)"
	record -F 999 -o "$P" -- "$T/fedora" 0.5
	sampled "MiniDebugInfo" "$P" 'main;mini_three$' 20
	head -c 3000 /dev/urandom >"$T/noise"
	objcopy --update-section .gnu_debugdata="$T/noise" "$T/fedora"
	record -F 999 -o "$P" -- "$T/fedora" 0.4
	sampled "MiniDebugInfo that is noise: file and offset" "$P" 'fedora\+0x[0-9a-f]+$' 20
}

check_versions
check_clang
check_compressed
check_dwz
check_minidebug
plan
