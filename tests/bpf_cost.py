#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a profiler costs that samples in BPF programs: bpf_cost.py RESULT SECONDS COMMAND…

It runs for SECONDS after its programs have begun to run, then gets SIGINT. Writes to the file RESULT:
CPU seconds of its processes in that time, seconds of its BPF programs (which the kernel charges to
whom they interrupt), CPU seconds until they ran (loading and verifying them), the peak of its
resident kB together, and the kB of its BPF maps. Fails when no program of it ever runs.

The kernel counts the time of BPF programs while somebody asks for it (bpf(2), BPF_ENABLE_STATS):
we do, and no sysctl is changed."""
import ctypes
import os
import platform
import signal
import subprocess
import sys
import time

from cost import descendants, resident

SYS_BPF = {"x86_64": 321}.get(platform.machine(), 280)
BPF_ENABLE_STATS = 32
START_SECONDS = 60


def count_run_time():
    kind = ctypes.create_string_buffer(8)  # BPF_STATS_RUN_TIME is 0
    if ctypes.CDLL(None, use_errno=True).syscall(SYS_BPF, BPF_ENABLE_STATS, kind, 4) < 0:
        sys.exit("bpf(BPF_ENABLE_STATS): " + os.strerror(ctypes.get_errno()))


def cpu_of(pid):
    """User and system seconds, of those it has waited for too."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            words = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")


def bpf_of(pid):
    """{program: (runs, ns)} and {map: bytes}, by their ids, of the descriptors of a process."""
    programs, maps = {}, {}
    folder = f"/proc/{pid}/fdinfo"
    for fd in os.listdir(folder) if os.path.isdir(folder) else ():
        try:
            with open(f"{folder}/{fd}", encoding="latin-1") as file:
                fields = dict(line.split(":", 1) for line in file if ":" in line)
        except OSError:
            continue
        if "run_time_ns" in fields:
            programs[int(fields["prog_id"])] = int(fields["run_cnt"]), int(fields["run_time_ns"])
        elif "map_id" in fields:
            maps[int(fields["map_id"])] = int(fields["memlock"])
    return programs, maps


def look():
    """CPU seconds, runs and seconds of BPF programs, resident kB, bytes of maps: all of ours."""
    cpu, programs, maps, kb = 0, {}, {}, 0
    for pid in descendants(os.getpid()):
        cpu += cpu_of(pid)
        kb += resident(pid)
        for whole, part in zip((programs, maps), bpf_of(pid)):
            whole.update(part)
    runs, ns = (sum(p[i] for p in programs.values()) for i in (0, 1))
    return cpu, runs, ns / 1e9, kb, sum(maps.values())


def measure(child, seconds):
    start = time.monotonic()
    while not (begun := look())[1]:
        if child.poll() is not None or time.monotonic() - start > START_SECONDS:
            return None
        time.sleep(0.05)
    start, peak = time.monotonic(), 0
    while (left := start + seconds - time.monotonic()) > 0:
        time.sleep(min(left, 0.5))
        last = look()
        peak = max(peak, last[3])
    if child.poll() is not None:
        return None
    return last[0] - begun[0], last[2] - begun[2], begun[0], peak, last[4] // 1024


def main():
    result, seconds, *command = sys.argv[1:]
    count_run_time()
    with subprocess.Popen(command) as child:
        figures = measure(child, float(seconds))
        child.send_signal(signal.SIGINT)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
    if not figures:
        return 1
    with open(result, "w", encoding="ascii") as file:
        print("%.3f %.3f %.3f %d %d" % figures, file=file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
