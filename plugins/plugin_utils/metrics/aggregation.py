# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the raw points of a window to one number. Pure, and the same whatever database they were read from.

Sums are made without rounding on the way (math.fsum), so that the order in which a database gives its points back
makes no difference in the last digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from ansible_collections.evolve.vm.plugins.module_utils.ranks import nearest_rank

Points = Sequence[tuple[int, float]]


def _mean(points: Points) -> float:
    return math.fsum(value for dummy, value in points) / len(points)


def _percentile(percent: float) -> Callable[[Points], float]:
    """The smallest value that at least so many per cent of the points do not exceed (nearest rank)."""

    def value(points: Points) -> float:
        ordered = sorted(value for dummy, value in points)
        return ordered[nearest_rank(percent / 100, len(ordered))]

    return value


def _median(points: Points) -> float:
    ordered = sorted(value for dummy, value in points)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else math.fsum(ordered[middle - 1 : middle + 1]) / 2


def _rises(points: Points) -> list[float]:
    """How far a counter rose from each point to the next. One that is smaller than the last began anew at 0."""
    values = [value for dummy, value in sorted(points)]
    return [later - earlier if later >= earlier else later for earlier, later in pairwise(values)]


def _difference(points: Points) -> float:
    if len(points) < 2:
        raise ValueError("the rise of a counter needs at least two points")
    return math.fsum(_rises(points))


def _rate(points: Points) -> float:
    times = [at_ms for at_ms, dummy in points]
    if len(points) < 2 or max(times) == min(times):
        raise ValueError("the rate of a counter needs points of at least two moments")
    return _difference(points) / ((max(times) - min(times)) / 1000)


_BY_NAME: dict[str, Callable[[Points], float]] = {
    "mean": _mean,
    "minimum": lambda points: min(value for dummy, value in points),
    "maximum": lambda points: max(value for dummy, value in points),
    "median": _median,
    "p50": _percentile(50),
    "p90": _percentile(90),
    "p95": _percentile(95),
    "p99": _percentile(99),
    "sum": lambda points: math.fsum(value for dummy, value in points),
    "count": lambda points: float(len(points)),
    "first": lambda points: min(points)[1],
    "last": lambda points: max(points)[1],
    "difference": _difference,
    "rate_per_second": _rate,
}
AGGREGATIONS = tuple(_BY_NAME)


def aggregate(points: Points, aggregation: str) -> float:
    """One of AGGREGATIONS of points (at_ms, value), in any order.

    `difference` and `rate_per_second` are of counters, which may begin anew. ValueError where there are too few points.
    """
    if not points:
        raise ValueError("there are no points")
    return _BY_NAME[aggregation](points)
