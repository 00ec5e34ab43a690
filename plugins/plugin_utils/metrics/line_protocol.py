# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""InfluxDB's line protocol: points as text. Pure.

One line carries all fields of a moment, a measurement and its tags. Every number is written as a float, because a field
has the type of its first value for ever.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.influxql import LATEST_MS
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point

_UNWRITABLE = frozenset("\n\r\0")


class Lines(NamedTuple):
    """Points by line, and why some can be in none."""

    lines: list[Line]
    refused: list[str]


class Line(NamedTuple):
    """A moment of a series. head: measurement and tags, as they are written."""

    head: str
    fields: dict[str, float]
    at_ms: int

    def __str__(self) -> str:
        fields = ",".join(f"{_name(name)}={value!r}" for name, value in self.fields.items())
        return f"{self.head} {fields} {self.at_ms}"


def lines_of(points: Iterable[Point]) -> Lines:
    """The lines of points, in their order; of two values of the same moment the later one counts."""
    found: dict[tuple[str, tuple[tuple[str, str], ...], int], Line] = {}
    refused = []
    for point in points:
        if problem := _problem(point):
            refused.append(problem)
            continue
        key = (point.measurement, point.tags, point.at_ms)
        if key not in found:
            found[key] = Line(_head(point.measurement, point.tags), {}, point.at_ms)
        found[key].fields[point.field] = float(point.value)
    return Lines(list(found.values()), refused)


def single_fields(lines: Sequence[Line]) -> list[Line]:
    """The same points, each on a line of its own."""
    return [Line(line.head, {name: value}, line.at_ms) for line in lines for name, value in line.fields.items()]


def _problem(point: Point) -> str:
    """Why a point can be on no line; nothing where it can."""
    where = f"{point.field} of {point.measurement}"
    if not math.isfinite(point.value):
        return f"{where} is {point.value}, which is no number"
    if abs(point.at_ms) > LATEST_MS:
        return f"{where} has the time {point.at_ms} ms, which is out of range"
    for what, name in (("measurement", point.measurement), ("field", point.field)):
        if not name or "\\" in name or not name.isprintable():
            return f"no {what} can be called {name!r} (empty, with a backslash or a control character)"
    for name, value in point.tags:
        for what, text in (("tag can be called", name), (f"value of the tag {name} can be", value)):
            if not text or not _UNWRITABLE.isdisjoint(text) or text.endswith("\\"):
                return f"{where}: no {what} {text!r} (empty, with a line break, or with a backslash at its end)"
    return f"no measurement can begin with #: {point.measurement}" if point.measurement.startswith("#") else ""


def _head(measurement: str, tags: Sequence[tuple[str, str]]) -> str:
    pairs = "".join(f",{_name(name)}={_name(value)}" for name, value in tags)
    return measurement.replace(",", "\\,").replace(" ", "\\ ") + pairs


def _name(text: str) -> str:
    """A tag's name or value, or a field's name."""
    return text.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")
