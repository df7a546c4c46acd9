# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What every test script speaks: TAP. A script ends with `plan`; one that does not get there has
# failed.

tap_tests=0 tap_failed=0

ok() { # NAME
	tap_tests=$((tap_tests + 1))
	echo "ok - $1"
}

not_ok() { # NAME [WHY]
	tap_tests=$((tap_tests + 1)) tap_failed=$((tap_failed + 1))
	echo "not ok - $1"
	if [ -n "${2-}" ]; then echo "# ${2//$'\n'/$'\n'# }"; fi
}

skip() { # NAME WHY
	tap_tests=$((tap_tests + 1))
	echo "ok - $1 # SKIP $2"
}

plan() {
	echo "1..$tap_tests"
	[ $tap_failed -eq 0 ]
}

nothing() { # NAME TEXT: passes when TEXT, what was found wrong, is empty
	if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$2"; fi
}

check() { # NAME COMMAND…: passes when it succeeds; shows its output when it does not
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "status $?: $*"$'\n'"$output"; fi
}

fails() { # STATUS NAME COMMAND…: passes when it ends with exactly that status
	local want=$1 name=$2 output status=0
	shift 2
	output=$("$@" 2>&1) || status=$?
	if [ $status -eq "$want" ]; then ok "$name"; else
		not_ok "$name" "status $status, not $want: $*"$'\n'"$output"
	fi
}

says() { # NAME PATTERN COMMAND…: its output, whatever its status, matches the extended expression
	local name=$1 pattern=$2 output
	shift 2
	output=$("$@" 2>&1) || :
	if grep -qE -- "$pattern" <<<"$output"; then ok "$name"; else
		not_ok "$name" "no /$pattern/ in the output of: $*"$'\n'"$output"
	fi
}
