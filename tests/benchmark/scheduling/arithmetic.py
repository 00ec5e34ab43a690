# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From runs to figures. Pure."""

from __future__ import annotations

import itertools
import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.evolve.vm.tests.benchmark.scheduling.evidence import Run, Trial
from ansible_collections.evolve.vm.tests.benchmark.scheduling.process import Sample


@dataclass(frozen=True)
class Utilisation:
    """`whole`: busy slot-seconds over slots x elapsed, from the first run handed out to the last one told.
    `without_tail`: the same until the last run was handed out, from when on slots have nothing left to do."""

    elapsed: float
    busy: float
    whole: float
    without_tail: float


def utilisation(runs: Sequence[Run], slots: int) -> Utilisation:
    first, last = min(run.asked for run in runs), max(run.asked for run in runs)
    elapsed = ended(runs) - first
    busy = sum(run.seconds for run in runs)
    until = sum(min(run.began + run.seconds, last) - min(run.began, last) for run in runs if run.began is not None)
    return Utilisation(elapsed, busy, _share(busy, slots * elapsed), _share(until, slots * (last - first)))


def ended(runs: Sequence[Run]) -> float:
    """When the last run was told."""
    return max(run.told for run in runs if run.told is not None)


def overheads(runs: Sequence[Run]) -> tuple[list[float], list[float]]:
    """Of each measured run that another follows on its slot: the seconds from when it was handed out to when the next
    one was, less its benchmark; and of these the ones until it was told."""
    rounds, until_told = [], []
    by_slot: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.asked):
        by_slot.setdefault(run.slot, []).append(run)
    for own in by_slot.values():
        for run, following in itertools.pairwise(own):
            if run.status == "measured" and run.began is not None and run.told is not None:
                rounds.append(following.asked - run.asked - run.seconds)
                until_told.append(run.told - run.asked - run.seconds)
    return rounds, until_told


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Stretch:
    """A part of the search: the trials told in it, and what each cost meanwhile."""

    trials: int  # told up to its end
    seconds: float
    cpu_seconds: float
    resident_mib: float


def course(runs: Sequence[Run], samples: Sequence[Sample], parts: int) -> list[Stretch]:
    """The search in parts with equally many trials told."""
    told = sorted(run.told for run in runs if run.told is not None)
    bounds = [round(part * len(told) / parts) for part in range(parts + 1)]
    begun = min(run.asked for run in runs)
    found = []
    for low, high in itertools.pairwise(bounds):
        if high == low:
            continue
        since, until = told[low - 1] if low else begun, told[high - 1]
        cpu = cpu_at(samples, until) - cpu_at(samples, since)
        resident = max((s.resident_mib for s in samples if s.at <= until), default=0.0)
        found.append(Stretch(high, (until - since) / (high - low), cpu / (high - low), resident))
    return found


def cpu_at(samples: Sequence[Sample], at: float) -> float:
    """Processor seconds used up to a time, between two samples in proportion."""
    before = [sample for sample in samples if sample.at <= at]
    after = [sample for sample in samples if sample.at > at]
    if not before or not after:
        return (before[-1] if before else samples[0]).cpu_seconds if samples else 0.0
    low, high = before[-1], after[0]
    return low.cpu_seconds + (high.cpu_seconds - low.cpu_seconds) * (at - low.at) / (high.at - low.at)


def duplicates(trials: Sequence[Trial]) -> int:
    """Trials whose configuration an earlier one had that they are not marked as repeating."""
    counts = Counter(json.dumps(t.configuration, sort_keys=True) for t in trials if t.repeat_of is None)
    return sum(counts.values()) - len(counts)


def measured_twice(runs: Sequence[Run]) -> int:
    """Measurements of a trial beyond its first."""
    counts = Counter(run.trial for run in runs if run.status == "measured")
    return sum(counts.values()) - len(counts)


def mean(values: Sequence[float]) -> float:
    return statistics.fmean(values) if values else 0.0


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
