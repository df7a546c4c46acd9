#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files, maps and names that are broken, or made to break us: the recording ends well, with the
# status it should, and what was good is kept.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc objcopy

compile known known.c
compile hostile hostile.c -ldl
compile good.so hostile.c -DPLUGIN -shared -fPIC
compile jit jit.c
P=$T/p.pb.gz

# Recorded with that status, the format's rules kept, no helper lost.
survives() { # NAME STATUS ARG…
	local name=$1 status=$2
	shift 2
	rm -f "$P"
	fails "$status" "$name: status $status" "$PMUSCOPE" record -q -F 999 -o "$P" "$@"
	check "$name: the profile keeps the rules" pprof check "$P"
}

# --- executables --------------------------------------------------------------------------------

# Debug sections, unwind tables and symbols of a library, damaged in place: 64 bytes of each.
damage() { # IN OUT SECTION SEED
	cp "$1" "$2"
	/usr/bin/python3 - "$2" "$3" "$4" <<-'END'
		import random, subprocess, sys
		path, section, seed = sys.argv[1:]
		rows = subprocess.run(["readelf", "-SW", path], capture_output=True, text=True).stdout
		for row in rows.replace("[ ", "[").splitlines():
		    words = row.split()
		    if len(words) > 5 and words[1] == section:
		        start, size = int(words[4], 16), int(words[5], 16)
		rng = random.Random(seed)
		with open(path, "r+b") as f:
		    for _ in range(64):
		        f.seek(start + rng.randrange(size))
		        f.write(bytes([rng.randrange(256)]))
	END
}

check_damaged() {
	local section seed=0
	for section in .eh_frame .eh_frame_hdr .debug_info .debug_line .debug_abbrev .symtab .strtab; do
		seed=$((seed + 1))
		damage "$T/good.so" "$T/bad$seed.so" $section $seed
		survives "damaged $section" 0 -- "$T/hostile" 0.4 load "$T/bad$seed.so"
		sampled "damaged $section: what is good stays named" "$P" 'comm=hostile .*main' 1
	done
}

# A file that is another one by the time it is read: truncated (the pages in memory stay as they
# are only where they were touched), rewritten in place while it is mapped by nobody.
check_truncated() {
	local size
	cp "$T/good.so" "$T/cut.so"
	background "$T/hostile" 20 load "$T/cut.so"
	sleep 0.5
	size=$(stat -c %s "$T/cut.so")
	truncate -s $((size * 3 / 4)) "$T/cut.so" # behind all that is mapped: the section headers
	survives "a library that lost its end" 0 -p "$load" -d 0.5
	sampled "a library that lost its end: it was sampled" "$P" "pid=$load " 20
	stop_load "$load"
	cp "$T/known" "$T/service"
	background "$T/service" 20
	sleep 0.2
	head -c 100000 /dev/urandom >"$T/next" && mv "$T/next" "$T/service"
	survives "an executable replaced by noise" 0 -p "$load" -d 0.5
	sampled "an executable replaced by noise: its own names" "$P" 'main;three_quarters' 10
	stop_load "$load"
	cp "$T/known" "$T/sparse"
	truncate -s 10G "$T/sparse"
	survives "an executable of 10 GB, sparse" 0 -- "$T/sparse" 0.5
	sampled "an executable of 10 GB: its names" "$P" 'main;three_quarters' 20
	rm "$T/sparse"
	survives "a command that ends at once" 0 -- true
	survives "a command that kills its parent's child" 137 -- sh -c 'kill -KILL $$'
}

# --- JIT maps -----------------------------------------------------------------------------------

# NAME SETUP: a JIT whose map was made so; its frames are marked, others' stay named.
jit_map() {
	local map
	background "$T/jit" 20 ''
	map=/tmp/perf-$load.map
	finally "rm -rf $map"
	"$2" "$map" "$load"
	survives "perf map: $1" 0 -p "$load" -d 0.5
	sampled "perf map: $1: marked" "$P" 'main;calls_jitted;\[jit\]' 10
	never_sampled "perf map: $1: not read" "$P" 'stolen|root:'
	stop_load "$load"
	rm -rf "$map"
}

