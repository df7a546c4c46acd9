#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a pprof profile with nothing but Python's own library, for the live tests.

    pprof.py stacks FILE [FILTER…]   one sample a line: value, labels, frames (root first)
    pprof.py comments FILE           the comments
    pprof.py get FILE NAME           the value of the comment "NAME: value"
    pprof.py total FILE [FILTER…]    the sum of the first value, in samples' own unit
    pprof.py sums FILE [FILTER…]     one sample type a line: "TYPE UNIT SUM"
    pprof.py names FILE [FILTER…]    every function name, once
    pprof.py check FILE              the rules of the format: prints what is broken, exits 1
    pprof.py lines FILE PROGRAM [--plain FILE]
                                     its leaves, with inlined functions and lines, against addr2line
                                     (which reads --plain, the same program in a form it knows)
    pprof.py roots FILE [FILTER…] [--min N] [--least SHARE] [--verbose]
                                     the share of user stacks that reach a known root

FILTER: --pid N[,N…], --comm REGEX, --binary REGEX (of the file of any user frame).
"""
import argparse
import bisect
import collections
import gzip
import re
import struct
import subprocess
import sys


# --- protobuf's wire format -------------------------------------------------------------------

def varint(data, at):
    shift = result = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & (1 << 64) - 1, at
        shift += 7


def fields(data):
    """(number, value) of a message: ints, or bytes for length-delimited fields."""
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            size, at = varint(data, at)
            if at + size > end:
                raise ValueError("a field runs past its message")
            value, at = data[at:at + size], at + size
        elif kind == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif kind == 5:
            value, at = struct.unpack_from("<I", data, at)[0], at + 4
        else:
            raise ValueError(f"wire type {kind}")
        yield number, value


def numbers(value):
    """A repeated integer, packed or not."""
    if isinstance(value, int):
        return [value]
    result, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        result.append(number)
    return result


def signed(value):
    return value - (1 << 64) if value >> 63 else value


# --- the profile ------------------------------------------------------------------------------

class Message:
    """A message as attributes: scalars default to 0, names ending in s are lists."""

    def __init__(self, data, names, lists=()):
        for name in names.values():
            setattr(self, name, [] if name in lists else 0)
        for number, value in fields(data):
            name = names.get(number)
            if name is None:
                continue
            if name in lists:
                getattr(self, name).append(value)
            else:
                setattr(self, name, value)


class Profile:
    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        raw = Message(data, {
            1: "types", 2: "samples", 3: "mappings", 4: "locations", 5: "functions", 6: "strings",
            7: "drop", 8: "keep", 9: "time", 10: "duration", 11: "period_type", 12: "period",
            13: "comments", 14: "default",
        }, ("types", "samples", "mappings", "locations", "functions", "strings", "comments"))
        self.strings = [text.decode("utf-8") for text in raw.strings]
        self.types = [self._type(value) for value in raw.types]
        self.period_type = self._type(raw.period_type) if raw.period_type else None
        self.period, self.time, self.duration = raw.period, raw.time, raw.duration
        self.comments = [self.strings[i] for value in raw.comments for i in numbers(value)]
        self.mappings = [Message(value, {
            1: "id", 2: "start", 3: "limit", 4: "offset", 5: "filename", 6: "build_id",
            7: "has_functions", 8: "has_filenames", 9: "has_lines", 10: "has_inline_frames",
        }) for value in raw.mappings]
        self.functions = [Message(value, {
            1: "id", 2: "name", 3: "system_name", 4: "filename", 5: "start_line",
        }) for value in raw.functions]
        self.locations = [self._location(value) for value in raw.locations]
        self.samples = [self._sample(value) for value in raw.samples]
        self.mapping = {m.id: m for m in self.mappings}
        self.function = {f.id: f for f in self.functions}
        self.location = {l.id: l for l in self.locations}

    def _type(self, data):
        raw = Message(data, {1: "type", 2: "unit"})
        return self.strings[raw.type], self.strings[raw.unit]

    @staticmethod
    def _location(data):
        raw = Message(data, {1: "id", 2: "mapping", 3: "address", 4: "lines", 5: "folded"}, ("lines",))
        raw.lines = [Message(line, {1: "function", 2: "line"}) for line in raw.lines]
        return raw

    def _sample(self, data):
        raw = Message(data, {1: "stack", 2: "values", 3: "labels"}, ("stack", "values", "labels"))
        raw.stack = [i for value in raw.stack for i in numbers(value)]
        raw.values = [signed(i) for value in raw.values for i in numbers(value)]
        raw.raw_labels = [Message(value, {1: "key", 2: "str", 3: "num", 4: "unit"})
                          for value in raw.labels]
        raw.labels = {self.strings[label.key]:
                      self.strings[label.str] if label.str else signed(label.num)
                      for label in raw.raw_labels}
        return raw

    def file_of(self, location):
        mapping = self.mapping.get(location.mapping)
        return self.strings[mapping.filename] if mapping else ""

    def is_kernel(self, location):
        file = self.file_of(location)
        return (location.address >> 63 == 1 or file.startswith("[kernel")
                or (file.startswith("[") and file not in ("[vdso]", "[jit]", "[anon]", "[heap]")
                    and not file.startswith(("[vdso", "[jit", "[anon"))))

    def names_of(self, location):
        """The names at a location, innermost first; the address where there is none."""
        names = [self.strings[self.function[line.function].name] for line in location.lines]
        return names or [f"{self.file_of(location).rsplit('/', 1)[-1]}+{location.address:#x}"]

    def frames(self, sample):
        """Names from the root to the leaf, inlined functions in their place."""
        return [name for i in reversed(sample.stack)
                for name in reversed(self.names_of(self.location[i]))]

    def user_stack(self, sample):
        """The sample's user locations, leaf first."""
        stack = [self.location[i] for i in sample.stack]
        return [location for location in stack if not self.is_kernel(location)]


