# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points by the series of Prometheus they belong to; those that no database will ever take are told apart first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.promql import checked_labels, metric_name
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.remote_write import encoded

# One point of a series that lies in the future keeps Prometheus from taking any other until then.
FUTURE_SECONDS = 10
_BATCH = 5000
Labels = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    """A point of a series. In the order of time, first of all."""

    at_ms: int
    metric: str
    labels: Labels  # sorted by name; without the metric
    value: float

    @property
    def series(self) -> tuple[str, Labels]:
        """Of which it is."""
        return self.metric, self.labels


def samples_of(points: Sequence[Point], now_ms: int, refused: Counter[str]) -> list[Sample]:
    """The points in the order of time, one for each moment of a series (the last given, where there are several).

    What cannot be kept is counted in `refused`, by its reason.
    """
    kept = {}
    for point in points:
        try:
            metric = metric_name(point.measurement, point.field)
            labels = checked_labels(tuple(sorted((name, value) for name, value in point.tags if value)))
        except BackendError as error:
            refused[str(error)] += 1
            continue
        if not math.isfinite(point.value):
            refused["they are not finite numbers"] += 1
        elif point.at_ms > now_ms + FUTURE_SECONDS * 1000:
            refused[
                "they lie in the future; compare the clocks of the machines that measure with the controller's"
            ] += 1
        else:
            kept[metric, labels, point.at_ms] = Sample(point.at_ms, metric, labels, point.value)
    return sorted(kept.values())


def batches(samples: Sequence[Sample]) -> Iterator[Sequence[Sample]]:
    """What is sent at once."""
    for begin in range(0, len(samples), _BATCH):
        yield samples[begin : begin + _BATCH]


def body_of(samples: Sequence[Sample]) -> bytes:
    """The request that writes samples, which are in the order of time."""
    series: dict[tuple[str, Labels], list[tuple[int, float]]] = {}
    for sample in samples:
        series.setdefault(sample.series, []).append((sample.at_ms, sample.value))
    return encoded(({"__name__": metric, **dict(labels)}, points) for (metric, labels), points in series.items())
