# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read and written: points of time series.

Times are whole milliseconds since 1970 in UTC: the finest that every database keeps, so that a point comes back as it
was written. Values are floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Point(NamedTuple):
    """A number at a moment. `field` is the metric, unit included; `tags` tell the series of a measurement apart.

    Where a database has no fields (Prometheus), its metric is called `measurement_field`, or `measurement` alone where
    the field is `value`.
    """

    measurement: str
    field: str
    tags: tuple[tuple[str, str], ...]  # sorted by name; no empty value
    at_ms: int
    value: float


class Series(NamedTuple):
    """Points that differ in time only, in its order. shape of `points`: pairs (at_ms, value)."""

    tags: Mapping[str, str]
    points: list[tuple[int, float]]


class Selector(NamedTuple):
    """The series to read: those of a field whose tags have these values, whatever other tags they have."""

    measurement: str
    field: str
    tags: tuple[tuple[str, str], ...] = ()


class Window(NamedTuple):
    """A time span: later than `begin_ms`, and up to `end_ms`."""

    begin_ms: int
    end_ms: int

    def holds(self, at_ms: int) -> bool:
        """Whether a moment lies in it."""
        return self.begin_ms < at_ms <= self.end_ms


def tagged(**tags: str) -> tuple[tuple[str, str], ...]:
    """Tags in their order, those without a value left out."""
    return tuple(sorted((name, value) for name, value in tags.items() if value))


def rounded(value: float) -> float:
    """A value as every database gives it back: ten significant digits, far more than anything is measured with.

    VictoriaMetrics cuts off what follows the eleventh.
    """
    return float(f"{value:.10g}")
