#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real recordings of other machines against what other readers got from them:

    compare.py READ PMUSCOPE DIR

READ is tests/recordings/read.c's program, DIR holds expected.json, *.expected.txt and the files.
Speaks TAP. What each figure means is written in DIR/README.md.
"""
import glob
import json
import os
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "live"))
import pprof  # noqa: E402

TYPES = {
    1: "MMAP", 2: "LOST", 3: "COMM", 4: "EXIT", 5: "THROTTLE", 6: "UNTHROTTLE", 7: "FORK",
    8: "READ", 9: "SAMPLE", 10: "MMAP2", 11: "AUX", 12: "ITRACE_START", 13: "LOST_SAMPLES",
    14: "SWITCH", 15: "SWITCH_CPU_WIDE", 16: "NAMESPACES", 17: "KSYMBOL", 18: "BPF_EVENT",
    19: "CGROUP", 20: "TEXT_POKE", 21: "AUX_OUTPUT_HW_ID", 64: "HDR_ATTR", 65: "HDR_EVENT_TYPE",
    66: "TRACING_DATA", 67: "HDR_BUILD_ID", 68: "FINISHED_ROUND", 69: "ID_INDEX",
    70: "AUXTRACE_INFO", 71: "AUXTRACE", 72: "AUXTRACE_ERROR", 73: "THREAD_MAP", 74: "CPU_MAP",
    78: "EVENT_UPDATE", 79: "TIME_CONV", 80: "HDR_FEATURE", 81: "COMPRESSED",
    82: "FINISHED_INIT", 83: "COMPRESSED2",
}
HARDWARE = ["cycles", "instructions", "cache-references", "cache-misses", "branches",
            "branch-misses", "bus-cycles"]
SOFTWARE = ["cpu-clock", "task-clock", "page-faults"]
PLAIN = ["samples", "kernel", "frames", "branches", "regs", "stacks", "lost", "lost_samples",
         "pids", "tids", "cpus", "t0", "t1"]
SECONDS, MEMORY = 20, 512 << 20
USER = 1 << 63
ANY = -1

tests = failed = 0


def result(name, wrong):
    global tests, failed
    tests += 1
    print(("not ok" if wrong else "ok") + f" {tests} - {name}")
    for w in wrong[:5]:
        print(f"# {w[:400]}")
    failed += bool(wrong)


def bound():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run(command, bounded=True):
    """Within bounds of time and memory; a sanitizer reserves more than any bound."""
    sanitized = not bounded or b"__asan_init" in open(command[0], "rb").read()
    return subprocess.run(command, capture_output=True, timeout=SECONDS,
                          preexec_fn=None if sanitized else bound, check=False)


def read(program, path):
    out = run([program, path])
    return (json.loads(out.stdout) if out.stdout else None), out


def event_name(attr):
    kind, config = attr["type"], attr["config"] & 0xffffffff
    if kind == 0 and config < len(HARDWARE):
        return HARDWARE[config]
    if kind == 1 and config < len(SOFTWARE):
        return SOFTWARE[config]
    return f"type{kind}:0x{attr['config']:x}"


def by_event(got, key):
    sums = {}
    for attr in got["attrs"]:
        if attr["samples"]:
            name = event_name(attr)
            sums[name] = sums.get(name, 0) + attr[key]
    return sums


def differences(want, got):
    ours = {TYPES.get(int(k), k): v for k, v in got["records"].items()}
    pairs = [("recs", want.get("recs", {}), {k: v for k, v in ours.items() if k in TYPES.values()})]
    if "events" in want:
        pairs += [("events", want["events"], by_event(got, "samples")),
                  ("period", want["period"], by_event(got, "period"))]
    pairs.append(("dsrc", {k: v for k, v in want.get("dsrc", {}).items()}, got["dsrc"]))
    if "samples" in want:
        pairs += [(k, want.get(k, 0), got[k]) for k in PLAIN if k in want or k not in ("cpus",)]
    return [f"{name}: {w} expected, {g} read" for name, w, g in pairs if w != g]


def check_counts(program, folder):
    expected = json.load(open(os.path.join(folder, "expected.json")))
    for name, want in sorted(expected.items()):
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            print(f"ok - {name} # SKIP not here")
            continue
        got, out = read(program, path)
        result(name, differences(want, got) if got else [out.stderr.decode()])


def check_group(program, folder):
    """Weights of a group are what each counter has counted since the sample before."""
    path = os.path.join(folder, "simpleperf/perf_with_add_counter.data")
    if os.path.exists(path):
        got, _ = read(program, path)
        deltas = {event_name(a): a["delivered"] for a in got["attrs"]}
        want = {"cycles": 2034455, "instructions": 2048526}
        wrong = [] if deltas == want and got["delivered"] == 24 else [f"{got['delivered']} {deltas}"]
        result("a group's counters weigh what they have counted", wrong)


def check_corrupt(program, folder):
    files = sorted(glob.glob(os.path.join(folder, "quipper/corpus/*")))
    files += sorted(glob.glob(os.path.join(folder, "quipper/*corrupted*")))
    wrong = []
    for path in files:
        try:
            out = run([program, path])
        except subprocess.TimeoutExpired:
            wrong.append(f"{path}: over {SECONDS} s")
            continue
        if out.returncode not in (0, 1) or (out.returncode and not out.stderr):
            wrong.append(f"{path}: status {out.returncode} {out.stderr[-500:]}")
    if files:
        result(f"{len(files)} broken files: an error or fewer samples", wrong)


def expected_samples(path):
    """comm, pid, tid, ns, period and the kernel's addresses of each sample."""
    samples, head = [], None
    for line in open(path, encoding="utf-8", errors="replace"):
        part = line.rstrip("\n").split("\t")
        if line[0] not in "\t\n" and len(part) == 4:
            whole, fraction = part[3].split(".")
            head = [int(part[1]), int(part[2]), int(whole) * 10**9 + int(fraction.ljust(9, "0")), 0, []]
            samples.append(head)
        elif line.startswith("\t\t") or not head or len(part) < 2:
            continue
        elif ": " in part[1] and len(part) == 2 and not head[4]:
            value = part[1].rsplit(": ", 1)[1]
            head[3] = int(value) if value.isdigit() else ANY  # a tracepoint's fields
        else:
            address = int(part[1].split()[0], 16)
            if address >= USER:
                head[4].append(address)
    return samples


