# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what sysbench 1.0 prints. Pure; each function gives metrics or raises BenchmarkError, never anything else.

Numbers that sysbench prints twice are compared, so that a changed unit or a torn output is a failure and not a score.
"""

from __future__ import annotations

import math
import re

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, last_lines

#: The smallest latency that sysbench tells apart; everything faster is reported as this.
LATENCY_FLOOR_MS = 0.001
# Half a bucket of sysbench's histogram: 1024 buckets on a log scale from 0.001 to 100 000 ms.
_HALF_BUCKET = 0.5 * math.log(1e5 / 1e-3) / 1023
#: What a test oltp_* yields, without the test's name before it.
OLTP_METRICS = (
    *("transactions_per_second", "queries_per_second", "latency_mean_ms", "latency_p95_ms"),
    *("errors_total", "errors_percent", "reconnects_total"),
)
_COUNTS = ("transactions", "queries", "ignored errors", "reconnects")
_BUCKET = re.compile(r"^ *(\S+) \|\** +(\S+)$", re.MULTILINE)


def cpu(output: str) -> dict[str, float]:
    """Metrics of the test cpu."""
    mean, p95 = _latency(output)
    return {
        "cpu_events_per_second": _positive(_number(output, "events per second:"), "events per second", output),
        "cpu_latency_mean_ms": mean,
        "cpu_latency_p95_ms": p95,
    }


def memory(output: str, block_size_kib: int) -> dict[str, float]:
    """Metrics of the test memory, run with this block size."""
    rate = _positive(_number(output, "Total operations:", r"\S+ +\( *(\S+) per second\)"), "Total operations", output)
    mib_per_second = rate * block_size_kib / 1024
    printed = _number(output, "", r"\S+ MiB transferred \((\S+) MiB/sec\)")
    _same(printed, mib_per_second, 0.011, f"the transfer rate of {rate} operations a second of {block_size_kib} KiB")
    return {
        "memory_operations_per_second": rate,
        "memory_mib_per_second": mib_per_second,
        "memory_latency_p95_ms": _latency(output)[1],
    }


def fileio(output: str, block_size_kib: int, wanted: list[str]) -> dict[str, float]:
    """Metrics of the test fileio, run with this block size: those in `wanted`, because not each mode reads and writes.

    MiB/s are computed from operations and block size, which has more digits than what is printed. Operations are reads
    and writes; the latency is that of reads, writes and fsyncs, as sysbench measures it.
    """
    reads = _number(output, "reads/s:")
    writes = _number(output, "writes/s:")
    mean, p95 = _latency(output)
    read_mib = reads * block_size_kib / 1024
    written_mib = writes * block_size_kib / 1024
    _same(_number(output, "read, MiB/s:"), read_mib, 0.011, f"MiB/s of {reads} reads a second of {block_size_kib} KiB")
    _same(
        _number(output, "written, MiB/s:"),
        written_mib,
        0.011,
        f"MiB/s of {writes} writes a second of {block_size_kib} KiB",
    )
    metrics = {
        "fileio_operations_per_second": reads + writes,
        "fileio_read_mib_per_second": read_mib,
        "fileio_written_mib_per_second": written_mib,
        "fileio_fsyncs_per_second": _number(output, "fsyncs/s:"),
        "fileio_latency_mean_ms": mean,
        "fileio_latency_p95_ms": p95,
    }
    return {name: _positive(metrics[name], name, output) for name in wanted}


def threads(output: str) -> dict[str, float]:
    """Metrics of the test threads."""
    mean, p95 = _latency(output)
    return {
        "threads_events_per_second": _number(output, "total number of events:") / _seconds(output),
        "threads_latency_mean_ms": mean,
        "threads_latency_p95_ms": p95,
    }


def mutex(output: str, locks: int) -> dict[str, float]:
    """Metrics of the test mutex, in which each thread is one event and takes this many locks."""
    mean, dummy = _latency(output)
    return {
        "mutex_locks_per_second": _number(output, "total number of events:") * locks / _seconds(output),
        "mutex_latency_mean_ms": mean,
    }


def oltp(output: str) -> dict[str, float]:
    """Metrics of a test oltp_*, without the test's name before them."""
    seconds = _seconds(output)
    mean, p95 = _latency(output)
    counts = {what: _counted(output, what, seconds) for what in _COUNTS}
    parts = sum(_number(output, f"{kind}:") for kind in ("read", "write", "other"))
    for what, count, printed in (
        ("queries", counts["queries"], parts),
        ("queries", counts["queries"], _number(output, "total:")),
        ("transactions", counts["transactions"], _number(output, "total number of events:")),
    ):
        if count != printed:
            raise BenchmarkError(
                f"sysbench's output contradicts itself: it counts {count:.0f} {what}, and {printed:.0f}"
            )
    errors = counts["ignored errors"]
    return {
        "transactions_per_second": counts["transactions"] / seconds,
        "queries_per_second": _positive(counts["queries"], "number of queries", output) / seconds,
        "latency_mean_ms": mean,
        "latency_p95_ms": p95,
        "errors_total": errors,
        "errors_percent": 100 * errors / (counts["transactions"] + errors),
        "reconnects_total": counts["reconnects"],
    }


