#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# google/pprof (as it comes with Go) reads what we write, and we read what Go writes; both see the
# same numbers.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/live/workloads.sh
. tests/live/workloads.sh # free_port
need go curl

export LC_ALL=C.UTF-8
profile=$T/profile.pb.gz
check "a profile is written" "$BUILD/tests/exporters/test_pprof" --write "$profile"

report() { # ARG…
	"$BUILD/pmuscope-exporter" report "$@" 2>&1
}

# "FLAT% CUM% NAME" of named functions, to one digit, sorted: of pprof's -top and of report.
theirs() { # FILE
	go_pprof -top -nodecount=1000 -nodefraction=0 -edgefraction=0 "$1" |
		sed -n '/flat%/,$p' | sed -e 1d -e 's/ (inline)$//' |
		awk '{ n = $6; for (i = 7; i <= NF; i++) n = n " " $i
			printf "%.1f %.1f %s\n", $2, $5, n }' | grep -v '+0x\|<unknown>' | sort
}

ours() { # FILE
	report "$1" -n 1000 | sed -n '/self %/,$p' | sed -e 1d -e '$d' |
		awk '{ printf "%.1f %.1f %s\n", $1, $3, $4 }' | grep -v '+0x' | sort
}

# A tenth of a point apart is rounding: pprof prints two digits, we print one.
compare() { # NAME FILE
	local wrong
	wrong=$(paste -d' ' <(ours "$2" | sort -k3) <(theirs "$2" | sort -k3) | awk '
		function far(a, b) { return a - b > 0.11 || b - a > 0.11 }
		$3 != $6 || far($1, $4) || far($2, $5)
		END { if (NR < 3) print "only", NR, "functions" }')
	nothing "$1" "$wrong"
}

says "-top reads it" 'Type: cpu_clock' go_pprof -top "$profile"
says "-top knows time and duration" 'Duration: 2s, Total samples = 2000ms' go_pprof -top "$profile"
compare "-top and report agree" "$profile"
says "-peek: callers and callees" '800ms 61.54% \|   leaf' go_pprof -peek '^main$' "$profile"
says "-traces: labels" 'pid:  10' go_pprof -traces "$profile"
says "-traces: a cpu 0 is kept" 'cpu:  0' go_pprof -traces "$profile"
says "-raw: comments" 'quality: A' go_pprof -comments "$profile"
says "-raw: build ID and what holds for all of a mapping" \
	'^1: 0x1000/0x11000/0x0 /usr/bin/demo 0123456789abcdef \[FN\]\[FL\]\[LN\]\[IN\]' \
	go_pprof -raw "$profile"
says "-raw: a mapping with unnamed code claims no functions" \
	'^[0-9]+: 0x0/0x10000/0x0 /opt/libvendor.so fedcba9876543210 *$' go_pprof -raw "$profile"
says "-raw: inlined functions at one location" 'M=1 inlined<int> /src/demo.c:11' \
	go_pprof -raw "$profile"
says "samples are a type of their own" 'leaf' go_pprof -top -sample_index=samples "$profile"
says "-tagfocus" '1200ms 60.00%  main' go_pprof -top -tagfocus=pid=10 "$profile"

mkdir -p "$T/source"
seq -f 'line %g' 40 >"$T/source/demo.c"
says "-list shows source" '800ms +22:line 22' \
	go_pprof -source_path="$T/source" -trim_path=/src -list leaf "$profile"

port=$(free_port)
background go_pprof -no_browser -http="127.0.0.1:$port" "$profile"
# shellcheck disable=SC2317 # called by wait_for
page() { curl -sf "http://127.0.0.1:$port/ui/$1"; }
if wait_for 20 page top; then
	says "-http: the table" 'LazyCompile' page top
	says "-http: the flame graph" 'recurse' page flamegraph
else
	not_ok "-http" "$(tail -5 "$T/background.log")"
fi

# A profile by Go's own hand.
export GOCACHE=${GOCACHE:-$HOME/.cache/go-build}
GO111MODULE=off GOTOOLCHAIN=local go build -o "$T/profiled" tests/live/programs/profiled.go
"$T/profiled" "$T/go.pb.gz"
says "report reads Go's profile" '^profiled, 1\.[0-9]+ s, [0-9]+ samples of cpu at 100 Hz' \
	report "$T/go.pb.gz"
compare "report and -top agree on Go's profile" "$T/go.pb.gz"
gzip -dc "$T/go.pb.gz" >"$T/go.pb"
says "without gzip, too" 'main\.burn' report "$T/go.pb"
says "from standard input" 'main\.burn' report - <"$T/go.pb.gz"
says "its lines" 'profiled\.go:[0-9]+' report "$T/go.pb.gz" --by line

# What is no profile says what it is.
fails 125 "a program" report /bin/true
says "a program is named" 'ELF' report /bin/true
head -c $(($(stat -c %s "$profile") / 2)) "$profile" >"$T/half.pb.gz"
says "a cut profile says where" 'byte [0-9]+.*cut off' report "$T/half.pb.gz"

plan
