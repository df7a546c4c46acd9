#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make run`: records while this repository is compiled again and again, prints the top functions.
# Arguments are `record`'s; they replace the defaults one by one: outputs, target, duration.
set -euo pipefail
cd "$(dirname "$0")/.."
pmuscope=${BUILD:-build}/pmuscope
work=$(mktemp -d)

outputs=() target='' seconds='' command=0

read_arguments() { # ARG…: what was asked for
	while [ $# -gt 0 ]; do
		case $1 in
		-o | -f) outputs+=("${2-}") && shift ;;
		-[of]?*) outputs+=("${1:2}") ;;
		-a) target=all ;;
		-[ptG]) target=some && shift ;;
		-[ptG]?*) target=some ;;
		-d) seconds=${2-} && shift ;;
		-d?*) seconds=${1:2} ;;
		-[eFcC] | --call-graph | --stack-size) shift ;;
		--) command=1 && break ;;
		-*) ;;
		*) target=some ;;
		esac
		shift || :
	done
	if [ $command -eq 1 ] && [ -z "$target" ]; then target=some; fi
}

may_record_all() {
	[ "$(id -u)" -eq 0 ] || [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 0 ]
}

set_defaults() { # options: what was not asked for
	options=()
	if [ ${#outputs[@]} -eq 0 ]; then
		outputs=(profile.pb.gz profile.html)
		options+=(-o profile.pb.gz -o profile.html)
	fi
	if [ -z "$target" ]; then
		if may_record_all; then target=all && options+=(-a); else target=compilation; fi
	fi
	if [ -z "$seconds" ] && [ $command -eq 0 ]; then seconds=10 && options+=(-d 10); fi
}

compile() { # until it is stopped; as many jobs as CPUs
	while :; do
		rm -rf "$work/build"
		make --no-print-directory -j"$(nproc)" BUILD="$work/build" all unit || sleep 0.2
	done </dev/null >/dev/null 2>&1
}

start_load() { # in a process group of its own
	set -m
	compile &
	load=$!
	set +m
}

clean_up() {
	if [ -n "${load-}" ]; then
		kill -- "-$load" 2>/dev/null || :
		wait "$load" 2>/dev/null || :
	fi
	rm -rf "$work" 2>/dev/null || { sleep 0.5 && rm -rf "$work"; }
}

record() { # ARG…
	case $target in
	all) start_load && "$pmuscope" record "${options[@]}" "$@" ;;
	some) "$pmuscope" record "${options[@]}" "$@" ;;
	compilation)
		echo "not root: recording the compilation, not the whole machine" >&2
		start_load
		"$pmuscope" record "${options[@]}" -p "$load" "$@"
		;;
	esac
}

read_arguments "$@"
set_defaults
trap clean_up EXIT
trap 'exit 130' INT TERM
record "$@"
for output in "${outputs[@]}"; do
	case $output in *.pb.gz) "$pmuscope" report "$output" -n 15 && break ;; esac
done
echo "files: ${outputs[*]}"
