# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the points of a metric follow from the raw series of an agent.

A counter becomes the rate since its point before. Where it has begun anew (the machine was restarted) there is no
point: a gap, never a jump. What an agent reads at one moment stands in several series; they are put together again, and
a moment at which one of them is missing (collectd's messages may be lost) gives no point either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series

# What an agent reads at one moment is stamped within this span; the next moment is at least a second later.
_TOGETHER_MS = 400


class AmbiguousSeriesError(ValueError):
    """Two series are the same thing of the same machine, so that a sum of them would count it twice."""


class Term(NamedTuple):
    """Series that are added up.

    tags: those that tell the series from others. over: the tags by which series of one machine differ (a disk, a CPU).
    where: only series with such values of tags, as regular expressions of the whole value.
    probe: the tag that names a probe, for series of which a machine has one a probe.
    counter: it only grows; its rate per second is meant. weight: what each is multiplied by.
    within: 1 is meant where the value lies between these two, both included, else 0.
    """

    measurement: str
    field: str = "value"
    tags: tuple[tuple[str, str], ...] = ()
    over: tuple[str, ...] = ()
    where: Mapping[str, str] = {}
    probe: str = ""
    counter: bool = False
    weight: float = 1.0
    within: tuple[float, float] | None = None

    def selector(self, machine: tuple[str, str], probe: str) -> Selector:
        """What to read for one machine, which a tag and its value name, and for one of its probes or the only one."""
        named = ((self.probe, probe),) if self.probe and probe else ()
        return Selector(self.measurement, self.field, tuple(sorted((*self.tags, machine, *named))))


class Formula(NamedTuple):
    """scale * above / below + offset, where both are sums of terms; there is no point where `below` is 0."""

    above: tuple[Term, ...]
    below: tuple[Term, ...] = ()
    scale: float = 1.0
    offset: float = 0.0

    @property
    def terms(self) -> tuple[Term, ...]:
        """All of them, in the order in which `points` takes their series."""
        return (*self.above, *self.below)


def points(formula: Formula, series_of_terms: Sequence[Sequence[Series]]) -> list[tuple[int, float]]:
    """The points that follow from the series of each term, of `above` and then of `below`, in the order of time.

    Raises AmbiguousSeriesError.
    """
    tracks = [_tracks(term, series) for term, series in zip(formula.terms, series_of_terms, strict=True)]
    moment_of, ends = _moments(at_ms for track in tracks for values in track for at_ms, dummy in values)
    sums = [_sums(track, moment_of) for track in tracks]
    count = len(formula.above)
    found = []
    for moment in sorted(set.intersection(*(set(each) for each in sums))):
        below = sum(each[moment] for each in sums[count:]) if formula.below else 1.0
        if below:
            above = sum(each[moment] for each in sums[:count])
            found.append((ends[moment], formula.scale * above / below + formula.offset))
    return found


def rates(values: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """What a counter grows by per second, at each of its points but the first and those at which it begins anew."""
    return [
        (at_ms, (value - before) * 1000.0 / (at_ms - before_ms))
        for (before_ms, before), (at_ms, value) in pairwise(values)
        if value >= before and at_ms > before_ms
    ]


def _tracks(term: Term, series: Sequence[Series]) -> list[list[tuple[int, float]]]:
    """What each series of a term adds, at its points."""
    seen: dict[tuple[str, ...], Mapping[str, str]] = {}
    tracks = []
    for tags, raw in series:
        if not all(re.fullmatch(pattern, tags.get(tag, "")) for tag, pattern in term.where.items()):
            continue
        key = tuple(tags.get(tag, "") for tag in term.over)
        if (other := seen.setdefault(key, tags)) is not tags:
            names = sorted(tag for tag in {*tags, *other} if tags.get(tag) != other.get(tag))
            differ = "; ".join(f"{tag} {other.get(tag, '')!r} and {tags.get(tag, '')!r}" for tag in names)
            raise AmbiguousSeriesError(
                f"{term.measurement} of one machine comes twice ({differ}). Name the probe that is meant, or have one "
                "agent or scrape job alone carry the machine's name"
            )
        tracks.append([(at_ms, value * term.weight) for at_ms, value in _converted(term, raw)])
    return tracks


def _converted(term: Term, raw: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    if term.counter:
        return rates(raw)
    if term.within is None:
        return raw
    low, high = term.within
    return [(at_ms, float(low <= value <= high)) for at_ms, value in raw]


def _moments(times: Iterable[int]) -> tuple[dict[int, int], list[int]]:
    """The number of the moment that each time belongs to, and the last time of each moment."""
    moment_of: dict[int, int] = {}
    ends: list[int] = []
    for at_ms in sorted(set(times)):
        if ends and at_ms - ends[-1] <= _TOGETHER_MS:
            ends[-1] = at_ms
        else:
            ends.append(at_ms)
        moment_of[at_ms] = len(ends) - 1
    return moment_of, ends


def _sums(tracks: Sequence[Sequence[tuple[int, float]]], moment_of: Mapping[int, int]) -> dict[int, float]:
    """The sum at each moment, but for those at which a series that was and will be there is not."""
    sums: dict[int, float] = {}
    lacking: set[int] = set()
    for track in tracks:
        here = {moment_of[at_ms]: value for at_ms, value in track}
        if here:
            lacking.update(moment for moment in range(min(here), max(here)) if moment not in here)
        for moment, value in here.items():
            sums[moment] = sums.get(moment, 0.0) + value
    return {moment: value for moment, value in sums.items() if moment not in lacking}
