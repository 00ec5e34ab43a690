# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the file that `memtier_benchmark --json-out-file` writes since 1.4. Pure; gives metrics or BenchmarkError.

Written after the program's source and files that it has left in public repositories: Debian 12 has no package of it.
"""

from __future__ import annotations

import json
import math
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, last_lines

METRIC_NAMES = (
    "throughput_per_second",
    "transferred_mib_per_second",
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_maximum_ms",
)
_STATS = "ALL STATS"
_PERCENTILES = "Percentile Latencies"


def metrics(text: str, in_flight: int) -> dict[str, float]:
    """Metrics of a run with at most `in_flight` requests under way. Raises BenchmarkError unless it is complete."""
    content = _Content(text)
    content.require_complete()
    duration = content.number(_STATS, "Runtime", "Total duration") / 1000
    count = content.number(_STATS, "Totals", "Count")
    rate = content.positive(_STATS, "Totals", "Ops/sec")
    counted = sum(content.number(_STATS, kind, "Count") for kind in ("Sets", "Gets"))
    if counted != count:
        raise BenchmarkError(f"memtier's output contradicts itself: {counted:.0f} sets and gets, {count:.0f} in total")
    # Its threads do not begin and end at the same moment.
    if duration <= 0 or abs(count / duration - rate) > 0.05 * rate:
        raise BenchmarkError(
            f"memtier's output contradicts itself: {count:.0f} operations in {duration:g} s, {rate:g} a second"
        )
    mean = content.positive(_STATS, "Totals", "Average Latency")
    percentiles = [content.positive(_STATS, "Totals", _PERCENTILES, name) for name in ("p50.00", "p95.00", "p99.00")]
    maximum = content.positive(_STATS, "Totals", "Max Latency")
    # The percentiles are upper ends of ranges, with three digits.
    if percentiles != sorted(percentiles) or percentiles[-1] > 1.01 * maximum or mean > maximum:
        raise BenchmarkError(f"memtier's latencies are out of order: mean {mean}, {percentiles}, maximum {maximum}")
    if rate * (mean - 0.0005) / 1000 > 1.1 * in_flight:
        raise BenchmarkError(
            f"memtier's output contradicts itself: {rate:g} operations a second of {mean:g} ms each, with {in_flight} "
            "under way at most"
        )
    transferred = content.positive(_STATS, "Totals", "KB/sec") / 1024
    return dict(zip(METRIC_NAMES, (rate, transferred, mean, *percentiles, maximum)))


class _Content:
    """The file's content, asked by path."""

    def __init__(self, text: str) -> None:
        self._text = text
        try:
            self._content: Any = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
        except (ValueError, RecursionError) as error:
            raise BenchmarkError(f"memtier's output is no JSON: {error}." + last_lines(text)) from error

    def require_complete(self) -> None:
        """Raise BenchmarkError for a run that was interrupted, or lost connections, as far as this version tells."""
        status = self._value("run information", "Benchmark completion status")
        interrupted = self._value(_STATS, "Runtime", "Interrupted")
        full = self._value("benchmark_completion", "full_run")
        if "INTERRUPTED" in str(status) or str(interrupted).lower() == "true" or str(full).lower() == "false":
            raise BenchmarkError("memtier's run was interrupted")
        unit = self._value(_STATS, "Runtime", "Time unit")
        if unit != "MILLISECONDS":
            raise BenchmarkError(f"memtier's duration is in {str(unit)[:40]!r}, expected 'MILLISECONDS'")
        if self._value(_STATS, "Totals", "Connection Errors") not in (None, 0):
            raise BenchmarkError("memtier lost connections: 'Connection Errors' is not 0")

    def number(self, *path: str) -> float:
        """A number of at least 0."""
        found = self._value(*path)
        where = " / ".join(path)
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            raise BenchmarkError(f"memtier's output has {str(found)[:40]!r} for '{where}', expected a number")
        # Not float() at once: an integer may be larger than any float.
        if not 0 <= found < 10**15 or not math.isfinite(found):
            raise BenchmarkError(
                f"memtier's output has {str(found)[:40]} for '{where}', expected a number of at least 0"
            )
        return float(found)

    def positive(self, *path: str) -> float:
        """A number above 0."""
        found = self.number(*path)
        if found <= 0:
            raise BenchmarkError(f"memtier measured nothing: '{' / '.join(path)}' is {found:g}")
        return found

    def _value(self, *path: str) -> Any:
        found = self._content
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
