# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface every search is put behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Parameter, Values


class Searcher(ABC):
    """A search that minimises. `readings` is its whole budget, `batch` how many are evaluated at the same time.

    Adapters implement `start`, `propose` and `learn`, and `recommend` where the peer has a rule of its own.
    """

    def __init__(
        self, parameters: list[Parameter], space: dict[str, Any], seed: int, readings: int, batch: int, **options: Any
    ) -> None:
        self.parameters = parameters
        self.space = space
        self.seed = seed
        self.readings = readings
        self.batch = batch
        self.options = options
        self.worst: float | None = None
        self._best: tuple[float, Values] | None = None
        self._handles: dict[int, Any] = {}
        self.start()

    @abstractmethod
    def start(self) -> None:
        """Build the peer's space and optimiser."""

    @abstractmethod
    def propose(self, count: int) -> list[tuple[Values, Any]]:
        """Up to `count` configurations with what `learn` needs to know them by; none when the search is at its end."""

    @abstractmethod
    def learn(self, handle: Any, objective: float | None) -> None:
        """What one evaluation gave; None where it failed."""

    def ask(self, count: int) -> list[Values]:
        proposed = self.propose(count)
        self._handles.update((id(values), handle) for values, handle in proposed)
        return [values for values, dummy in proposed]

    def tell(self, values: Values, objective: float | None) -> None:
        if objective is not None:
            self.worst = objective if self.worst is None else max(self.worst, objective)
            if self._best is None or objective < self._best[0]:
                self._best = (objective, values)
        self.learn(self._handles.pop(id(values)), objective)

    def recommend(self) -> Values | None:
        """The configuration with the best reading; None while every one failed."""
        return self._best[1] if self._best else None


class Penalised(Searcher):
    """For peers that know no failures: one is told as the worst objective so far, as soon as there is one."""

    def start(self) -> None:
        self._failed: list[Any] = []

    def learn(self, handle: Any, objective: float | None) -> None:
        if objective is not None:
            self.learn_value(handle, objective)
        else:
            self._failed.append(handle)
        if self.worst is not None:
            for failed in self._failed:
                self.learn_value(failed, self.worst)
            self._failed.clear()

    @abstractmethod
    def learn_value(self, handle: Any, objective: float) -> None:
        """What one evaluation gave, or the penalty for a failure."""
