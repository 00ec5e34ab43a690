# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From cells to what the table says. Pure arithmetic."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.evolve.vm.tests.benchmark.search.cell import Cell, Outcome

# Regrets are stored with six digits; what differs by less is the same.
EQUAL = 1e-6


@dataclass(frozen=True)
class Series:
    """One search on one task in one mode: its outcomes by seed."""

    searcher: str
    task: str
    batch: int
    outcomes: Mapping[int, Outcome]

    def regrets(self, point: int) -> dict[int, float]:
        """Regret after `point` readings by seed; only seeds whose cell went that far."""
        return {seed: o.regrets[point] for seed, o in self.outcomes.items() if point in o.regrets and not o.message}

    def regret(self, point: int) -> float | None:
        """Mean over the seeds; None where no cell went that far."""
        regrets = self.regrets(point)
        return statistics.fmean(regrets.values()) if regrets else None

    @property
    def readings(self) -> int:
        return max((max(o.regrets, default=0) for o in self.outcomes.values()), default=0)

    @property
    def found_after(self) -> float:
        """Median over the seeds; infinity for one that never got there."""
        return statistics.median(math.inf if o.found_after is None else o.found_after for o in self.outcomes.values())

    @property
    def failed(self) -> dict[int, str]:
        """Why cells failed, by seed."""
        return {seed: outcome.message for seed, outcome in self.outcomes.items() if outcome.message}


class Comparison:
    """All finished cells of one mode (`batch` readings at a time)."""

    def __init__(self, cells: Mapping[Cell, Outcome], batch: int) -> None:
        self.batch = batch
        self.series = _series(cells, batch)

    @cached_property
    def tasks(self) -> list[str]:
        return sorted({task for dummy, task in self.series})

    @cached_property
    def searchers(self) -> list[str]:
        return list(dict.fromkeys(searcher for searcher, dummy in self.series))

    def of(self, searcher: str) -> list[Series]:
        return [series for (name, dummy), series in self.series.items() if name == searcher]

    def regrets(self, searcher: str, point: int) -> dict[str, float]:
        """Mean regret by task."""
        found = {series.task: series.regret(point) for series in self.of(searcher)}
        return {task: regret for task, regret in found.items() if regret is not None}

    def is_complete(self, searcher: str, point: int) -> bool:
        """Whether means over the tasks can be compared with those of others."""
        return len(self.regrets(searcher, point)) == len(self.tasks)

    def ranks(self, point: int) -> dict[str, float]:
        """Mean over the tasks of each complete search's rank among them; 1 is the best, equals share their ranks."""
        complete = [name for name in self.searchers if self.is_complete(name, point)]
        regrets = {name: self.regrets(name, point) for name in complete}
        by_task = [ranked({name: regrets[name][task] for name in complete}) for task in self.tasks]
        return {name: statistics.fmean(ranks[name] for ranks in by_task) for name in complete}

    def worse_than(self, searcher: str, other: str, point: int) -> list[str]:
        """Tasks on which a search's mean regret is above another's, over the seeds that both have."""
        found = []
        for task in self.tasks:
            one, two = self.series.get((searcher, task)), self.series.get((other, task))
            if one is None or two is None:
                continue
            ours, theirs = one.regrets(point), two.regrets(point)
            common = ours.keys() & theirs.keys()
            if common and sum(ours[s] for s in common) > sum(theirs[s] for s in common) + EQUAL * len(common):
                found.append(task)
        return found

    def found_after(self, searcher: str) -> float:
        """Median over the tasks."""
        return statistics.median(series.found_after for series in self.of(searcher))

    def milliseconds(self, searcher: str) -> float:
        """CPU a suggestion, mean over all cells that ended well."""
        spent = [o.milliseconds for series in self.of(searcher) for o in series.outcomes.values() if not o.message]
        return statistics.fmean(spent) if spent else math.nan


def ranked(scores: Mapping[str, float]) -> dict[str, float]:
    """Ranks from 1, the lowest score first; equal scores share the mean of their ranks."""
    return {
        name: 1
        + sum(other < score - EQUAL for other in scores.values())
        + (sum(abs(other - score) <= EQUAL for other in scores.values()) - 1) / 2
        for name, score in scores.items()
    }


def _series(cells: Mapping[Cell, Outcome], batch: int) -> dict[tuple[str, str], Series]:
    """Of a cell that was run with several budgets, the largest counts."""
    outcomes: dict[tuple[str, str], dict[int, Outcome]] = {}
    for cell in _by_budget(cell for cell in cells if cell.batch == batch):
        outcomes.setdefault((cell.searcher, cell.task), {})[cell.seed] = cells[cell]
    return {(name, task): Series(name, task, batch, by_seed) for (name, task), by_seed in outcomes.items()}


def _by_budget(cells: Iterable[Cell]) -> list[Cell]:
    return sorted(cells, key=lambda cell: cell.readings)
