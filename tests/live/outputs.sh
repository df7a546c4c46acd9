#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The files that a recording leaves: several, standard output, the older one, and every way in
# which a path cannot be written, found before the command starts.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need_root
go_first
need gcc script taskset

compile known known.c
mkdir "$T/out"
P=$T/out/p.pb.gz

check_several() {
	local folded sum
	check "several outputs of one recording" record -F 499 -o "$P" -f "$T/out/p.html" \
		-o "$T/out/p.folded" -- "$T/known" 1
	sampled "several: pprof" "$P" three_quarters 20
	nothing "several: folded stacks" "$(folded_broken "$T/out/p.folded")"
	check "several: a page" grep -q '^<!DOCTYPE html' "$T/out/p.html"
	folded=$(awk '{ n += $NF } END { print n }' "$T/out/p.folded")
	sum=$(pprof sums "$P" | awk '$2 == "nanoseconds" { print $3 }')
	between "several: the same time in each" "$folded" "$sum" "$sum"
	nothing "nothing else is left in the folder" "$(find "$T/out" -type f ! -name 'p.*')"
	record -o "$P" -- true
	sampled "an older file becomes .old" <(cat "$P.old") three_quarters 20
	never_sampled "the new one is in its place" "$P" three_quarters
	(cd "$T/out" && record -q -- true)
	check "without -o: profile.pb.gz here" test -s "$T/out/profile.pb.gz"
	ln -s real.pb.gz "$T/out/link.pb.gz"
	check "a name that is a dangling link" record -o "$T/out/link.pb.gz" -- true
}

check_stdout() {
	local status=0
	"$PMUSCOPE" record -q -o - -- "$T/known" 1 2>/dev/null | grep -av '^done$' >"$T/piped" || :
	"$PMUSCOPE" record -q -F 499 -o - -a -d 1 2>"$T/err" >"$T/piped"
	check "-o - is a profile" pprof check "$T/piped"
	check "-o - into a pipe" bash -o pipefail -c \
		"'$PMUSCOPE' record -q -o - -a -d 0.3 | gzip -t"
	fails 125 "-o - is refused on a terminal" \
		script -qec "'$PMUSCOPE' record -o - -- touch '$T/terminal'" /dev/null
	says "-o - on a terminal: why" 'terminal.*-o FILE|terminal.*-o .*pb\.gz' \
		script -qec "'$PMUSCOPE' record -o - -- true" /dev/null
	check "-o - on a terminal: the command did not start" test ! -e "$T/terminal"
	"$PMUSCOPE" record -q -o - -a -d 0.5 2>"$T/err" | : || status=$?
	nothing "a reader that is gone is no crash" "$(grep -iE 'signal|core' "$T/err" || :)"
	says "progress on a terminal" ' samples .* lost 0' \
		script -qec "'$PMUSCOPE' record -o '$P' -a -d 2.5" /dev/null
	nothing "no progress elsewhere" "$("$PMUSCOPE" record -o "$P" -a -d 2.2 2>&1 |
		grep -aE '  [0-9]+ s ' || :)"
}

# --- paths that cannot be written ---------------------------------------------------------------

refused() { # NAME PATTERN PATH [COMMAND BEFORE…]: 125, with words, and the command not started
	local name=$1 pattern=$2 path=$3
	shift 3
	rm -f "$T/marker"
	fails 125 "$name" "$@" "$PMUSCOPE" record -o "$path" -- touch "$T/marker"
	says "$name: why" "$pattern" "$@" "$PMUSCOPE" record -o "$path" -- touch "$T/marker"
	check "$name: the command did not start" test ! -e "$T/marker"
}

check_refusals() {
	local name
	mkdir "$T/out/dir.pb.gz" "$T/readonly"
	refused "no such folder" 'no folder .*/missing .*mkdir -p' "$T/missing/p.pb.gz"
	refused "a folder" 'is a folder' "$T/out/dir.pb.gz"
	refused "a file as a folder" 'is not a folder' "$P/x.pb.gz"
	refused "no format" '\.pb\.gz.*\.html.*\.folded' "$T/out/x.txt"
	refused "a name too long" 'cannot write .*(ENAMETOOLONG|too long)' \
		"$T/out/$(printf 'a%.0s' {1..300}).pb.gz"
	fails 125 "a full device" "$PMUSCOPE" record -q -o /dev/full -- true
	says "a full device: why" 'cannot write /dev/full: .*space' \
		"$PMUSCOPE" record -q -o /dev/full -- true
	mount -t tmpfs -o ro tmpfs "$T/readonly" && finally "umount $T/readonly"
	refused "a file system without writing" 'cannot write .*(EROFS|read-only)' \
		"$T/readonly/p.pb.gz"
	fails 125 "one file twice" "$PMUSCOPE" record -o "$P" -o "$T/out/../out/p.pb.gz" -- true
	public_copy
	local PMUSCOPE=$PUBLIC
	refused "a folder of another user" "user $nobody may not write in .*Another path" \
		"$T/out/x.pb.gz" as_user
	# The hint's command is one that helps.
	name=$("$PMUSCOPE" record -o "$T/missing/p.pb.gz" -- true 2>&1 | sed -n "s/.*Type: //p" || :)
	check "what it says to type works" bash -c "$name"
	check "and then it records" record -o "$T/missing/p.pb.gz" -- true
}

# --- a disk that fills --------------------------------------------------------------------------

