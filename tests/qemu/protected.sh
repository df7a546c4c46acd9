#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# A machine with pointer authentication and branch target identification.
# shellcheck source=tests/qemu/lib.sh
. "$(dirname "$0")/lib.sh"
guest protected max -smp 1 -icount shift=3
