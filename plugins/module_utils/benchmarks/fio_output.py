# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the JSON of fio 3. Pure; it gives metrics or raises BenchmarkError, never anything else.

What fio prints twice is compared: operations, bytes and time with the rates, latencies with the operations in flight.
"""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.json_output import Document, document

PERCENTILES = (50, 95, 99)
_NS = 1e6
#: fio's percentiles are those of a histogram whose classes are up to 1.6 % wide.
_CLASS = 0.05
_DIRECTIONS = ("read", "write")


class Expected(NamedTuple):
    """What a run was asked for; in_flight: operations at a time, all jobs together."""

    reads: bool
    writes: bool
    fsyncs: bool
    block_bytes: int
    in_flight: int


def metrics(output: str, expected: Expected) -> dict[str, float]:
    """Metrics of a run whose jobs are reported as a group."""
    found = document(output, "fio")
    jobs = found.objects("jobs")
    if len(jobs) != 1:
        raise BenchmarkError(f"fio reported {len(jobs)} jobs, expected one group")
    job = jobs[0]
    if job.number("error"):
        raise BenchmarkError(f"fio stopped with error {job.number('error'):.0f} (errno); its numbers are no result")
    wanted = [name for name, asked in zip(_DIRECTIONS, (expected.reads, expected.writes)) if asked]
    for name in set(_DIRECTIONS).difference(wanted):
        if job.object(name).number("total_ios"):
            raise BenchmarkError(
                f"fio's output contradicts what was asked for: it counts operations of the kind {name}"
            )
    parts = {name: _direction(job.object(name), name, expected) for name in wanted}
    result = {"operations_per_second": sum(part[f"{name}_operations_per_second"] for name, part in parts.items())}
    for part in parts.values():
        result.update(part)
    if expected.fsyncs:
        result.update(_fsyncs(job.object("sync"), job.object("write").positive("runtime")))
    return result


def _direction(part: Document, name: str, expected: Expected) -> dict[str, float]:
    operations = part.positive("total_ios")
    milliseconds = part.positive("runtime")
    for kind in ("short_ios", "drop_ios"):
        if part.number(kind):
            part.refuse(f"has {part.number(kind):.0f} for {kind!r}: operations were not done as a whole")
    moved = part.positive("io_bytes")
    part.same(moved, operations * expected.block_bytes, f"{operations:.0f} times {expected.block_bytes} bytes")
    rate = part.positive("iops")
    part.same(
        rate, operations / milliseconds * 1000, f"{operations:.0f} operations in {milliseconds:.0f} ms, a second,"
    )
    kib_per_second = moved / 1.024 / milliseconds
    # A whole number of KiB/s.
    part.same(part.number("bw"), kib_per_second, f"{moved:.0f} bytes in {milliseconds:.0f} ms, in KiB/s", rounding=1)
    latencies = _latencies(part, f"{name}_latency", operations)
    busy = latencies[f"{name}_latency_mean_ms"] * operations
    if busy > 1.25 * expected.in_flight * milliseconds:
        part.refuse(
            f"has {operations:.0f} operations of {latencies[f'{name}_latency_mean_ms']:g} ms in {milliseconds:.0f} ms, "
            f"more than {expected.in_flight} at a time can be"
        )
    return {
        f"{name}_operations_per_second": rate,
        f"{name}_mib_per_second": kib_per_second / 1024,
        **latencies,
    }


def _fsyncs(part: Document, milliseconds: float) -> dict[str, float]:
    count = part.positive("total_ios")
    return {"fsyncs_per_second": count / milliseconds * 1000, **_latencies(part, "fsync_latency", count)}


def _latencies(part: Document, prefix: str, operations: float) -> dict[str, float]:
    """Mean and percentiles in ms, from submission to completion."""
    total = part.object("lat_ns")
    # The oldest 3.x do not say how many there were; they put the percentiles, of the same latencies, under clat_ns.
    if "N" in total.content:
        total.same(total.number("N"), operations, "the number of operations")
    ranked = total if "percentile" in total.content else part.object("clat_ns")
    percentiles = ranked.object("percentile")
    values = [percentiles.positive(f"{rank:.6f}") for rank in PERCENTILES]
    mean = total.positive("mean")
    lowest = total.number("min")
    highest = total.positive("max")
    if values != sorted(values) or values[-1] > highest * (1 + _CLASS) or values[0] < lowest * (1 - _CLASS):
        percentiles.refuse(f"has {values}, which are not in order between {lowest:g} and {highest:g}")
    if not lowest <= mean <= highest:
        total.refuse(f"has a mean of {mean:g}, which is not between {lowest:g} and {highest:g}")
    return {
        f"{prefix}_mean_ms": mean / _NS,
        **{f"{prefix}_p{rank}_ms": value / _NS for rank, value in zip(PERCENTILES, values)},
    }
