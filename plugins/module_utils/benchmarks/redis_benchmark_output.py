# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what `redis-benchmark --csv` prints since Redis 6.2. Pure; gives metrics or raises BenchmarkError."""

from __future__ import annotations

import re
from typing import Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, last_lines

_HEADER = (
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"'
)
_NUMBER = r'"([0-9]{1,12}\.[0-9]{2,3})"'
_ROW = re.compile(rf'"([A-Z]+[A-Z_0-9]*)( \([a-zA-Z0-9 ]+\))?",{",".join([_NUMBER] * 7)}')
_OLD_ROW = re.compile(rf'"[A-Z][^"]*",{_NUMBER}')
_AUXILIARY = " (needed to benchmark LRANGE)"
_SUFFIXES = ("requests_per_second", "latency_mean_ms", "latency_p50_ms", "latency_p95_ms", "latency_p99_ms")


def metric_names(tests: Sequence[str]) -> list[str]:
    """The metrics of these tests."""
    return [f"{test}_{suffix}" for test in tests for suffix in (*_SUFFIXES, "latency_maximum_ms")]


def metrics(output: str, tests: Sequence[str], clients: int, pipeline: int) -> dict[str, float]:
    """Metrics of a run of these tests. Raises BenchmarkError unless each has one plausible row."""
    lines = output.split("\n")
    if lines[0] != _HEADER:
        old = (
            " This is the output of a redis-benchmark before 6.2, which has no latencies."
            if _OLD_ROW.match(output)
            else ""
        )
        raise BenchmarkError(f"redis-benchmark's output does not begin with {_HEADER}.{old}" + last_lines(output))
    if lines[-1] != "":
        raise BenchmarkError("redis-benchmark's output ends within a line." + last_lines(output))
    found: dict[str, list[float]] = {}
    for line in lines[1:-1]:
        match = _ROW.fullmatch(line)
        if match is None:
            raise BenchmarkError("redis-benchmark printed a line that is no result." + last_lines(line))
        test = match.group(1).lower()
        if match.group(2) == _AUXILIARY:
            continue
        if test in found:
            raise BenchmarkError(f"redis-benchmark printed {test} twice." + last_lines(output))
        found[test] = [float(text) for text in match.groups()[2:]]
    if sorted(found) != sorted(tests):
        raise BenchmarkError(
            f"redis-benchmark printed results of {', '.join(found) or 'nothing'}, expected {', '.join(tests)}."
            + last_lines(output)
        )
    numbers = [number for test in tests for number in _row(test, found[test], clients, pipeline)]
    return dict(zip(metric_names(tests), numbers))


def _row(test: str, numbers: list[float], clients: int, pipeline: int) -> list[float]:
    """The rate, the mean, the percentiles and the maximum, after a look at whether they fit together."""
    rate, mean, minimum, p50, p95, p99, maximum = numbers
    if rate <= 0 or mean <= 0 or p50 <= 0:
        raise BenchmarkError(f"redis-benchmark measured nothing: {test} has a rate or a latency of 0")
    if not minimum <= p50 <= p95 <= p99 <= maximum or not minimum <= mean <= maximum:
        raise BenchmarkError(f"redis-benchmark's latencies of {test} are out of order: {numbers[1:]}")
    # A client waits for the answers to its requests before it sends more.
    busy = rate / pipeline * (mean - 0.0005) / 1000
    if busy > clients * 1.1:
        raise BenchmarkError(
            f"redis-benchmark contradicts itself: {rate:g} {test} a second of {mean:g} ms each, {pipeline} at once, "
            f"keep {busy:.1f} clients busy, and there were {clients}"
        )
    return [rate, mean, p50, p95, p99, maximum]