def _counted(output: str, what: str, seconds: float) -> float:
    """How many there were, which sysbench also prints as a rate."""
    count = _number(output, f"{what}:", r"(\S+) +\(\S+ per sec\.\)")
    rate = _number(output, f"{what}:", r"\S+ +\((\S+) per sec\.\)")
    _same(rate, count / seconds, 0.011, f"{count:.0f} {what} in {seconds} s")
    return count


def _seconds(output: str) -> float:
    """How long the run took."""
    seconds = _positive(_number(output, "total time:", r"(\S+)s"), "total time", output)
    threads_mean = _number(output, "execution time (avg/stddev):", r"(\S+)/\S+")
    events = _number(output, "total number of events:")
    each = _positive(_number(output, "events (avg/stddev):", r"(\S+)/\S+"), "events of a thread", output)
    # Threads are counted by what they did; each worked from the beginning to its last event, and no longer.
    _same(
        threads_mean, _number(output, "sum:") / 1000 * each / events if events else 0.0, 0.02, "that of the latencies"
    )
    longest = _number(output, "max:") / 1000
    if not threads_mean - 0.01 <= seconds <= 1.05 * (threads_mean + longest) + 0.5:
        raise BenchmarkError(
            f"sysbench's output contradicts itself: {seconds} s in all, {threads_mean} s a thread, {longest} s an event"
        )
    return seconds


def _latency(output: str) -> tuple[float, float]:
    """Mean and 95th percentile in ms: from the sum and the histogram, because both are printed as 0.00 when small."""
    events = _positive(_number(output, "total number of events:"), "total number of events", output)
    mean = _positive(_number(output, "sum:"), "sum of the latencies", output) / events
    _same(_number(output, "avg:"), mean, 0.006, "the mean latency from sum and number of events")
    buckets = _histogram(output, events)
    value, place = _ranked(buckets, math.floor(0.95 * events + 0.5))
    _same(_number(output, "95th percentile:"), value, 0.006, "the 95th percentile from the histogram")
    # Within a bucket operations are taken to be spread evenly; otherwise readings would jump by a bucket's width.
    return mean, max(LATENCY_FLOOR_MS, value * math.exp((2 * place - 1) * _HALF_BUCKET))


def _histogram(output: str, events: float) -> list[tuple[float, float]]:
    """The latency histogram: (middle of the bucket in ms, number of events), ascending."""
    buckets: list[tuple[float, float]] = []
    for match in _BUCKET.finditer(output):
        value, count = (_float(text, match.group(0).strip()) for text in match.groups())
        if buckets and value < buckets[-1][0]:
            raise BenchmarkError(f"sysbench's latency histogram is out of order at {match.group(0).strip()!r}")
        buckets.append((value, count))
    counted = sum(count for value, count in buckets)
    if counted != events:
        raise BenchmarkError(f"sysbench's latency histogram counts {counted:.0f} events, its summary {events:.0f}")
    return buckets


def _ranked(buckets: list[tuple[float, float]], rank: int) -> tuple[float, float]:
    """The bucket that holds the event of this rank (from 1), and where in it that event is, from 0 to 1."""
    for value, count in buckets:
        if count >= rank:
            return value, max(0.0, rank - 0.5) / count if count else 0.5
        rank -= int(count)
    raise BenchmarkError("sysbench's latency histogram ends before the 95th percentile")


def _number(output: str, label: str, value: str = r"(\S+)") -> float:
    """The one number printed after `label`, finite and not negative."""
    # Not from the beginning of the line: a pattern that begins with the label is found ten times as fast.
    found = [
        match.group(1)
        for match in re.finditer(rf"{re.escape(label) or '^ *'} *{value} *$", output, re.MULTILINE)
        if not output[output.rfind("\n", 0, match.start()) + 1 : match.start()].strip(" ")
    ]
    if len(found) != 1:
        what = "no" if not found else f"{len(found)} lines instead of one with"
        raise BenchmarkError(f"sysbench printed {what} '{label or 'MiB transferred'}'." + last_lines(output))
    return _float(found[0], label)


def _float(text: str, where: str) -> float:
    # Stricter than float(): sysbench writes plain decimals and nothing else.
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or len(text) > 30:
        raise BenchmarkError(f"sysbench printed {text[:40]!r} for '{where[:80]}', expected a number of at least 0")
    return float(text)


def _positive(number: float, what: str, output: str) -> float:
    if number <= 0:
        raise BenchmarkError(f"sysbench measured nothing: {what} is {number:g}." + last_lines(output))
    return number


def _same(printed: float, computed: float, rounding: float, what: str) -> None:
    if abs(printed - computed) > rounding + 0.02 * computed:
        raise BenchmarkError(f"sysbench's output contradicts itself: it prints {printed:g}, but {what} is {computed:g}")