def wanted(profile, arguments):
    pids = {int(pid) for pid in arguments.pid.split(",")} if arguments.pid else None
    comm = re.compile(arguments.comm) if arguments.comm else None
    binary = re.compile(arguments.binary) if arguments.binary else None
    for sample in profile.samples:
        if pids is not None and sample.labels.get("pid") not in pids:
            continue
        if comm and not comm.search(str(sample.labels.get("comm", ""))):
            continue
        if binary and not any(binary.search(profile.file_of(location))
                              for location in profile.user_stack(sample)):
            continue
        yield sample


# --- roots ------------------------------------------------------------------------------------

# Where a stack may begin: program entry, a thread's first function, a goroutine's, and the
# functions with which Go leaves a goroutine's stack for its own.
ROOT = re.compile(r"""^(?:
    main | _start | _start_c | _dl_start(?:_user)? | __libc_start_main(?:_impl|_main)?(?:@.*)?
    | __libc_start_call_main | start_thread | thread_start | start(?:_c11)?
    | (?:__)?(?:GI_+)?clone3? | __clone_internal | __clone
    | _rt0_\w+ | runtime\.(?:goexit|mstart\d*|mcall|systemstack|morestack|rt0_go|asmcgocall|gogo)
      (?:\.abi0)?
    )$""", re.X)


class Entry:
    """The entry point of an ELF file, and the functions that its symbols call roots: `_start` and
    its like have no name in a stripped file, but an address."""

    size = 64

    def __init__(self, path, unstripped=None):
        self.start, self.roots = None, []
        try:
            with open(path, "rb") as file:
                header = file.read(64)
            if header[:4] == b"\x7fELF" and header[4] == 2:
                self.start = struct.unpack_from("<Q", header, 24)[0]
        except OSError:
            return
        if unstripped:
            self.read_symbols(unstripped)

    def read_symbols(self, path):
        text = subprocess.run(["nm", "-n", "--defined-only", path], check=True,
                              capture_output=True, text=True).stdout
        table = [(int(words[0], 16), words[2]) for words in map(str.split, text.splitlines())
                 if len(words) == 3 and words[1] in "tTwW"]
        for (start, name), (end, _) in zip(table, table[1:] + [(1 << 63, "")]):
            if ROOT.match(name):
                self.roots.append((start, end))

    def has(self, address):
        if self.start is not None and self.start <= address < self.start + self.size:
            return True
        at = bisect.bisect_right(self.roots, (address, 1 << 64)) - 1
        return at >= 0 and self.roots[at][0] <= address < self.roots[at][1]