check_full() {
	local small=$T/small
	mkdir "$small"
	mount -t tmpfs -o size=64k tmpfs "$small" && finally "umount $small"
	head -c 40960 /dev/zero >"$small/filler"
	refused "a disk without room" 'cannot write .*(ENOSPC|full|space)' "$small/p.pb.gz"
	nothing "a disk without room: nothing is left on it" \
		"$(find "$small" -type f ! -name filler)"
	check_filling "$small"
	check_nothing_fits "$small"
	refused "a limit of file sizes" 'RLIMIT_FSIZE.* is 8192 bytes' "$small/x.html" \
		bash -c 'ulimit -f 8; exec "$@"' sh
	nothing "a limit of file sizes: nothing half is left" "$(find "$small" -name '.*' -type f)"
	check "a limit that is high enough" bash -c \
		"ulimit -f 65536; '$PMUSCOPE' record -q -o '$small/x.html' -- true"
}

# A file system that cannot hold space for a file: where nothing at all fits, the older one stays.
check_nothing_fits() { # FOLDER
	gcc -O2 -o "$T/refuse" tests/live/programs/refuse.c
	echo older >"$1/p.html"
	fails 125 "no room at all" "$T/refuse" space 95 "$PMUSCOPE" record -F 999 -o "$1/p.html" \
		-- sh -c "cat /dev/zero >'$1/filler' 2>/dev/null; '$T/known' 0.3"
	nothing "no room at all: the older file is kept" "$(echo older | diff - "$1/p.html" | head -3)"
	nothing "no room at all: nothing half is left" "$(find "$1" -name '.*' -type f)"
	rm "$1/filler"
}

# Space for some of the profile is held from the start, whoever takes the rest.
check_filling() { # FOLDER
	local small=$1 most status=0
	most=$(cat /proc/sys/kernel/perf_event_max_sample_rate)
	umount "$small" && mount -t tmpfs -o size=256k tmpfs "$small"
	echo older >"$small/p.pb.gz"
	"$PMUSCOPE" record -F $((most < 9999 ? most : 9999)) --stack-size 8192 -a -o "$small/p.pb.gz" \
		-o "$P" -- sh -c "head -c 300000 /dev/zero >'$small/filler' 2>/dev/null
			'$T/known' 0.5; for i in 1 2 3; do gcc -O2 -S -o /dev/null tests/live/programs/inlined.c; done" \
		2>"$T/small.log" || status=$?
	between "a disk that fills while recording: the file that is not whole is an error" $status 125 125
	between "a disk that fills: what was held is used" "$(stat -c %s "$small/p.pb.gz")" 25000 70000
	check "a disk that fills: the profile keeps the rules" pprof check "$small/p.pb.gz"
	sampled "a disk that fills: the heaviest stacks are there" "$small/p.pb.gz" three_quarters 20
	says "a disk that fills: the profile says that it is cut" '^no space .*heaviest .* of .*%$' \
		pprof get "$small/p.pb.gz" cut
	says "a disk that fills: so do we" 'no room for all of .*p.pb.gz: No space.* -o FILE' \
		bash -c "tr '\n' ' ' <'$T/small.log'"
	says "a disk that fills: the older file is kept" '^older$' cat "$small/p.pb.gz.old"
	sampled "a disk that fills: the other output is written" "$P" three_quarters 20
	nothing "a disk that fills: it is whole" "$(pprof get "$P" cut)"
	nothing "a disk that fills: nothing half is left" \
		"$(find "$small" -type f ! -name filler ! -name 'p.pb.gz*')"
	rm "$small/filler"
}

# --- few descriptors ----------------------------------------------------------------------------

# Whatever the limit of open files: either it is too low before the command starts, or what was
# recorded is written.
few_files() { # LIMIT [COMMAND]: says what was wrong
	local status=0 command=${2:-sleep 0.4}
	rm -f "$T/marker" "$P"
	(ulimit -n "$1" && exec "$PMUSCOPE" record -F 999 -a -C 0 -o "$P" -- \
		taskset -c 0 sh -c "touch '$T/marker'; $command") >"$T/few" 2>&1 || status=$?
	if [ -e "$T/marker" ]; then
		[ $status -eq 0 ] && pprof check "$P" && return
	else
		[ $status -eq 125 ] && grep -q RLIMIT_NOFILE "$T/few" && return
	fi
	echo "ulimit -n $1: status $status"
	cat "$T/few"
}

check_few_files() {
	local limit i
	for limit in 8 12 16 18 20 22 23 24 25 26 27 28 32 40; do few_files $limit; done >"$T/wrong" 2>&1
	nothing "few descriptors: no recording is lost" "$(cat "$T/wrong")"
	mkdir "$T/many"
	for i in {1..15}; do cp "$T/known" "$T/many/$i"; done
	nothing "30 descriptors are enough" "$(few_files 30 "for f in '$T/many/'*; do \$f 0.05; done"
		[ -e "$T/marker" ] || cat "$T/few")"
	says "30 descriptors: it is said what they were too few for" \
		'files could not be opened.*RLIMIT_NOFILE\) is 30' cat "$T/few"
	says "30 descriptors: so does the profile" 'files' pprof get "$P" 'not opened'
	check "30 descriptors: what to type" bash -c \
		"$(sed -n 's/^ *Type: \(ulimit -n [0-9]*\) .*/\1/p' "$T/few")"
	fails 125 "too few descriptors" bash -c "ulimit -n 18; '$PMUSCOPE' record -o '$P' -- true"
	says "too few descriptors: why, and what to type" 'RLIMIT_NOFILE\) is 18.* -n 1024' \
		bash -c "ulimit -n 18; '$PMUSCOPE' record -o '$P' -- true 2>&1 | tr '\\n' ' '"
}

check_several
check_stdout
check_refusals
check_full
check_few_files
plan
