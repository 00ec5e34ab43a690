# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what pgbench 12 and later prints, and its log of transactions. Pure: metrics or a BenchmarkError.

The summary and the log are two accounts of one run: number, mean and spread of the latencies, failures and duration
must be the same in both.
"""

from __future__ import annotations

import math
import re
from array import array
from typing import NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, last_lines
from ansible_collections.evolve.vm.plugins.module_utils.ranks import nearest_rank

OLDEST = 12
#: From this version on, a failed transaction is counted; before, it ended the run.
_COUNTS_FAILURES = 15
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_WHOLE = r"[0-9]{1,15}"
_HEADER = re.compile(r"^pgbench \(([0-9]{1,3})", re.MULTILINE)
_FAILURES = ("failed", "serialization", "deadlock")


class Columns(NamedTuple):
    """What the log has beside the usual: lag with a rate, retries where a transaction is tried again."""

    lag: bool
    retries: bool


class _Log(NamedTuple):
    """latencies: in µs, ascending. failed: transactions. seconds: from the first begin to the last end."""

    latencies: list[int]
    failed: int
    seconds: float


def metrics(output: str, logs: Sequence[str], columns: Columns) -> dict[str, float]:
    """Metrics out of the summary and the logs, one of each thread."""
    processed = int(_one(output, rf"number of transactions actually processed: ({_WHOLE})")[0])
    if processed == 0:
        raise BenchmarkError("pgbench measured nothing: no transaction succeeded." + last_lines(output))
    failed = _failed(output, processed)
    log = _log(logs, columns)
    for what, counted, found in (
        ("successful", processed, len(log.latencies)),
        ("failed", failed, log.failed),
    ):
        if counted != found:
            raise BenchmarkError(f"pgbench's summary counts {counted} {what} transactions, its log {found}")
    mean = sum(log.latencies) / processed
    _same(output, "latency average", mean)
    _same(
        output, "latency stddev", math.sqrt(max(0.0, sum(time * time for time in log.latencies) / processed - mean**2))
    )
    rate = _rate(output)
    _check_duration(output, processed / rate, log.seconds, columns.lag)
    found_metrics = {
        "throughput_per_second": rate,
        "latency_mean_ms": mean / 1000,
        "latency_p50_ms": _percentile(log.latencies, 0.50),
        "latency_p95_ms": _percentile(log.latencies, 0.95),
        "latency_p99_ms": _percentile(log.latencies, 0.99),
        "latency_maximum_ms": log.latencies[-1] / 1000,
    }
    for name, value in found_metrics.items():
        if value <= 0:
            raise BenchmarkError(f"pgbench measured nothing: {name} is {value:g}")
    return {**found_metrics, "errors_total": float(failed), "errors_percent": 100.0 * failed / (processed + failed)}


def _failed(output: str, processed: int) -> int:
    """Failed transactions, as the summary has them."""
    if "number of failed transactions" not in output and _ends_at_failures(output):
        return 0
    count, share = _one(output, rf"number of failed transactions: ({_WHOLE}) \(({_NUMBER})%\)")
    failed = int(count)
    _near(float(share), 100.0 * failed / (failed + processed), 0.0006, "the share of failed transactions")
    return failed


def _ends_at_failures(output: str) -> bool:
    """Whether this version knows no failed transactions: it ends with an exit code when there is one."""
    header = _HEADER.search(output)
    if header:
        return int(header.group(1)) < _COUNTS_FAILURES
    return "(including connections establishing)" in output


def _rate(output: str) -> float:
    """Transactions a second, connecting not counted."""
    (text,) = _one(
        output, rf"tps = ({_NUMBER}) \((?:without initial connection time|excluding connections establishing)\)"
    )
    rate = float(text)
    if rate <= 0:
        raise BenchmarkError(f"pgbench measured nothing: tps is {text}." + last_lines(output))
    return rate


def _check_duration(output: str, seconds: float, logged: float, rated: bool) -> None:
    """Number by rate is how long it ran: about as long as the log says, and as was asked for."""
    asked = float(_one(output, rf"duration: ({_WHOLE}) s")[0])
    if logged > 1.1 * seconds + 0.5:
        raise BenchmarkError(f"pgbench's rate makes it run {seconds:.1f} s, but its log covers {logged:.1f} s")
    # With a rate it may end before the time, when nothing more is due. Before version 14 connecting is mixed in.
    if rated or "(including connections establishing)" in output:
        return
    connecting = float(_one(output, rf"initial connection time = ({_NUMBER}) ms")[0]) / 1000
    if seconds > 1.1 * logged + 0.5:
        raise BenchmarkError(f"pgbench's rate makes it run {seconds:.1f} s, but its log covers {logged:.1f} s")
    if seconds + connecting < 0.9 * asked - 0.5:
        raise BenchmarkError(f"pgbench's rate makes it run {seconds:.1f} s, but it was to run {asked:.0f} s")


def _log(logs: Sequence[str], columns: Columns) -> _Log:
    entry = re.compile(
        rf"([0-9]{{1,9}}) ({_WHOLE}) ({_WHOLE}|{'|'.join(_FAILURES)}) [0-9]{{1,9}} ([0-9]{{1,11}}) ([0-9]{{1,6}})"
        + rf" {_WHOLE}" * (columns.lag + columns.retries)
        + "\n"
    )
    # A long run has millions of lines: no list of them is made.
    latencies = array("Q")
    failed = 0
    first = math.inf
    last = -math.inf
    for text in logs:
        numbers: dict[str, int] = {}
        place = 0
        while place < len(text):
            found = entry.match(text, place)
            if found is None:
                line = text[place : place + 200].partition("\n")[0]
                raise BenchmarkError(f"pgbench's log has the line {line[:100]!r}, which is not all of a transaction")
            place = found.end()
            client, number, time, second, microsecond = found.groups()
            if numbers.get(client, int(number) - 1) != int(number) - 1:
                raise BenchmarkError(f"pgbench's log has a gap before transaction {number} of client {client}")
            numbers[client] = int(number)
            end = int(second) + int(microsecond) / 1e6
            last = max(last, end)
            if time in _FAILURES:
                failed += 1
                continue
            latencies.append(int(time))
            first = min(first, end - int(time) / 1e6)
    return _Log(sorted(latencies), failed, last - first if latencies else 0.0)


def _percentile(latencies: Sequence[int], share: float) -> float:
    """In ms, of latencies in µs: the smallest that this share of them does not exceed."""
    return latencies[nearest_rank(share, len(latencies))] / 1000


def _same(output: str, label: str, microseconds: float) -> None:
    printed = float(_one(output, rf"{label} = ({_NUMBER}) ms")[0])
    # Both are rounded, the summary to 0.001 ms, the log's times to as much.
    _near(printed, microseconds / 1000, 0.0016 + 0.001 * printed, f"the {label} of its log")


def _near(printed: float, computed: float, tolerance: float, what: str) -> None:
    if abs(printed - computed) > tolerance:
        raise BenchmarkError(f"pgbench contradicts itself: it prints {printed:g}, but {what} is {computed:g}")


def _one(output: str, pattern: str) -> Sequence[str]:
    """The groups of the one line that has this pattern."""
    found = [match.groups() for match in re.finditer(rf"^{pattern}$", output, re.MULTILINE)]
    if len(found) != 1:
        what = re.split(r" ?[(\\]", pattern)[0]
        count = "no line" if not found else f"{len(found)} lines instead of one"
        raise BenchmarkError(f"pgbench printed {count} with a plain '{what}'." + last_lines(output))
    return found[0]
