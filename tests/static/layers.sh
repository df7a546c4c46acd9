#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The order of the house, read off its #include lines:
#   agent/base < agent/wire < pmu < pmu/perfdata < agent/{space,unwind,window,helpers} < agent/collect
#   < agent/cmd
# symbolizer/ and exporters/ know agent/base, agent/wire and themselves. One file knows the kernel's
# perf ABI, one file each library.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/tap.sh

# FILE HEADER of every include, the <…> kept.
includes() {
	grep -rE --include='*.[chS]' '^[[:space:]]*#[[:space:]]*include' agent pmu symbolizer exporters |
		sed -nE 's/^([^:]*):[^<"]*("([^"]*)"|(<[^>]*>)).*/\1 \3\4/p' | sort -u
}

# A folder, then what it may include from this repository besides itself.
folders='
agent/base
agent/wire     agent/base
pmu            agent/base agent/wire
pmu/perfdata   agent/base agent/wire pmu
agent/space    agent/base agent/wire pmu agent/unwind agent/window agent/helpers
agent/unwind   agent/base agent/wire pmu agent/space agent/window agent/helpers
agent/window   agent/base agent/wire pmu agent/space agent/unwind agent/helpers
agent/helpers  agent/base agent/wire pmu agent/space agent/unwind agent/window
agent/collect  agent/base agent/wire pmu pmu/perfdata agent/space agent/unwind agent/window agent/helpers
agent/cmd      agent/base agent/wire pmu pmu/perfdata agent/space agent/unwind agent/window agent/helpers agent/collect
agent          agent/base agent/wire pmu pmu/perfdata agent/space agent/unwind agent/window agent/helpers agent/collect agent/cmd
symbolizer     agent/base agent/wire
exporters      agent/base agent/wire
exporters/page'

# A header that is wrapped: who may include it, and how many files at most (0: any number).
wrapped='
<linux/perf_event.h>  pmu/abi.h              1
pmu/abi.h             pmu/*                  0
<zstd.h>              @(symbolizer|pmu/perfdata)/* 2
<perfmon/*            pmu/*                  1
<seccomp.h>           agent/base/*           1
<cap-ng.h>            agent/base/*           1
<libdw.h>             symbolizer/*           0
<elfutils/*           symbolizer/*           0
<dwarf.h>             symbolizer/*           0
<libelf.h>            symbolizer/*           0
<gelf.h>              symbolizer/*           0
<lzma.h>              symbolizer/*           2
<demangle.h>          symbolizer/*           1
<libiberty/*          symbolizer/*           1
<zlib.h>              exporters/*            2
<protobuf-c/*         exporters/*            1
profile.pb-c.h        exporters/*            2'

outside() { # FOLDER ALLOWED…: includes of FOLDER's files from elsewhere in the house
	local folder=$1 file header dir
	while read -r file header; do
		[ "${file%/*}" = "$folder" ] || continue
		case $header in '<'* | *.pb-c.h) continue ;; esac
		dir=${header%/*}
		case " $* " in *" $dir "*) ;; *) echo "$file includes $header" ;; esac
	done <"$list"
}

trespassers() { # PATTERN WHO MOST
	local file header
	while read -r file header; do
		# shellcheck disable=SC2053
		[[ $header == $1 ]] || continue
		# shellcheck disable=SC2053
		[[ $file == $2 ]] && echo "$file" >>"$list.users" || echo "$file includes $header"
	done <"$list"
	if [ "$3" -gt 0 ] && [ "$(sort -u "$list.users" | wc -l)" -gt "$3" ]; then
		echo "more than $3: $(sort -u "$list.users" | paste -sd' ')"
	fi
}

edges() { # between the agent's folders
	local file header
	while read -r file header; do
		case $file:$header in agent/*/*:agent/*/*) echo "${file%/*} ${header%/*}" ;; esac
	done <"$list" | sort -u | awk '$1 != $2'
}

unlisted() { # folders with sources that the table above does not name
	sed 's|/[^/]* .*||' "$list" | sort -u |
		grep -vxFf <(awk 'NF {print $1}' <<<"$folders") || :
}

list=$(mktemp)
trap 'rm -f "$list" "$list.users"' EXIT
includes >"$list"
[ -s "$list" ]

nothing "every folder has its place" "$(unlisted)"
while read -r folder allowed; do
	# shellcheck disable=SC2086 # a list of words
	[ -z "$folder" ] || nothing "$folder includes nothing above it" "$(outside $folder $allowed)"
done <<<"$folders"
while read -r pattern who most; do
	[ -n "$pattern" ] || continue
	: >"$list.users"
	nothing "$pattern only in $who" "$(trespassers "$pattern" "$who" "$most")"
done <<<"$wrapped"
nothing "no cycle between the agent's folders" "$(edges | tsort 2>&1 >/dev/null)"
plan
