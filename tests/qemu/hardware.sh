#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# A machine with a PMU, as most aarch64 servers have.
# shellcheck source=tests/qemu/lib.sh
. "$(dirname "$0")/lib.sh"
guest hardware neoverse-n1 -smp 2
