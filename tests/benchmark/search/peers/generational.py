# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What generational algorithms share: a generation is handed out piece by piece and taken back as a whole."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Values
from ansible_collections.evolve.vm.tests.benchmark.search.searcher import Searcher

# Objective of a failure: above every other. These algorithms compare, so that it does not matter by how much.
FAILED = 1e9


class Generational(Searcher):
    """Adapters implement `breed`, `values_of` and `replace`. The last batch of a generation may be a smaller one."""

    def start(self) -> None:
        self._waiting: list[Any] = []
        self._told: list[tuple[Any, float]] = []

    @abstractmethod
    def breed(self) -> list[Any]:
        """The individuals of the next generation that need an evaluation; none when there is nothing new to find."""

    @abstractmethod
    def values_of(self, individual: Any) -> Values:
        """The configuration an individual stands for."""

    @abstractmethod
    def replace(self, evaluated: list[tuple[Any, float]]) -> None:
        """All individuals of the last `breed`, with their objectives."""

    def propose(self, count: int) -> list[tuple[Values, Any]]:
        if not self._waiting:
            if self._told:
                self.replace(self._told)
                self._told = []
            self._waiting = self.breed()
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return [(self.values_of(individual), individual) for individual in taken]

    def learn(self, handle: Any, objective: float | None) -> None:
        self._told.append((handle, FAILED if objective is None else objective))