def our_samples(program, path):
    samples = []
    for line in run([program, "--samples", path]).stdout.decode().splitlines():
        field = line.split()
        chain = [int(a, 16) for a in field[6].split(",")] if len(field) > 6 else []
        kernel = [a for a in chain if USER <= a < 2**64 - 4095]
        samples.append([int(field[0]), int(field[1]), int(field[2]), int(field[4]), kernel])
    return samples


def same(want, got):
    """Where the user part comes from branches, its first may be a branch that led into the kernel."""
    branch = len(want[4]) == len(got[4]) + 1
    weighs = want[3] in (got[3], ANY)
    return want[:3] == got[:3] and weighs and (want[4][:-1] if branch else want[4]) == got[4]


def check_samples(program, folder):
    for text in sorted(glob.glob(os.path.join(folder, "perfparser/*/*.expected.txt"))):
        path = text[:-len(".expected.txt")]
        if not os.path.exists(path):
            continue
        want, got = sorted(expected_samples(text)), sorted(our_samples(program, path))
        wrong = [] if len(want) == len(got) else [f"{len(want)} samples expected, {len(got)} read"]
        wrong += [f"expected {w}, read {g}" for w, g in zip(want, got) if not same(w, g)]
        result(f"{os.path.relpath(path, folder)}, sample by sample", wrong)


def shares(profile):
    """Of each event: percent of its weight by command and file of the leaf."""
    types = [name for name, _ in profile.types[1::2]]
    sums = [{} for _ in types]
    for sample in profile.samples:
        leaf = profile.location[sample.stack[0]] if sample.stack else None
        file = profile.file_of(leaf).rsplit("/", 1)[-1] if leaf else ""
        if leaf and leaf.address >> 63:
            file = "[kernel.kallsyms]"
        key = sample.labels["comm"], file if file not in ("", "[unmapped]") else "[unknown]"
        for i, weight in enumerate(sample.values[1::2]):
            sums[i][key] = sums[i].get(key, 0) + weight
    return {name: {k: 100 * v / (sum(one.values()) or 1) for k, v in one.items()}
            for name, one in zip(types, sums)}


def check_shares(pmuscope, folder):
    """Commands and files as perf report ranks them."""
    expected = json.load(open(os.path.join(folder, "expected.json")))
    for name, want in sorted(expected.items()):
        path = os.path.join(folder, name)
        if "top_comm_dso" not in want or not os.path.exists(path):
            continue
        with tempfile.TemporaryDirectory() as temp:
            out = run([pmuscope, "convert", "-q", path, "-o", temp + "/p.pb.gz"], False)
            if out.returncode:
                result(f"{name}: converted", [out.stderr.decode()])
                continue
            got = shares(pprof.Profile(temp + "/p.pb.gz"))
        wrong = []
        for number, (event, rows) in enumerate(want["top_comm_dso"].items()):
            ours = pick(got, event, number)
            for row in rows:
                share, rest = row.split("% ")
                comm, dso = rest.rsplit(" ", 1)
                # perf parts the kernel by its modules and shows what it cannot place as unknown.
                inside = dso.startswith("[")
                comms = {c for c, _ in ours if c == comm} or {c for c, _ in ours if c.startswith(comm)}
                mine = sum(v for (c, d), v in ours.items() if c in comms and
                           (d == dso or inside and d.startswith("[")))
                if float(share) - mine > 0.011 or not inside and mine - float(share) > 0.011:
                    wrong.append(f"{event}: {row} expected, {mine:.2f} found in {ours}")
        result(f"{name}: shares as perf report has them", wrong)


def pick(got, event, number):
    name = "".join(c if c.isalnum() else "_" for c in event.split(":")[0])
    for key, value in got.items():
        if key.replace("-", "_") == name:
            return value
    return list(got.values())[min(number, len(got) - 1)]


def main():
    program, pmuscope, folder = sys.argv[1:4]
    check_counts(program, folder)
    check_group(program, folder)
    check_samples(program, folder)
    check_corrupt(program, folder)
    check_shares(pmuscope, folder)
    print(f"1..{tests}")
    return 1 if failed else 0


sys.exit(main())
