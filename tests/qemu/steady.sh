#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# Time by instructions: figures do not depend on what else the host does.
# shellcheck source=tests/qemu/lib.sh
. "$(dirname "$0")/lib.sh"
guest steady neoverse-n1 -smp 1 -icount shift=1
