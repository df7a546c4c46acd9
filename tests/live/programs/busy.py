# SPDX-License-Identifier: Apache-2.0
"""A Python program under load: pure Python, recursion, C extensions that call back. Runs until it
is killed."""
import functools
import json
import random
import re
import zlib


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def descend(n, work):
    return work() if n == 0 else descend(n - 1, work)


def round_trip():
    data = [{"id": i, "name": f"record {i}", "values": [i / 3, i * 7]} for i in range(200)]
    text = json.dumps(data, default=str)
    return len(zlib.compress(json.dumps(json.loads(text)).encode(), 6))


def order():
    values = [random.random() for _ in range(2000)]
    by_key = sorted(values, key=lambda value: -value)
    by_comparison = sorted(values, key=functools.cmp_to_key(lambda a, b: (a > b) - (a < b)))
    return by_key == by_comparison[::-1]


def substitute():
    return re.sub(r"\d+", lambda found: str(int(found.group()) + 1), "a1 b22 c333 " * 200)


while True:
    fibonacci(16)
    for job in (round_trip, order, substitute):
        descend(60, job)
