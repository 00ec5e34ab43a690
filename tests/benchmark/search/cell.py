# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cell of the comparison: one search on one task with one seed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.evolve.vm.tests.benchmark.search import parameters, tasks
from ansible_collections.evolve.vm.tests.benchmark.search.registry import SEARCHES

# The readings at which the recommendation is scored; the table shows those of CHECKPOINTS, the figure all.
CHECKPOINTS = (25, 50, 100, 200)
CURVE = (10, 16, 25, 35, 50, 70, 100, 140, 200)


@dataclass(frozen=True)
class Cell:
    """`batch` is how many readings are taken at a time, `readings` how many in all."""

    searcher: str
    task: str
    seed: int
    batch: int
    readings: int


@dataclass
class Outcome:
    """`regrets` at those of CURVE that the cell reached; `found_after` is the first reading of a configuration whose
    true cost is within 5 % of the best; `message` says why the cell failed."""

    regrets: dict[int, float] = field(default_factory=dict)
    found_after: int | None = None
    milliseconds: float = 0.0
    taken: int = 0
    message: str = ""


def run(cell: Cell) -> Outcome:
    """Runs the search; what it raises becomes the outcome's message."""
    outcome = Outcome()
    try:
        _search(cell, outcome)
    except Exception as error:
        outcome.message = (f"{type(error).__name__}: {error}".strip().splitlines() or ["error"])[-1][:200]
    return outcome


def _search(cell: Cell, outcome: Outcome) -> None:
    task = tasks.load(cell.task)
    search = SEARCHES[cell.searcher]
    waiting = [point for point in CURVE if point <= cell.readings]
    spent, started = 0.0, time.process_time()
    searcher = search.load()(
        parameters.read(task.parameters), task.parameters, cell.seed, cell.readings, cell.batch, **search.options
    )
    spent += time.process_time() - started
    while outcome.taken < cell.readings:
        started = time.process_time()
        proposed = searcher.ask(min(cell.batch, cell.readings - outcome.taken))
        spent += time.process_time() - started
        if not proposed:
            break
        # A checkpoint that this batch would run past is scored before it.
        _score(outcome, task, searcher, _up_to(waiting, outcome.taken + len(proposed) - 1))
        objectives = [_read(outcome, cell, task, values) for values in proposed]
        started = time.process_time()
        for values, objective in zip(proposed, objectives, strict=True):
            searcher.tell(values, objective)
        spent += time.process_time() - started
        _score(outcome, task, searcher, _up_to(waiting, outcome.taken))
    _score(outcome, task, searcher, waiting)
    outcome.milliseconds = 1000 * spent / max(outcome.taken, 1)


def _up_to(waiting: list[int], taken: int) -> list[int]:
    """Takes out of `waiting` what lies at or below `taken`."""
    reached = [point for point in waiting if point <= taken]
    waiting[:] = waiting[len(reached) :]
    return reached


def _score(outcome: Outcome, task: Any, searcher: Any, points: Iterable[int]) -> None:
    if points := list(points):
        regret = tasks.regret(task, searcher.recommend())
        outcome.regrets.update(dict.fromkeys(points, regret))


def _read(outcome: Outcome, cell: Cell, task: Any, values: parameters.Values) -> float | None:
    """One noisy reading of the objective, or None where the configuration fails. A failure counts as a reading."""
    number = outcome.taken
    outcome.taken += 1
    cost = task.true_cost(values)
    if outcome.found_after is None and tasks.found(task, cost):
        outcome.found_after = outcome.taken
    return None if cost is None else tasks.objective(cost) + tasks.noise(cell.task, cell.seed, number)