map_fifo() { mkfifo "$1"; }
map_link() { # to one that would do
	sed -n 's/^\([0-9a-f]*\)-\([0-9a-f]*\) rwxp.*/\1 1000 stolen/p' "/proc/$2/maps" >"$T/other.map"
	ln -s "$T/other.map" "$1"
}
map_shadow() { ln -s /etc/shadow "$1"; }
map_huge() { truncate -s 2G "$1"; }
map_folder() { mkdir "$1"; }
map_other() { # a map that another user has put there
	map_link "$1.x" "$2"
	rm -f "$1.x"
	cp "$T/other.map" "$1"
	chown $nobody "$1"
}
map_noise() { head -c 300000 /dev/urandom >"$1"; }

check_maps() {
	jit_map "a FIFO" map_fifo
	jit_map "a symlink" map_link
	jit_map "a symlink to a secret" map_shadow
	jit_map "2 GB, sparse" map_huge
	jit_map "a folder" map_folder
	jit_map "another user's" map_other
	jit_map "noise" map_noise
}

# --- names --------------------------------------------------------------------------------------

check_names() {
	local odd=$'a\n;b\033[31m\xff\xc3('
	record -F 999 -o "$P" -o "$T/p.folded" -o "$T/p.html" -- "$T/hostile" 0.5 comm "$odd"
	check "a process name of odd bytes: the profile keeps the rules" pprof check "$P"
	nothing "a process name of odd bytes: folded stacks" "$(folded_broken "$T/p.folded")"
	nothing "a process name of odd bytes: no escape sequence is written" \
		"$(grep -alP '[\x00-\x08\x0b-\x1f]' "$T/p.folded" || :)"
	check "a process name of odd bytes: valid UTF-8" iconv -f UTF-8 -t UTF-8 -o /dev/null \
		"$T/p.folded" "$T/p.html"
	background "$T/hostile" 5 comm $'\033[31mred\033[0m'
	sleep 0.3
	nothing "a process name with escapes is not written to the terminal" \
		"$("$PMUSCOPE" record -d 0.3 -o "$P" -p "$load" 2>&1 | grep -aP '\x1b' || :)"
	stop_load "$load"
	printf 'three_quarters a\033[31m;<script>alert(1)</script>\377\n' >"$T/names"
	objcopy --redefine-syms="$T/names" --strip-debug "$T/known" "$T/odd"
	record -F 999 -o "$P" -o "$T/p.folded" -o "$T/p.html" -- "$T/odd" 0.5
	sampled "a function's name of odd bytes" "$P" 'main;.*alert' 10
	nothing "a function's name of odd bytes: folded stacks" "$(folded_broken "$T/p.folded")"
	nothing "a function's name is no script" "$(grep -ao '<script>alert' "$T/p.html" || :)"
	check "a function's name of odd bytes: valid UTF-8" iconv -f UTF-8 -t UTF-8 -o /dev/null \
		"$T/p.folded" "$T/p.html"
	says "nor on the terminal" '^0$' bash -c "'$PMUSCOPE' record -F 999 -o '$P' \
		-- '$T/odd' 0.5 2>&1 | grep -acP '\x1b'"
	mkdir "$T/dir"$'\n\033[31m'
	cp "$T/known" "$T/dir"$'\n\033[31m/kno;wn'
	record -F 999 -o "$P" -o "$T/p.folded" -- "$T/dir"$'\n\033[31m/kno;wn' 0.4
	sampled "a path of odd bytes: its functions" "$P" 'main;three_quarters' 10
	check "a path of odd bytes: the profile keeps the rules" pprof check "$P"
	nothing "a path of odd bytes: folded stacks" "$(folded_broken "$T/p.folded")"
}

check_damaged
check_truncated
check_maps
check_names
plan