class Roots:
    def __init__(self, profile, twins):
        self.profile, self.twins, self.entries = profile, twins, {}

    def entry(self, file):
        if file not in self.entries:
            self.entries[file] = Entry(file, self.twins.get(file))
        return self.entries[file]

    def reached(self, stack):
        """A root among the outermost three: behind main there is only the C library's start."""
        return any(ROOT.match(self.profile.names_of(location)[-1])
                   or self.entry(self.profile.file_of(location)).has(location.address)
                   for location in stack[-3:])


def weight(profile, sample):
    """How many samples were added up in this one: value 0 is a count or a multiple of the period."""
    kind, unit = profile.types[0]
    if unit == "count" and kind in ("samples", "sample"):
        return sample.values[0]
    return max(1, round(sample.values[0] / profile.period)) if profile.period else 1


def roots(profile, arguments):
    twins = dict(pair.split("=", 1) for pair in arguments.twin)
    judge = Roots(profile, twins)
    good = bad = kernel = cut = 0
    ends, examples = collections.Counter(), {}
    for sample in wanted(profile, arguments):
        count = weight(profile, sample)
        stack = profile.user_stack(sample)
        end = str(sample.labels.get("stack", ""))
        if not stack:
            kernel += count
        elif end == "truncated":
            cut += count
        elif judge.reached(stack):
            good += count
        else:
            bad += count
            key = (profile.names_of(stack[-1])[-1], end)
            ends[key] += count
            examples.setdefault(key, profile.frames(sample))
    whole = good + bad + cut
    share = good / (good + bad) if good + bad else 0.0
    cut_share = cut / whole if whole else 0
    print(f"user stacks {whole}, to a root {100 * share:.2f} %, cut {100 * cut_share:.2f} %, "
          f"kernel only {kernel}")
    for (name, end), count in ends.most_common(8):
        print(f"  {count:6} end at {name} {end}")
        if arguments.verbose:
            print("         " + " < ".join(reversed(examples[name, end][:12])))
    if whole < arguments.min:
        print(f"  too few: {whole} of {arguments.min}")
        return 1
    return 0 if share >= arguments.least and cut_share <= arguments.cut else 1


# --- the format's rules -----------------------------------------------------------------------

def broken_rules(profile):
    if not profile.strings or profile.strings[0] != "":
        yield "string_table[0] is not empty"
    for what, items in (("mapping", profile.mappings), ("location", profile.locations),
                        ("function", profile.functions)):
        ids = [item.id for item in items]
        if 0 in ids:
            yield f"a {what} has id 0"
        if len(set(ids)) != len(ids):
            yield f"{what} ids are not unique"
    if not profile.time or not profile.duration or not profile.period:
        yield "no time_nanos, duration_nanos or period"
    if not profile.period_type:
        yield "no period_type"
    for function in profile.functions:
        if not profile.strings[function.name]:
            yield f"function {function.id} has no name"
            break
    yield from broken_samples(profile)
    yield from broken_locations(profile)


def broken_samples(profile):
    for sample in profile.samples:
        if len(sample.values) != len(profile.types):
            yield f"a sample has {len(sample.values)} values for {len(profile.types)} types"
            break
        if any(i not in profile.location for i in sample.stack):
            yield "a sample names a location that is not there"
            break
    for key in ("pid", "tid", "cpu", "window"):
        for sample in profile.samples:
            label = next((label for label in sample.raw_labels
                          if profile.strings[label.key] == key), None)
            if label is None or label.str or not label.unit:
                yield f"a sample without a numeric label '{key}' that has a unit"
                break


