#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Recordings that perf makes here: convert and report them, and say what `perf script` says – as many
# samples, the same periods, the same leaves.
# timeout: 300
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need perf gcc

convert() { # ARG…: pmuscope convert; what it says is in $T/convert.log
	"$PMUSCOPE" convert "$@" >"$T/convert.log" 2>&1 </dev/null
}

perf_record() { # FILE ARG…
	local file=$1
	shift
	perf record -q -o "$file" "$@" >"$T/perf.log" 2>&1 </dev/null
}

# Samples, periods and leaves of a recording, as perf and as we read it.
same_as_perf() { # NAME FILE
	perf script --no-inline -F comm,tid,time,period,ip,sym,dso -i "$2" >"$T/script" 2>/dev/null || :
	check "$1" /usr/bin/python3 tests/recordings/perf_script.py "$T/script" "$3"
}

compile known known.c
go_first
if ! perf_record "$T/probe" -e cpu-clock -- true; then
	skip "recordings of perf" "perf cannot record here: $(head -1 "$T/perf.log")" && plan && exit 0
fi

# --- the forms that recordings have -------------------------------------------------------------

one_form() { # NAME ARG… -- COMMAND…
	local name=$1
	shift
	if ! perf_record "$T/$name.data" -e cpu-clock "$@"; then
		not_ok "$name: recorded" "$(cat "$T/perf.log")" && return
	fi
	check "$name: converted" convert "$T/$name.data" -o "$T/$name.pb.gz"
	same_as_perf "$name: as perf reads it" "$T/$name.data" "$T/$name.pb.gz"
}

one_form dwarf -F 499 --call-graph dwarf,8192 -- "$T/known" 1
check "the formats' own rules" pprof check "$T/dwarf.pb.gz"
sampled "stacks are unwound here" "$T/dwarf.pb.gz" '_start;.*main;three_quarters;rounds$' 30
share=$(weight "$T/dwarf.pb.gz" 'three_quarters;rounds$')
between "three quarters of the samples in their function" \
	$((100 * share / $(weight "$T/dwarf.pb.gz" '_quarters?;rounds'))) 65 85
one_form compressed -F 499 -z --call-graph dwarf,8192 -- "$T/known" 0.5
sampled "compressed stacks, too" "$T/compressed.pb.gz" '_start;.*main;three_quarters;rounds$' 15
one_form flat -F 499 -- "$T/known" 0.5
one_form chain -F 499 --call-graph fp -- "$T/known" 0.3
one_form fixed_period -c 2000000 --call-graph dwarf,4096 -- "$T/known" 0.3
one_form processes -F 499 --call-graph dwarf,16384 -- sh -c "$T/known 0.2 & $T/known 0.2; wait; ls /usr/lib >/dev/null"
if have python3 xz; then
	one_form python -F 499 --call-graph dwarf,16384 -- python3 -c \
		'for n in range(100): sorted(str(i) for i in range(10000))'
	one_form xz -F 499 --call-graph dwarf,16384 -- sh -c 'head -c 4000000 /dev/urandom | xz -1 >/dev/null'
fi
perf record -q -e cpu-clock -F 499 --call-graph dwarf,8192 -o - -- "$T/known" 0.5 \
	>"$T/pipe.data" 2>"$T/perf.log" </dev/null
sed -i '/^done$/d' "$T/pipe.data" # the command's own output goes the same way
check "pipe mode, from a file" convert "$T/pipe.data" -o "$T/pipe.pb.gz"
sampled "its stacks" "$T/pipe.pb.gz" '_start;.*main;three_quarters;rounds$' 15
if "$PMUSCOPE" convert -q - -o "$T/through.pb.gz" < <(cat "$T/pipe.data") >"$T/convert.log" 2>&1; then
	nothing "pipe mode, through a pipe: the same" \
		"$(diff <(pprof stacks "$T/pipe.pb.gz" | sort) <(pprof stacks "$T/through.pb.gz" | sort) | head -5)"
else
	not_ok "pipe mode, through a pipe" "$(cat "$T/convert.log")"
fi

# --- several outputs, and report ----------------------------------------------------------------

check "three formats at once" convert "$T/dwarf.data" -o "$T/o.pb.gz" -o "$T/o.folded" -o "$T/o.html"
nothing "folded stacks" "$(folded_broken "$T/o.folded")"
check "a flame graph" grep -q 'Content-Security-Policy' "$T/o.html"
says "report prints the functions" 'rounds +known$' "$PMUSCOPE" report "$T/dwarf.data" -n 5
says "report: options as for profiles" '^ +[0-9.]+ .* known$' \
	"$PMUSCOPE" report --by module "$T/dwarf.data"
