#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The unit tests as they were built for aarch64. What they lack here (a compiler, other people's
# programs) they skip; those that are nothing without a compiler, or only change bytes for a long
# time, are left to the host.
export CMOCKA_MESSAGE_OUTPUT=TAP
for test in build/tests/*/test_*; do
	case ${test##*/} in
	test_image | test_names | test_names_*) continue ;;
	*_mutation | test_kallsyms | test_perfmap | test_html | test_pprof | test_sysfs | test_tracefs) continue ;;
	esac
	echo "# $test"
	status=0
	"$test" </dev/null || status=$?
	if [ $status -gt 128 ]; then echo "not ok - ${test##*/} died by signal $((status - 128))"; fi
done

# Every page of Debian's files for this machine: rows beside libdw's reading of the same CFI.
# shellcheck source=tests/tap.sh
. tests/tap.sh
for file in /lib/aarch64-linux-gnu/{libc.so.6,libcrypto.so.3,libdw.so.1,libpfm.so.4} \
	/lib/ld-linux-aarch64.so.1 /bin/bash; do
	says "rows as libdw: $file" ' [1-9][0-9]{2,} compared, 0 differ, .* 0 bad' \
		build/tests/symbolizer/test_unwind "$file"
done
plan
