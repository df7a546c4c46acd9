#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make bench`: what pmuscope costs beside perf, and the OpenTelemetry profiler where OTEL names it,
# in one run on one load. Prints a markdown table. Arguments pick: cpu slowdown start memory fast first
# unwind. BENCH_SECONDS (30) is one recording's length, BENCH_INLINES=1 also times `perf script` with
# inlined functions (minutes).
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/live/lib.sh"

seconds=${BENCH_SECONDS:-30}
pairs=${BENCH_PAIRS:-5}
cpus=$(nproc)
source=tests/live/programs/busy.cc
rows=$T/rows

cost() { # [--memory] COMMAND…: sets $cpu $elapsed $kb
	local memory=
	if [ "$1" = --memory ]; then memory=--memory && shift; fi
	/usr/bin/python3 tests/cost.py $memory "$T/cost" "$@" >"$T/out" 2>"$T/err" </dev/null || :
	read -r cpu elapsed kb <"$T/cost"
}

row() { # WHAT PMUSCOPE PERF OTEL TARGET
	printf '| %s | %s | %s | %s | %s |\n' "$@" >>"$rows"
}

of() { # A B FORMAT: A / B
	awk -v a="$1" -v b="$2" -v f="${3:-%.2f}" 'BEGIN { if (b + 0) printf f, a / b; else printf "–" }'
}

add() { # NUMBER…
	printf '%s\n' "$@" | awk '{ s += $1 } END { printf "%.3f", s }'
}

