#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One CPU whose time is its instructions, two nanoseconds each: what is counted can be foretold.
# shellcheck source=tests/qemu/guest/lib.sh
. tests/qemu/guest/lib.sh

# The clock runs at a GHz, so that three seconds are 3 000 000 000 cycles, whoever has used them.
load /programs/chain deep 1000
take -a -e cycles -F 997 -d 3
between "997 Hz for three seconds" $(($(samples) + $(lost))) 2900 3100
between "997 Hz: none is lost" "$(lost)" 0 0
between "997 Hz: all the cycles" $(($(sum) / 1000000)) 2850 3150
take -a -e cycles -c 2000000 -d 3
between "one in two million for three seconds" $(($(samples) + $(lost))) 1450 1550
take -p "$load" -e cycles:u -c 1000000 -d 2
share "by period: the known chain" ';main;first;second;third;fourth;spin' 90
take -a -e instructions -F 200 -d 2
log_has "instructions are there" ' instructions at 200 Hz'
between "instructions: one in two cycles, all of two seconds" $(($(sum) / 1000000)) 850 1100
take -a -e cycles,instructions -F 199 -d 2
log_has "both at once" ' cycles, instructions at 199 Hz'
between "both at once: nobody waits for a counter" "$(running)" 99 100

# Nobody reads for a second and a half: every sample is in the ring, or counted as lost.
take_without_reading -a -e cycles -F 997 -d 4
least "a reader that stops: samples are lost" "$(lost)" 50
between "a reader that stops: and all are counted" $(($(samples) + $(lost))) 3850 4150
log_has "a reader that stops: it is said" 'note: [0-9]+ samples \([0-9.]+ %\) found no room in the ring'

for form in pb.gz html folded; do
	check "an output: .$form" "$PMUSCOPE" record -q -p "$load" -F 499 -d 0.5 -o "$T/x.$form"
done
says "report reads it" 'spin +chain' "$PMUSCOPE" report "$T/x.pb.gz"
stop_load "$load"
plan
