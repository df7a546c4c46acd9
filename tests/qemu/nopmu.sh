#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# The same machine without one: the control for what is said when there are no counters.
# shellcheck source=tests/qemu/lib.sh
. "$(dirname "$0")/lib.sh"
guest nopmu neoverse-n1,pmu=off -smp 2
