# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The points of a run, by what they are of: from what the sampler gave, or read back from a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import MEASUREMENT
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.series import from_series, metrics_of, selectors
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.aggregation import Points
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Window, rounded, tagged

_PROBE = "probe"
# The first point of a window needs the one before it, and agents are not always in time.
_INTERVALS_BEFORE = 3

# The points of each (probe, field); the probe is '' where there is one of its sort only.
Found = dict[tuple[str, str], Points]


def points_of(series: Iterable[Mapping[str, Any]], tags: Mapping[str, str], shift_ms: int = 0) -> list[Point]:
    """What the module sampler gave, as points with these tags. shift_ms: how far its clock is behind this one."""
    return [
        Point(MEASUREMENT, each["field"], tagged(**tags, probe=each["probe"]), at_ms + shift_ms, rounded(float(value)))
        for each in series
        for at_ms, value in each["points"]
    ]


def within(points: Iterable[Point], window: Window) -> Found:
    """Those of a window."""
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for point in points:
        if window.holds(point.at_ms):
            found.setdefault((dict(point.tags).get(_PROBE, ""), point.field), []).append((point.at_ms, point.value))
    return dict(found)


def read_back(backend: Backend, fields: Iterable[tuple[str, str]], tags: Mapping[str, str], window: Window) -> Found:
    """What a database holds of the sampler's points. Raises BackendError."""
    found: Found = {}
    for probe, field in fields:
        series = backend.read(Selector(MEASUREMENT, field, tagged(**tags, probe=probe)), window)
        if points := [point for each in series if each.tags.get(_PROBE, "") == probe for point in each.points]:
            found[probe, field] = sorted(points)
    return found


def read_agent(
    backend: Backend, kind: str, agent: str, fields: Sequence[str], machine: str, window: Window, interval_ms: int
) -> Found:
    """What an agent in the machine has written of `fields`, as far as it sees them.

    Raises BackendError, UnknownSeriesError, AmbiguousSeriesError.
    """
    found: Found = {}
    wide = Window(window.begin_ms - _INTERVALS_BEFORE * interval_ms, window.end_ms)
    for metric in [metric for metric in metrics_of(agent, kind) if metric in fields]:
        read = {each: backend.read(each, wide) for each in selectors(agent, kind, metric, machine)}
        if points := from_series(agent, kind, metric, machine, read, window):
            found["", metric] = points
    return found
