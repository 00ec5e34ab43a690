# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own engine; the option `algorithm` says which of its algorithms."""

from __future__ import annotations

from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Values
from ansible_collections.evolve.vm.tests.benchmark.search.searcher import Searcher


class Evolve(Searcher):
    def start(self) -> None:
        self.evolution = Evolution(SearchSpace.from_mapping(self.space), seed=self.seed, **self.options)

    def propose(self, count: int) -> list[tuple[Values, Any]]:
        return [(dict(candidate.values), candidate) for candidate in self.evolution.ask(count)]

    def learn(self, handle: Any, objective: float | None) -> None:
        if objective is None:
            self.evolution.tell(handle, None, failure="configuration")
        else:
            self.evolution.tell(handle, -objective)

    def recommend(self) -> Values | None:
        recommendation = self.evolution.recommend()
        return dict(recommendation.values) if recommendation else None
