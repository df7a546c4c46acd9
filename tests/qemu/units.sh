#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# The unit tests, as they were built for aarch64.
# shellcheck source=tests/qemu/lib.sh
. "$(dirname "$0")/lib.sh"
guest units neoverse-n1 -smp 2
