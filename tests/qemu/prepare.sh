#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fetches and builds what the tests beside this one boot: packages, a kernel, the cross build, an
# initramfs; what is there already is used again. Where something cannot be had, build-guest/why-not
# says what, and the tests are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

cannot() { # WHY
	mkdir -p build-guest
	rm -f build-guest/initrd.gz
	echo "$1" | tee build-guest/why-not >&2
	exit 0
}

tests/deps.sh build cross qemu || cannot "no QEMU or no cross compiler"
tests/sysroot.sh build-sysroot arm64 || cannot "no arm64 libraries"
tests/sysroot.sh --alone build-guest guest || cannot "no arm64 kernel or programs"
make --no-print-directory cross
tests/qemu/initrd.sh build-guest/initrd.gz