def broken_locations(profile):
    unnamed = set()
    for location in profile.locations:
        if location.mapping and location.mapping not in profile.mapping:
            yield "a location names a mapping that is not there"
            return
        if not location.lines:
            unnamed.add(location.mapping)
        if any(line.function not in profile.function for line in location.lines):
            yield "a line names a function that is not there"
            return
        mapping = profile.mapping.get(location.mapping)
        if mapping and not mapping.start <= location.address < mapping.limit:
            yield (f"{location.address:#x} is outside its mapping "
                   f"{profile.strings[mapping.filename]} {mapping.start:#x}-{mapping.limit:#x}")
            return
    for mapping in profile.mappings:
        if mapping.has_functions and mapping.id in unnamed:
            yield f"has_functions, yet not all of {profile.strings[mapping.filename]} is named"


# --- the command ------------------------------------------------------------------------------

def print_stacks(profile, arguments):
    for sample in wanted(profile, arguments):
        labels = " ".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
        print(sample.values[0], labels, ";".join(profile.frames(sample)), sep="\t")


def get_comment(profile, arguments):
    for comment in profile.comments:
        name, colon, value = comment.partition(": ")
        if colon and name == arguments.name:
            print(value)
            return 0
    return 1


def check(profile, _arguments):
    broken = list(broken_rules(profile))
    print("\n".join(broken), end="\n" if broken else "")
    return 1 if broken else 0


def names(profile, arguments):
    found = {name for sample in wanted(profile, arguments) for name in profile.frames(sample)}
    print("\n".join(sorted(found)))


def sums(profile, arguments):
    totals = [0] * len(profile.types)
    for sample in wanted(profile, arguments):
        totals = [total + value for total, value in zip(totals, sample.values)]
    for (kind, unit), total in zip(profile.types, totals):
        print(kind, unit, total)


def as_addr2line(path, address):
    """(function, line), innermost first."""
    out = subprocess.run(["addr2line", "-afi", "-e", path, hex(address)], check=True,
                         capture_output=True, text=True).stdout.splitlines()[1:]
    return [(function, place.split(":")[-1].split(" ")[0].replace("?", "0"))
            for function, place in zip(out[::2], out[1::2])]


def lines(profile, arguments):
    seen, wrong = 0, 0
    leaves = {sample.stack[0] for sample in profile.samples if sample.stack}
    for location in profile.locations:
        if profile.file_of(location) != arguments.name or location.id not in leaves:
            continue
        want = as_addr2line(arguments.plain or arguments.name, location.address)
        got = [(profile.strings[profile.function[line.function].name], str(line.line))
               for line in location.lines]
        if want[0][0] == "??":  # of code that it does not know, as procedure linkage
            continue
        seen += 1
        if want != got:
            wrong += 1
            print(hex(location.address), "want", want, "got", got)
    return int(wrong > 0 or seen == 0)


COMMANDS = {
    "stacks": print_stacks,
    "comments": lambda profile, _: print("\n".join(profile.comments)),
    "get": get_comment,
    "total": lambda profile, arguments: print(sum(s.values[0] for s in wanted(profile, arguments))),
    "sums": sums,
    "names": names,
    "check": check,
    "lines": lines,
    "roots": roots,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("file")
    parser.add_argument("name", nargs="?", help="of a comment, for get; of a program, for lines")
    parser.add_argument("--plain", help="for addr2line")
    parser.add_argument("--pid")
    parser.add_argument("--comm")
    parser.add_argument("--binary")
    parser.add_argument("--min", type=int, default=1, help="user stacks, at least")
    parser.add_argument("--least", type=float, default=0.99, help="share that reaches a root")
    parser.add_argument("--cut", type=float, default=0.01, help="share cut by the copy, at most")
    parser.add_argument("--twin", action="append", default=[], metavar="FILE=UNSTRIPPED",
                        help="the same program with symbols")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    try:
        return COMMANDS[arguments.command](Profile(arguments.file), arguments) or 0
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
