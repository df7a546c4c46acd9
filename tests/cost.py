#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a command costs with all its descendants: cost.py [--memory] RESULT COMMAND…

Writes to the file RESULT: CPU seconds (user and system, of every descendant), elapsed seconds and,
with --memory, the peak over time of their resident kB together, perf rings apart. Pages that
several of them share are counted once (Pss). Exits as the command does."""
import ctypes
import os
import resource
import subprocess
import sys
import threading
import time

PR_SET_CHILD_SUBREAPER = 36


def children_of():
    """Children by parent, for every process."""
    tree = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="latin-1") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        tree.setdefault(parent, []).append(int(name))
    return tree


def descendants(pid):
    tree, found, todo = children_of(), [], [pid]
    while todo:
        for child in tree.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def resident(pid):
    """Pss in kB without the rings."""
    total, ring = 0, False
    try:
        with open(f"/proc/{pid}/smaps", encoding="latin-1") as file:
            for line in file:
                if line[0] in "0123456789abcdef" and "-" in line.split(" ", 1)[0]:
                    ring = "[perf_event]" in line
                elif line.startswith("Pss:") and not ring:
                    total += int(line.split()[1])
    except (OSError, ValueError):
        pass
    return total


def watch(stop, peak):
    while not stop.wait(0.25):
        peak[0] = max(peak[0], sum(resident(pid) for pid in descendants(os.getpid())))


def main():
    memory = sys.argv[1] == "--memory"
    result, *command = sys.argv[1 + memory:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    stop, peak = threading.Event(), [0]
    start = time.monotonic()
    with subprocess.Popen(command) as child:
        if memory:
            threading.Thread(target=watch, args=(stop, peak), daemon=True).start()
        status = child.wait()
    elapsed = time.monotonic() - start
    stop.set()
    while True:  # orphans come to us
        try:
            os.wait()
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(result, "w", encoding="ascii") as file:
        print(f"{used.ru_utime + used.ru_stime:.3f} {elapsed:.3f} {peak[0]}", file=file)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
