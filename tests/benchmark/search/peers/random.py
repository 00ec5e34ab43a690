# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random search: every active parameter drawn uniformly, on its own scale."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Parameter, Values, is_active
from ansible_collections.evolve.vm.tests.benchmark.search.searcher import Searcher


def draw(parameter: Parameter, rng: np.random.Generator) -> Any:
    if not parameter.is_number:
        return parameter.values[int(rng.integers(len(parameter.values)))]
    if parameter.kind == "int" and not parameter.log:
        return int(rng.integers(int(parameter.low), int(parameter.high) + 1))
    if not parameter.log:
        return float(rng.uniform(parameter.low, parameter.high))
    value = math.exp(rng.uniform(math.log(parameter.low), math.log(parameter.high)))
    return round(value) if parameter.kind == "int" else value


class Random(Searcher):
    def start(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def propose(self, count: int) -> list[tuple[Values, Any]]:
        return [(self._sample(), None) for dummy in range(count)]

    def _sample(self) -> Values:
        values: Values = {}
        for parameter in self.parameters:
            if is_active(parameter, values):
                values[parameter.name] = draw(parameter, self.rng)
        return values

    def learn(self, handle: Any, objective: float | None) -> None:
        pass
