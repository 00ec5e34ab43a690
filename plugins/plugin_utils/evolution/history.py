# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine knows: the candidates handed out and what was told of each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """A configuration handed out for evaluation.

    `origin` is baseline, initial, crossover, mutation or repeat; `parents` are candidate numbers; `repeat_of` is the
    number of the candidate whose configuration this one repeats on purpose.
    """

    number: int
    values: dict[str, Any]
    origin: str
    generation: int = 0
    parents: tuple[int, ...] = ()
    repeat_of: int | None = None

    def again(self, number: int, generation: int) -> Candidate:
        """A candidate that evaluates the same configuration once more."""
        first = self.number if self.repeat_of is None else self.repeat_of
        return Candidate(number, dict(self.values), "repeat", generation, (first,), repeat_of=first)


@dataclass(frozen=True)
class Earlier:
    """What an earlier study over (some of) the same parameters found: each configuration with its fitness there."""

    study: str
    trials: tuple[tuple[dict[str, Any], float], ...]


@dataclass
class Individual:
    """A candidate and what became of it. It is pending until something is told.

    `readings`, `violations` and `slots` go together: one entry each for every evaluation.
    """

    candidate: Candidate
    readings: list[float] = field(default_factory=list)
    violations: list[float] = field(default_factory=list)
    failure: str | None = None
    slots: list[str | None] = field(default_factory=list)

    @property
    def told(self) -> bool:
        return bool(self.readings) or self.failure is not None

    @property
    def fitness(self) -> float:
        """Mean of the readings, in log units over the baseline; minus infinity where there is none."""
        return sum(self.readings) / len(self.readings) if self.readings else -math.inf

    @property
    def violation(self) -> float:
        """Mean excess over the limits; infinity where nothing was measured."""
        return sum(self.violations) / len(self.violations) if self.violations else math.inf

    @property
    def feasible(self) -> bool:
        """Measured, every limit held, and never broke anything."""
        return bool(self.readings) and self.failure is None and self.violation == 0.0

    @property
    def rank(self) -> tuple[int, float]:
        """Sort key, higher is better: feasible by fitness, then infeasible by violation, then failed (Deb 2000)."""
        if self.feasible:
            return (2, self.fitness)
        return (1, -self.violation) if self.readings and self.failure is None else (0, 0.0)
