#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# record -o FILE.perf.data: perf opens it and unwinds it as we did; so do we.
# timeout: 300
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"
need perf gcc

compile known known.c
go_first

# Samples, periods and leaves: perf's reading of the recording against the profile beside it.
same_as_perf() { # NAME RECORDING PROFILE [--counts]
	perf script --no-inline -F comm,tid,time,period,ip,sym,dso -i "$2" >"$T/script" 2>"$T/perf.log" || :
	check "$1" /usr/bin/python3 tests/recordings/perf_script.py "$T/script" "${@:3}"
}

# Stacks and how often, without the second that each was met in: it is counted from another time.
stacks() { # PROFILE
	pprof stacks "$1" | sed 's/ window=[0-9]*//' |
		awk -F'\t' '{ n[$2 FS $3] += $1 } END { for (k in n) print n[k] FS k }' | sort
}

read_back() { # NAME RECORDING PROFILE
	"$PMUSCOPE" convert -q "$2" -o "$T/back.pb.gz" >"$T/convert.log" 2>&1 || :
	nothing "$1" "$(diff <(stacks "$3") <(stacks "$T/back.pb.gz") | cut -c1-300 | head -12)"
}

# --- a command ----------------------------------------------------------------------------------

check "a recording and a profile" record -e cpu-clock -F 499 -o "$T/k.perf.data" -o "$T/k.pb.gz" \
	-- "$T/known" 1
same_as_perf "perf reads as many samples" "$T/k.perf.data" "$T/k.pb.gz"
nothing "perf has nothing to complain of" "$(grep -v '^$' "$T/perf.log" | head -3)"
says "perf unwinds them" 'three_quarters main __libc_start_call_main .* _start' bash -c \
	"perf script --no-inline -F ip,sym -i '$T/k.perf.data' 2>/dev/null | awk 'NF { printf \"%s \", \$2; next } { print \"\" }'"
says "perf report" '[0-9.]+%.*three_quarters' bash -c "perf report --stdio --no-inline -g none --no-children -i '$T/k.perf.data' 2>/dev/null"
read_back "we read what we recorded" "$T/k.perf.data" "$T/k.pb.gz"
says "who and where" "hostname : $(uname -n)" perf report --header-only -i "$T/k.perf.data"
says "how" 'cmdline : .*record.* -F 499' perf report --header-only -i "$T/k.perf.data"
says "build IDs" "^[0-9a-f]{40} $T/known\$" perf buildid-list -i "$T/k.perf.data"
nothing "nobody else may read it" "$(stat -c %a "$T/k.perf.data" | grep -vx 600)"

check "frame pointers" record -e cpu-clock -F 499 --call-graph fp -o "$T/f.perf.data" \
	-o "$T/f.pb.gz" -- "$T/known" 0.5
same_as_perf "perf reads them" "$T/f.perf.data" "$T/f.pb.gz"
check "two events" record -e cpu-clock,page-faults -c 1000000 -o "$T/e.perf.data" -o "$T/e.pb.gz" \
	-- sh -c "$T/known 0.3; ls -R /usr/share >/dev/null 2>&1"
same_as_perf "of both" "$T/e.perf.data" "$T/e.pb.gz" --counts
read_back "and we" "$T/e.perf.data" "$T/e.pb.gz"

# --- what was there before ------------------------------------------------------------------------

background "$T/known" 60
check "a process that runs already" record -p "$load" -d 1 -e cpu-clock -F 499 \
	-o "$T/p.perf.data" -o "$T/p.pb.gz"
same_as_perf "perf knows what it had mapped" "$T/p.perf.data" "$T/p.pb.gz"
read_back "so do we" "$T/p.perf.data" "$T/p.pb.gz"
if "$PMUSCOPE" record -q -a -d 1 -e cpu-clock -F 199 -o "$T/a.perf.data" -o "$T/a.pb.gz" \
	>"$T/record.log" 2>&1; then
	# Whose files they are, and where, is different for the two readers.
	same_as_perf "the whole machine" "$T/a.perf.data" "$T/a.pb.gz" --counts
else
	skip "the whole machine" "$(head -1 "$T/record.log")"
fi
stop_load "$load"

# --- what cannot be -------------------------------------------------------------------------------

fails 125 "two recordings" "$PMUSCOPE" record -o "$T/x.perf.data" -o "$T/y.perf.data" -- true
ln -s /dev/null "$T/null.perf.data"
says "a device cannot hold one" 'needs a file, not a pipe' \
	"$PMUSCOPE" record -o "$T/null.perf.data" -- true
if [ "$(id -u)" -eq 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=2m none "$T/small" 2>/dev/null; then
	finally "umount $T/small"
	"$PMUSCOPE" record -q -e cpu-clock -F 499 -o "$T/small/x.perf.data" -o "$T/x.pb.gz" \
		-- "$T/known" 1 >"$T/record.log" 2>&1 || :
	says "a full disk is said" 'disk was full' cat "$T/record.log"
	check "the profile is there all the same" test -s "$T/x.pb.gz"
	check "what was written can be read" "$PMUSCOPE" convert -q "$T/small/x.perf.data" \
		-o "$T/small.pb.gz"
	sampled "its samples" "$T/small.pb.gz" . 5
else
	skip "a full disk" "nothing can be mounted here"
fi
plan
