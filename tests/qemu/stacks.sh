#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# Stacks, on a machine whose time is its instructions.
# shellcheck source=tests/qemu/lib.sh
. "$(dirname "$0")/lib.sh"
guest stacks neoverse-n1 -smp 1 -icount shift=3