median() { # of the lines of standard input
	sort -g | awk '{ v[NR] = $1 } END { printf "%.3f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

compile() {
	g++ -std=c++17 -O2 -g -c -o "$T/busy.$1.o" $source
}

compile_forever() { # NUMBER
	while :; do compile "$1"; done
}

start_load() { # every CPU busy compiling C++
	local i
	jobs_of_load=()
	for i in $(seq "$cpus"); do
		background compile_forever "$i"
		jobs_of_load+=("$load")
	done
	sleep 1
}

stop_all_load() {
	for load in "${jobs_of_load[@]}"; do stop_load "$load"; done
}

comment() { # NAME: of the last profile; its first word
	{ pprof get "$T/bench.pb.gz" "$1" || echo '?'; } 2>/dev/null | awk '{ print $1 }'
}

ours() { # SECONDS HZ [--memory]
	rm -f "$T/bench.pb.gz"
	cost ${3-} "$PMUSCOPE" record -q -a -F "$2" -d "$1" -o "$T/bench.pb.gz"
	[ -s "$T/bench.pb.gz" ] || { cat "$T/err" >&2 && exit 1; }
}

perfs() { # SECONDS HZ [--memory]
	cost ${3-} perf record -q -a -F "$2" --call-graph dwarf,16384 -o "$T/perf.data" -- sleep "$1"
}

# SECONDS HZ: false where it is not at hand; sets $cpu, that of its processes, $bpf, of its programs in
# the kernel, $begin, what loading them took, $kb and $map_kb. It profiles only once somebody listens.
otels() {
	[ -x "${OTEL-}" ] || return 1
	if ! sink || ! /usr/bin/python3 tests/bpf_cost.py "$T/cost" "$1" "${otel[@]}" \
		-samples-per-second "$2" >"$T/out" 2>"$T/err" </dev/null; then
		tail -n 3 "$T/out" "$T/err" >&2
		echo "$OTEL did not profile: its column stays empty" >&2
		return 1
	fi
	read -r cpu bpf begin kb map_kb <"$T/cost"
}

sink() { # once; sets otel, the profiler with what tells it of the sink
	[ ! -e "$T/port" ] || return 0
	background /usr/bin/python3 tests/sink.py "$T/port"
	wait_for 5 test -e "$T/port" || return
	otel=("$OTEL" -collection-agent "127.0.0.1:$(cat "$T/port")" -disable-tls
		-no-kernel-version-check)
}

effective_rate() { # HZ: the last profile's, in percent of it on every CPU
	of "$((100 * $(comment samples)))" "$((seconds * cpus * $1))" %.1f
}

bench_cpu() {
	local our record script inlines=SKIP peer=0 words=SKIP machine
	start_load
	ours "$seconds" 99 && our=$cpu
	perfs "$seconds" 99 && record=$cpu
	if otels "$seconds" 99; then
		peer=$(add "$cpu" "$bpf")
		words="$peer ($cpu + BPF $bpf; to start $begin)"
	fi
	stop_all_load
	machine=$(of "$our" "$((seconds * cpus))" %.5f | awk '{ printf "%.2f", 100 * $1 }')
	row "rate reached, 99 Hz; lost" "$(effective_rate 99) %; $(comment lost)" – – '≥ 95 %; 0'
	cost perf script --no-inline -i "$T/perf.data" && script=$cpu
	if [ "${BENCH_INLINES-}" = 1 ]; then
		cost timeout 900 perf script -i "$T/perf.data" && inlines=$cpu
	fi
	row "CPU s, $seconds s recorded and written" "$our" \
		"$(add "$record" "$script") ($record + $script)" "$words" "≤ 1/4 of perf, ≤ 1/5 of otel"
	row "… as a part of perf's, otel's" – "$(of "$our" "$(add "$record" "$script")")" \
		"$(of "$our" "$peer")" '0.25, 0.20'
	row "… as a share of the machine" "$machine %" – – '< 0.5 %'
	row '… perf script with inlined functions' – "$inlines" – –
}

timed_work() { # seconds for a fixed amount of compiling on all CPUs
	local start i
	start=$(date +%s.%N)
	local jobs=()
	for i in $(seq "$cpus"); do compile "$i" & jobs+=($!); done
	wait "${jobs[@]}"
	date +%s.%N | awk -v s="$start" '{ print $1 - s }'
}

with_recorder() { # SECONDS COMMAND…: timed work while it runs; it needs so many to start
	local settle=$1
	shift
	"$@" >"$T/out" 2>&1 </dev/null &
	recorder=$!
	sleep "$settle"
	timed_work
	kill -INT $recorder 2>/dev/null
	wait $recorder || :
	recorder=
}

bench_slowdown() { # one after the other, again and again, so that drift meets both
	local i without peer=SKIP
	timed_work >/dev/null
	for i in $(seq "$pairs"); do
		without=$(timed_work)
		of "$(with_recorder 1 "$PMUSCOPE" record -q -a -F 99 -o "$T/slow.pb.gz")" "$without" '%.4f\n' >>"$T/ours"
		of "$(with_recorder 1 perf record -q -a -F 99 --call-graph dwarf,16384 -o "$T/slow.data")" \
			"$without" '%.4f\n' >>"$T/perfs"
		[ -x "${OTEL-}" ] && sink || continue
		of "$(with_recorder 6 "${otel[@]}" -samples-per-second 99)" "$without" '%.4f\n' >>"$T/otels"
	done
	[ ! -e "$T/otels" ] || peer=$(median_and_range "$T/otels")
	row "time of the load itself, recorded / not, median of $pairs pairs" \
		"$(median_and_range "$T/ours")" "$(median_and_range "$T/perfs")" "$peer" –
}

median_and_range() { # FILE
	echo "$(median <"$1") ($(sort -g "$1" | sed -n '1p;$p' | paste -sd-))"
}

bench_start() {
	local i
	for i in 1 2 3 4 5; do
		cost "$PMUSCOPE" record -q -o "$T/true.pb.gz" -- true && echo "$elapsed" >>"$T/true.ours"
		cost perf record -q -o "$T/true.data" -- true && echo "$elapsed" >>"$T/true.perf"
	done
	row '`record -- true`, s' "$(median <"$T/true.ours")" "$(median <"$T/true.perf")" – '≤ 0.15, ≤ perf'
}

bench_memory() {
	local i our perf peer=SKIP
	for i in $(seq 100); do
		background /usr/bin/python3 -c 'import time
while True: sum(range(20000)); time.sleep(0.02)'
	done
	sleep 3
	ours 10 99 --memory && our=$kb
	perfs 10 99 --memory && perf=$kb
	if otels 10 99; then peer="$(of "$kb" 1024 %.1f) (+ BPF maps $(of "$map_kb" 1024 %.1f))"; fi
	row 'resident MB, rings apart, 100 processes' "$(of "$our" 1024 %.1f)" "$(of "$perf" 1024 %.1f)" \
		"$peer" '≤ 64'
	for load in "${loads[@]}"; do kill -- "-$load" 2>/dev/null || :; done
}

bench_fast() {
	start_load
	ours 10 997
	stop_all_load
	row '997 Hz on all CPUs: samples; lost' "$(comment samples); $(comment lost)" – – 'lost 0'
}

huge_source() { # assembly of 100 MB of functions with unwind information, one of which is called
	cat <<-'END'
		.text
		.macro body
			.cfi_startproc
			push %rbx
			.cfi_def_cfa_offset 16
			.cfi_offset %rbx, -16
			.fill 508, 1, 0x90
			pop %rbx
			.cfi_def_cfa_offset 8
			ret
			.cfi_endproc
		.endm
		.rept 100000
			body
		.endr
		.globl middle
		.type middle, @function
		middle: body
		.size middle, . - middle
		.rept 100000
			body
		.endr
		.section .note.GNU-stack, "", @progbits
	END
}

bench_first() {
	local first=SKIP
	if [ "$(uname -m)" = x86_64 ]; then
		huge_source >"$T/huge.s"
		echo 'void middle(void); int main(void) { for (long i = 0; i < 4000000; i++) middle(); }' >"$T/huge.c"
		gcc -O1 -o "$T/huge" "$T/huge.c" "$T/huge.s"
		cost "$PMUSCOPE" record -q -F 997 -o "$T/bench.pb.gz" -- "$T/huge"
		first=$(comment 'first stack')
	fi
	row "first complete stack of a $(du -m "$T/huge" | cut -f1) MB executable, ms after its first sample" \
		"$first" – – '≤ 50'
}

bench_unwind() { # the same samples of a compiler, unwound warm by us and by libdwfl
	local ours=SKIP dwfl=SKIP out=$T/unwind pid
	background compile_forever unwind
	wait_for 5 pgrep -x cc1plus || :
	pid=$(pgrep -nx cc1plus)
	if [ -n "$pid" ] && "$BUILD/oracle-unwind" "$pid" 500 50 >"$out" 2>&1; then
		ours=$(awk '/^ours ns/ { print $NF }' "$out") dwfl=$(awk '/^libdwfl ns/ { print $NF }' "$out")
	fi
	stop_load "$load"
	row 'warm unwinding, ns a frame (perf: libdwfl)' "$ours" "$dwfl" – '≤ 100'
}

[ $# -gt 0 ] || set -- cpu slowdown start memory fast first unwind
: >"$rows"
for part in "$@"; do "bench_$part"; done
echo "$(date -u +%F), $cpus CPUs ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)), Linux $(uname -r), $("$PMUSCOPE" --version | head -1), $(perf --version)"
echo
echo '| | pmuscope | perf | otel | target |'
echo '| --- | --- | --- | --- | --- |'
cat "$rows"