says "report - reads a pipe" 'rounds +known' bash -c "cat '$T/pipe.data' | '$PMUSCOPE' report -"
says "where it was recorded is in the comments" "host: $(uname -n)" pprof comments "$T/dwarf.pb.gz"
says "and the command" "command: .*perf record" pprof comments "$T/dwarf.pb.gz"

# --- files that are elsewhere, or others ----------------------------------------------------------

mkdir -p "$T/root$T" "$T/plain"
mv "$T/known" "$T/root$T/known"
convert "$T/dwarf.data" -o "$T/gone.pb.gz" || :
says "a program that is gone is said" "file.* not here: .*$T/known" cat "$T/convert.log"
sampled "its frames stay addresses" "$T/gone.pb.gz" 'known\+0x[0-9a-f]+$' 15
gcc -O1 -o "$T/known" tests/live/programs/known.c
convert "$T/dwarf.data" -o "$T/other.pb.gz" || :
says "another build of it is said" 'another build than was recorded \(build ID\): .*known' \
	cat "$T/convert.log"
never_sampled "and not used" "$T/other.pb.gz" 'three_quarters|;main;'
check "--symfs" convert --symfs "$T/root" "$T/dwarf.data" -o "$T/symfs.pb.gz"
sampled "finds it there" "$T/symfs.pb.gz" 'three_quarters;rounds$' 30
says "and nothing else" 'file.* not there: .*libc' cat "$T/convert.log"
says "report --sysroot" 'rounds +known' "$PMUSCOPE" report --sysroot "$T/root" "$T/dwarf.data"
mv "$T/root$T/known" "$T/known"

# --- what is broken, and what is wrong ----------------------------------------------------------

head -c $(($(stat -c %s "$T/dwarf.data") / 2)) "$T/dwarf.data" >"$T/half.data"
check "half a file" convert "$T/half.data" -o "$T/half.pb.gz"
says "what is there is kept, and it is said" 'reading stopped at byte [0-9]+: it ends within a record' \
	cat "$T/convert.log"
# Where they lie in memory may have been in the other half: rings are written one by one.
sampled "its samples" "$T/half.pb.gz" . 20

cp "$T/dwarf.data" "$T/killed.data"
printf '\0\0\0\0\0\0\0\0' | dd of="$T/killed.data" bs=1 seek=48 conv=notrunc status=none
check "a killed recorder's file" convert "$T/killed.data" -o "$T/killed.pb.gz"
says "it is said" 'ended before it had finished' cat "$T/convert.log"
sampled "its samples are there" "$T/killed.pb.gz" 'three_quarters;rounds$' 30

echo hello >"$T/text"
fails 125 "a text is no recording" "$PMUSCOPE" convert "$T/text" -o "$T/x.pb.gz"
says "it is said" "text is no recording of perf" "$PMUSCOPE" convert "$T/text" -o "$T/x.pb.gz"
nothing "no output is left" "$(ls "$T"/x.pb.gz "$T"/.x.pb.gz* 2>/dev/null)"
fails 125 "no such file" "$PMUSCOPE" convert "$T/none" -o "$T/x.pb.gz"
fails 125 "no output named" "$PMUSCOPE" convert "$T/dwarf.data"
fails 125 "an output that cannot be" "$PMUSCOPE" convert "$T/dwarf.data" -o "$T/none/x.pb.gz"
fails 125 "an unknown format" "$PMUSCOPE" convert "$T/dwarf.data" -o "$T/x.svg"
fails 125 "no such root" "$PMUSCOPE" convert --symfs "$T/none" "$T/dwarf.data" -o "$T/x.pb.gz"
says "help" 'usage: pmuscope convert' "$PMUSCOPE" convert --help

if [ "$(id -u)" -eq 0 ]; then
	public_copy
	chmod 644 "$T/dwarf.data"
	mkdir -m 777 "$T/theirs"
	check "without any right" as_user "$PUBLIC" convert "$T/dwarf.data" -o "$T/theirs/p.pb.gz"
	sampled "the same stacks" "$T/theirs/p.pb.gz" '_start;.*main;three_quarters;rounds$' 30
fi
plan
