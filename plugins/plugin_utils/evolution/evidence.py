# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence: what was told of each distinct configuration, whichever candidates carried it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate, Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

# A configuration whose readings lie this far apart, in log units, and further than noise explains, is unstable: its
# mean is no promise. About one in ten is (Freischuetz et al., TUNA, EuroSys 2025).
_UNSTABLE_RANGE = math.log(1.3)
_UNSTABLE_NOISES = 5.0

# Standard deviation of one reading, in log units, assumed until repeats tell (the field's median is 3 to 6 %), and how
# many repeats that assumption is worth.
_ASSUMED_NOISE = 0.05
_ASSUMED_FREEDOM = 2


Key = tuple[Any, ...]


@dataclass
class Evidence:
    """One distinct configuration: its key, the candidate that carried it first, and every reading of it.

    `readings`, `slots` and `violations` go together; `pending` counts evaluations under way.
    """

    key: Key
    candidate: Candidate
    readings: list[float] = field(default_factory=list)
    slots: list[str | None] = field(default_factory=list)
    violations: list[float] = field(default_factory=list)
    failed: bool = False
    pending: int = 0

    @property
    def values(self) -> dict[str, Any]:
        return self.candidate.values

    @property
    def told(self) -> bool:
        return self.failed or bool(self.readings)

    @property
    def measured(self) -> bool:
        """Has readings, and never broke anything."""
        return bool(self.readings) and not self.failed

    @property
    def mean(self) -> float:
        return sum(self.readings) / len(self.readings)

    @property
    def violation(self) -> float:
        """Mean excess over the limits."""
        return sum(self.violations) / len(self.violations) if self.violations else 0.0

    @property
    def feasible(self) -> bool:
        return self.measured and self.violation == 0.0


def gather(history: Sequence[Individual], keys: Mapping[int, Key]) -> list[Evidence]:
    """The evidence of each distinct configuration handed out, in the order they first were.

    `keys` are those of the candidates' configurations, by the candidates' numbers.
    """
    found: dict[Key, Evidence] = {}
    for individual in history:
        key = keys[individual.candidate.number]
        evidence = found.setdefault(key, Evidence(key, individual.candidate))
        evidence.readings += individual.readings
        evidence.slots += individual.slots
        evidence.violations += individual.violations
        evidence.failed |= individual.failure is not None
        evidence.pending += not individual.told
    return list(found.values())


def noise_of(evidence: Sequence[Evidence]) -> float:
    """Standard deviation of one reading in log units, pooled over configurations measured more than once.

    What is assumed of any system counts as two degrees of freedom more, so that two readings that happen to agree do
    not say that there is no noise.
    """
    repeats = [_repeats(found) for found in evidence]
    return _noise(sum(squares for squares, dummy in repeats), sum(freedom for dummy, freedom in repeats))


def level(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The same evidence with the effects of slots taken out of its readings."""
    effects = slot_effects(evidence)
    return [
        replace(found, readings=[r - effects[s] for r, s in zip(found.readings, found.slots, strict=True)])
        for found in evidence
    ]


def unstable(evidence: Sequence[Evidence]) -> list[bool]:
    """Of each, whether its readings lie further apart than one can rely on, judged by the noise of the others."""
    repeats = [_repeats(found) for found in evidence]
    squares, freedom = sum(s for s, dummy in repeats), sum(f for dummy, f in repeats)
    result = []
    for found, (own_squares, own_freedom) in zip(evidence, repeats, strict=True):
        noise = _noise(squares - own_squares, freedom - own_freedom)
        width = max(found.readings) - min(found.readings) if own_freedom else 0.0
        result.append(width > max(_UNSTABLE_RANGE, _UNSTABLE_NOISES * noise))
    return result


def slot_effects(evidence: Sequence[Evidence]) -> dict[str | None, float]:
    """What each slot adds to its readings, from configurations measured on several slots; 0 where nothing tells.

    Least squares on the readings about their configuration's mean, shrunk as if every slot had a quarter of a reading
    that says 0 (the effects of alike machines are about twice the noise).
    """
    names = sorted({slot for found in evidence for slot in found.slots if slot is not None})
    left, right = np.eye(len(names)) / 4.0, np.zeros(len(names))
    for found in evidence:
        known = [(names.index(s), r) for s, r in zip(found.slots, found.readings, strict=True) if s is not None]
        if len({slot for slot, dummy in known}) > 1:
            counts = np.bincount([slot for slot, dummy in known], minlength=len(names)).astype(float)
            sums = np.bincount([s for s, dummy in known], weights=[r for dummy, r in known], minlength=len(names))
            left += np.diag(counts) - np.outer(counts, counts) / counts.sum()
            right += sums - counts * sums.sum() / counts.sum()
    return {None: 0.0, **dict(zip(names, np.linalg.solve(left, right).tolist(), strict=True))}


def _repeats(found: Evidence) -> tuple[float, int]:
    """Sum of squares of its readings about their mean, and the degrees of freedom."""
    if len(found.readings) < 2:
        return 0.0, 0
    return sum((reading - found.mean) ** 2 for reading in found.readings), len(found.readings) - 1


def _noise(squares: float, freedom: int) -> float:
    return math.sqrt((squares + _ASSUMED_FREEDOM * _ASSUMED_NOISE**2) / (freedom + _ASSUMED_FREEDOM))
