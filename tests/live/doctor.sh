#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pmuscope doctor, and every command that a message tells people to type.
# shellcheck source=tests/live/lib.sh
. "$(dirname "$0")/lib.sh"

fails 0 "doctor --help" "$PMUSCOPE" doctor --help
fails 125 "doctor with a name is wrong usage" "$PMUSCOPE" doctor nginx
fails 125 "doctor with two words is wrong usage" "$PMUSCOPE" doctor 1 2

# --- the table of hints is whole ------------------------------------------------------------

table=$(sed -n '/#define HINTS(X)/,/^$/p' pmu/hints.h)
nothing "every hint is in the table" "$(
	sed -n 's/^#define \(HINT_[A-Z_]*\) .*/\1/p' pmu/hints.h | while read -r hint; do
		grep -qw "$hint" <<<"$table" || echo "$hint"
	done
)"
nothing "no other file of pmu/, list or doctor spells a command out" "$(
	grep -nE '"[^"]*(sudo|sysctl -w|setcap|ulimit -n) [^"]*"' pmu/*.c agent/cmd/list.c \
		agent/cmd/doctor*.c agent/cmd/findings.c || :
)"

need_root
public_copy
built=0
gcc -O1 -o "$T/refuse" tests/live/programs/refuse.c 2>"$T/gcc.log" || built=$?
chmod 755 "$T/refuse"
nothing "the refusing filter builds" "$([ $built -eq 0 ] || cat "$T/gcc.log")"

kernel=/proc/sys/kernel
keep() { # SYSCTL: as it was at the end of the test
	finally "echo $(cat "$kernel/$1") >$kernel/$1"
}
for name in perf_event_paranoid perf_cpu_time_max_percent perf_event_max_sample_rate \
	perf_event_mlock_kb kptr_restrict perf_event_max_stack nmi_watchdog; do
	keep $name
done
set_to() { echo "$2" >"$kernel/$1"; } # SYSCTL VALUE

# --- what it says ---------------------------------------------------------------------------

set_to perf_event_paranoid 2
says "root: everything" '^ok +rights +everything' "$PMUSCOPE" doctor
says "a user: what can be done" '^you can now +record your own processes' as_user "$PUBLIC" doctor
says "a user: what cannot, and why" 'the kernel part of them \(perf_event_paranoid 2\)' \
	as_user "$PUBLIC" doctor
says "a user: FAIL rights with the sysctl that mends it" 'kernel.perf_event_paranoid=0' \
	as_user "$PUBLIC" doctor
fails 1 "a FAIL makes the status 1" as_user "$PUBLIC" doctor

fails 1 "a process that is not there: status 1" "$PMUSCOPE" doctor 2147483646
says "a process that is not there" '^FAIL +2147483646 +there is no such process' \
	"$PMUSCOPE" doctor 2147483646
says "a process of root, for a user: both uids" 'belongs to uid 0, we are uid 65534' \
	as_user "$PUBLIC" doctor $$
says "a process of ours" "^ok +$$ +.*can be sampled" "$PMUSCOPE" doctor $$
says "a kernel thread" 'a kernel thread' "$PMUSCOPE" doctor 2
background unshare --mount --pid --fork sleep 100
wait_for 5 pgrep -P "$load" sleep || :
says "a process in other namespaces" 'a mount namespace and a process namespace' \
	"$PMUSCOPE" doctor "$(pgrep -P "$load" sleep)"

# At level 3 of Debian's kernels nothing opens; this kernel may know no such level.
set_to perf_event_paranoid 3
EACCES=13 EPERM=1
level3() { as_user "$T/refuse" kernel $EACCES "$@"; }
says "level 3: doctor says that nothing opens" 'perf_event_paranoid is 3: users may open no perf' \
	level3 "$PUBLIC" doctor
says "level 3: and what helps" 'sudo sysctl kernel.perf_event_paranoid=2' level3 "$PUBLIC" doctor
says "level 3: list" '^ +cpu-clock +no: not allowed \(EACCES\)' level3 "$PUBLIC" list cpu-clock
fails 125 "level 3: record ends with 125" level3 "$PUBLIC" record -o "$T/no.pb.gz" -- true
says "level 3: record says the same" 'perf_event_paranoid is 3: users may open no perf event' \
	level3 "$PUBLIC" record -o "$T/no.pb.gz" -- true
set_to perf_event_paranoid 2

filtered() { "$T/refuse" filter $EPERM "$@"; }
says "a container's filter is told from the kernel" \
	'a seccomp filter answers perf_event_open with EPERM' filtered "$PMUSCOPE" doctor
says "and what lets it through" '--cap-add PERFMON' filtered "$PMUSCOPE" doctor
says "record tells the filter, too" 'a seccomp filter answers perf_event_open with EPERM' \
	filtered "$PMUSCOPE" record -o "$T/no.pb.gz" -- true

set_to perf_event_max_sample_rate 50000
says "a lowered rate is seen" '^warn +frequency +at most [0-9]{5} Hz' "$PMUSCOPE" doctor

# --- every hint is run ----------------------------------------------------------------------

# The command as it is run here: as root already, on copies, with something in the place of "…".
runnable() { # HINT
	local line=${1#sudo }
	line=${line/COMMAND/true}
	line=${line/…/-o $T/hint.pb.gz -- true}
	case $line in
	*' record -e cpu-clock:u -- true') line=${line/ -- / -o $T/hint.pb.gz -- } ;;
	setcap*) line="setcap ${line#setcap }" line=${line% *}\ $PUBLIC ;;
	mount*) line="unshare --mount sh -c 'umount -l /sys/kernel/tracing 2>/dev/null; $line'" ;;
	esac
	echo "$line"
}

try_hint() { # HINT; the kernel refuses perf_event_max_stack while somebody records callchains
	local line tries=20
	line=$(runnable "$1")
	until bash -c "$line"; do
		[[ $line == *max_stack* && $((tries--)) -gt 0 ]] || return 1
		sleep 0.5
	done
}

"$PMUSCOPE" doctor --hints >"$T/hints"
hints=0
while IFS= read -r hint; do
	hints=$((hints + 1))
	# 127 is a missing program, 1 of sysctl an unknown name; doctor's own 1 is an answer.
	case $hint in
	*' doctor') says "hint: $hint" '^you can now' bash -c "$hint" ;;
	*watchdog*) if [ -e $kernel/nmi_watchdog ]; then check "hint: $hint" try_hint "$hint"; else
		skip "hint: $hint" "this kernel has no NMI watchdog"
	fi ;;
	*) check "hint: $hint" try_hint "$hint" ;;
	esac
done <"$T/hints"
nothing "there were hints to run" "$([ $hints -ge 15 ] || echo "$hints only")"

# --- and each does what it says -------------------------------------------------------------

says "mended: the rate" '^ok +frequency +up to 100000 Hz' "$PMUSCOPE" doctor
set_to perf_event_paranoid 2
says "mended: file capabilities" '^ok +rights +everything' as_user "$PUBLIC" doctor
install -d -o "$nobody" -g "$nobody" "$T/user"
check "mended: file capabilities, recording" as_user "$PUBLIC" record -a -d 0.3 \
	-o "$T/user/caps.pb.gz"
nothing "and the profile is there, the caller's" "$(
	[ "$(stat -c %u "$T/user/caps.pb.gz" 2>&1)" = "$nobody" ] || ls -l "$T/user"
)"
setcap -r "$PUBLIC"
set_to perf_event_paranoid 1
says "mended: paranoid 1 gives the kernel part" '^ +cpu-clock +yes$' as_user "$PUBLIC" list cpu-clock
set_to perf_event_paranoid 0
says "mended: paranoid 0 gives the whole machine" '^ok +rights +everything' as_user "$PUBLIC" doctor
set_to perf_event_mlock_kb 17408
says "mended: the rings" '^ok +memory +rings of 17408 kB' as_user "$PUBLIC" doctor
set_to perf_event_mlock_kb 516
says "the default ring is warned about" '^warn +memory +rings of 516 kB' as_user "$PUBLIC" doctor
set_to perf_event_paranoid 2

if mountpoint -q /sys/kernel/tracing; then
	not_mounted() { unshare --mount sh -c "umount -l /sys/kernel/tracing; $1 $2"; }
	says "tracefs not mounted: doctor" '^warn +tracefs +not mounted' not_mounted "$PMUSCOPE" doctor
	says "tracefs not mounted: record" 'tracefs is not mounted' \
		not_mounted "$PMUSCOPE" "record -e sched:sched_switch -o $T/no.pb.gz -- true"
else
	skip "tracefs not mounted: doctor" "tracefs is not a mount of its own here"
fi

plan
