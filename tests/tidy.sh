#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make tidy`: what static analysis finds; fails when it finds something.
set -euo pipefail
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
make --no-print-directory "$BUILD/gen/profile.pb-c.h" >/dev/null

mapfile -t sources < <(find agent pmu symbolizer exporters -name '*.c' | sort)
flags=(-std=gnu11 -O2 -I. -I"$BUILD/gen" -D_GNU_SOURCE '-DPMUSCOPE_VERSION=""'
	'-DPMUSCOPE_LIBEXEC=""')
# Descriptors and memory here are handed on by the dozen; two of these warn of each. The third one
# warns of arrays whose indices were proved before (rows_check()); clang's analyzer looks at those too.
quiet=(-Wno-analyzer-fd-leak -Wno-analyzer-malloc-leak -Wno-analyzer-use-of-uninitialized-value)

status=0
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -I{} \
	gcc "${flags[@]}" -fanalyzer "${quiet[@]}" -Werror -c -o /dev/null {} || status=1
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -I{} \
	clang-tidy --quiet {} -- "${flags[@]}" \
	2>/dev/null || status=1
mapfile -t scripts < <(grep -lE '^#!/bin/(ba)?sh' -r tests .ci packaging 2>/dev/null)
shellcheck -x "${scripts[@]}" || status=1
exit $status
