#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real recordings of other machines (hardware PMUs, perf 3.4 to 7.0, Android's simpleperf), held
# against what other readers got. They are not part of this repository: RECORDINGS names their
# folder.
# timeout: 300
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"

RECORDINGS=${RECORDINGS:-../shared/testdata}
if [ ! -e "$RECORDINGS/expected.json" ]; then
	skip "real recordings" "no folder $RECORDINGS" && plan && exit 0
fi
/usr/bin/python3 tests/recordings/compare.py "$BUILD/recordings-read" "$PMUSCOPE" "$RECORDINGS"
