#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our profile of a recording against `perf script --no-inline` of the same: perf_script.py SCRIPT
PROFILE [--counts]. Prints what differs and exits 1: number of samples and sum of periods of each
command, and (without --counts) the functions of the leaves. SCRIPT was made with

    perf script --no-inline -F comm,tid,time,period,ip,sym,dso -i RECORDING
"""
import collections
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import pprof  # noqa: E402

HEAD = re.compile(r"^\s*(.+?)\s+(\d+)\s+(\d+\.\d+):\s+(\d+)\s(.*)$")
UNNAMED = re.compile(r"^:-?\d+$")
FRAME = re.compile(r"^\s+([0-9a-f]+) (.*) \((.*)\)$")
# Names of one address in libc, of which each reader picks its own.
ALIAS = re.compile(r"^_*(GI_+|pi_)?(libc_)?c?(?=free$)|^_*(GI_+|pi_)?(libc_)?")
PLAIN = re.compile(r"(@@?[A-Z].*|\.(isra|constprop|part|cold)\.?\d*|\(.*)$")


def plain(name):
    return ALIAS.sub("", PLAIN.sub("", name)).replace("memmove", "memcpy").strip()


def script(path):
    """comm, period and leaf of each sample."""
    samples = []
    for line in open(path, encoding="utf-8", errors="replace"):
        head = HEAD.match(line)
        if head:
            # A thread whose name nobody has seen.
            comm = "?" if UNNAMED.match(head[1]) else head[1].strip()
            samples.append([comm, int(head[4]), None, None])
        # Without a chain the address stands in the same line.
        frame = FRAME.match(" " + head[5] if head else line)
        if frame and samples and samples[-1][2] is None:
            samples[-1][2:] = [frame[2], frame[3]]
    return samples


def sums(rows):
    """comm → samples, weight; (comm, leaf) → samples."""
    comms, leaves = collections.Counter(), collections.Counter()
    for comm, count, weight, leaf in rows:
        comms[comm, "samples"] += count
        comms[comm, "period"] += weight
        leaves[leaf] += count
    return comms, leaves


def ours(profile):
    for sample in profile.samples:
        names = profile.names_of(profile.location[sample.stack[0]]) if sample.stack else ["?"]
        # Inlined functions come first: perf names the one that really stands there.
        comm = str(sample.labels["comm"])
        yield ("?" if UNNAMED.match(comm) else comm, sum(sample.values[0::2]), sum(sample.values[1::2]),
               plain(names[-1]))


def main():
    theirs = script(sys.argv[1])
    profile = pprof.Profile(sys.argv[2])
    want, want_leaves = sums((c, 1, p, plain(leaf or "?")) for c, p, leaf, _ in theirs)
    got, got_leaves = sums(ours(profile))
    wrong = [f"{key}: perf {want[key]}, here {got[key]}"
             for key in sorted(set(want) | set(got)) if want[key] != got[key]]
    # What perf cannot name is not compared; aliases of one address are named as one likes.
    named = {k: v for k, v in want_leaves.items() if k not in ("[unknown]", "?")}
    same = sum(min(v, got_leaves[k]) for k, v in named.items())
    whole = sum(named.values())
    if "--counts" not in sys.argv and whole and same < 0.97 * whole:
        wrong.append(f"leaves: {same} of {whole} have perf's name")
        wrong += [f"  {k}: perf {v}, here {got_leaves[k]}"
                  for k, v in sorted(named.items(), key=lambda x: x[1] - min(x[1], got_leaves[x[0]]))
                  if v != got_leaves[k]][-12:]
    print("\n".join(wrong) if wrong else
          f"{len(theirs)} samples, {same} of {whole} leaves have perf's name")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
