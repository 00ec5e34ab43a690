# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points of a batch Prometheus refuses, and why: it says so of a batch as a whole, and then takes none of it.

What it has already is no trouble: it calls that out of order, and here it is left out. What it will refuse for certain
is not asked of it point by point, because a database that was down for hours is followed by many such points.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series, Window
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.samples import Labels, Sample

OUT_OF_ORDER = "Prometheus has later ones of the same series (out of order)"
TOO_OLD = "they are too old for it (out of bounds)"
ANOTHER_VALUE = "it has another value for that moment (duplicate)"
_MEANINGS = (
    (re.compile(r"duplicate", re.IGNORECASE), ANOTHER_VALUE),
    (re.compile(r"out[ -]of[ -]order", re.IGNORECASE), OUT_OF_ORDER),
    (re.compile(r"out[ -]of[ -]bounds|too[ -]old", re.IGNORECASE), TOO_OLD),
    (re.compile(r"future", re.IGNORECASE), "they lie in its future; compare its clock with the controller's"),
)


def meaning(said: str) -> str:
    """The reason in what a server says of points that it refuses; nothing where it speaks of something else."""
    return next((reason for pattern, reason in _MEANINGS if pattern.search(said)), "")


class Bounds(NamedTuple):
    """What a server takes. oldest_ms: it refuses everything earlier; None where that is not known.

    in_order: whether it refuses all that is earlier than the newest point of the series.
    """

    oldest_ms: int | None
    in_order: bool


class Server(Protocol):
    """The server, as far as it matters here."""

    def refusal(self, samples: Sequence[Sample]) -> str:
        """Write samples: the reason why it takes none of them, or nothing where it takes all."""

    def read(self, selector: Selector, window: Window) -> list[Series]:
        """The raw points of a window."""

    def bounds(self) -> Bounds:
        """What it takes at present."""

    def is_present(self, selector: Selector, window: Window) -> list[Labels]:
        """The series that have points in a window."""


def write_what_it_takes(server: Server, samples: Sequence[Sample]) -> Counter[str]:
    """Write a batch that it refused as a whole; gives how many it does not take, by the reason."""
    by_metric: dict[str, list[Sample]] = {}
    for sample in samples:
        by_metric.setdefault(sample.metric, []).append(sample)
    bounds = server.bounds()
    refused: Counter[str] = Counter()
    left = [
        sample
        for metric, group in by_metric.items()
        for sample in _worth_trying(server, metric, group, bounds, refused)
    ]
    return refused + _halved(server, sorted(left))


def _worth_trying(
    server: Server, metric: str, samples: Sequence[Sample], bounds: Bounds, refused: Counter[str]
) -> list[Sample]:
    """Those of a metric that it has not already, and does not refuse for certain."""
    common = set.intersection(*(set(sample.labels) for sample in samples))
    selector = Selector(metric, "value", tuple(sorted(common)))
    first, last = samples[0].at_ms, samples[-1].at_ms
    stored = {
        tuple(sorted(each.tags.items())): dict(each.points) for each in server.read(selector, Window(first - 1, last))
    }
    newest = {labels: max(points) for labels, points in stored.items() if points}
    if bounds.in_order:
        newest.update((labels, last + 1) for labels in server.is_present(selector, Window(last, last + _AHEAD_MS)))
    left = []
    for sample in samples:
        value = stored.get(sample.labels, {}).get(sample.at_ms)
        if value is not None:
            refused[ANOTHER_VALUE] += value != sample.value
        elif bounds.oldest_ms is not None and sample.at_ms < bounds.oldest_ms:
            refused[TOO_OLD] += 1
        elif bounds.in_order and sample.at_ms < newest.get(sample.labels, sample.at_ms):
            refused[OUT_OF_ORDER] += 1
        else:
            left.append(sample)
    return left


# How much later points may lie that make others out of order: the longest that a series lies in Prometheus's head.
_AHEAD_MS = 4 * 3600 * 1000


def _halved(server: Server, samples: Sequence[Sample]) -> Counter[str]:
    """Write samples in ever smaller parts, the older ones first, so that none makes another out of order."""
    if not samples:
        return Counter()
    reason = server.refusal(samples)
    if not reason:
        return Counter()
    if len(samples) == 1:
        return Counter({reason: 1})
    middle = len(samples) // 2
    return _halved(server, samples[:middle]) + _halved(server, samples[middle:])
