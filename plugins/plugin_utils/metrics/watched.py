# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the points that were watched during a run to the metrics that goals can name.

The plain name is the mean over the run: `cpu_utilisation_percent`. With an aggregation before the unit it is that one:
`response_time_p95_ms`. Where several applications are asked, the probe's name and a dot stand before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import METRICS
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.aggregation import Points, aggregate

_UNITS = ("operations_per_second", "mib_per_second", "mbit_per_second", "percent", "mib", "ms")
_AGGREGATIONS = ("mean", "minimum", "maximum", "p50", "p90", "p95", "p99")


class Watched(NamedTuple):
    """A field of the points, and how a number follows from it."""

    field: str
    aggregation: str


def _names_of(field: str) -> dict[str, Watched]:
    unit = next(unit for unit in _UNITS if field.endswith(f"_{unit}"))
    stem = field.removesuffix(f"_{unit}")
    return {field: Watched(field, "mean"), **{f"{stem}_{how}_{unit}": Watched(field, how) for how in _AGGREGATIONS}}


# Every metric that can follow from points, by its name without a probe.
NAMES: Mapping[str, Watched] = {name: each for metric in METRICS for name, each in _names_of(metric.name).items()}
# Those that are kept of every run.
KEPT = tuple(
    name
    for name, each in NAMES.items()
    if name == each.field or (each.aggregation == "p95" and each.field.endswith("_ms"))
)


def understood(name: str, probes: Sequence[str] = ()) -> tuple[str, Watched] | None:
    """The probe ('' for none) and what is wanted of it; None where no points can give a metric of this name."""
    probe, dot, bare = name.rpartition(".")
    if (dot and probe not in probes) or bare not in NAMES:
        return None
    return probe, NAMES[bare]


def metrics_of(found: Mapping[tuple[str, str], Points], wanted: Iterable[str]) -> dict[str, float]:
    """The metrics that follow from the points of a run: by (probe, field), each not empty.

    Those that are always kept come with those `wanted` by name; what has no points is left out.
    """
    probes = {probe for probe, dummy in found}
    names = [f"{probe}.{name}" if probe else name for probe in sorted(probes) for name in KEPT]
    metrics = {}
    for name in dict.fromkeys([*names, *wanted]):
        place = understood(name, list(probes))
        if place is None:
            continue
        probe, (field, aggregation) = place
        if points := found.get((probe, field)):
            metrics[name] = aggregate(points, aggregation)
    return metrics
