# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Boots a guest with an emulated PMU and passes on what the test in it says:
#     . "$(dirname "$0")/lib.sh"; guest NAME CPU [OPTION…]
# runs tests/qemu/guest/NAME.sh in it. `make check-qemu` has prepared build-guest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/tap.sh
. tests/tap.sh

GUEST=build-guest

# Why there is no guest, if there is none.
lacking() {
	if ! command -v qemu-system-aarch64 >/dev/null; then echo "no qemu-system-aarch64 here"; fi
	if [ ! -e $GUEST/initrd.gz ]; then cat $GUEST/why-not 2>/dev/null || echo "make check-qemu"; fi
}

guest() { # NAME CPU OPTION…
	local name=$1 cpu=$2 why
	shift 2
	why=$(lacking | head -1)
	if [ -n "$why" ]; then skip "a guest" "cannot be had: $why" && plan && exit; fi
	qemu-system-aarch64 -M virt,gic-version=3 -cpu "$cpu" -m 768 -nographic -nodefaults \
		-serial stdio -no-reboot -kernel $GUEST/boot/vmlinuz-* -initrd $GUEST/initrd.gz \
		-append "console=ttyAMA0 loglevel=3 panic=-1 test=$name" "$@" </dev/null | tr -d '\r'
}
