# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nevergrad's NGOpt, which picks an algorithm from the space, the budget and the number of workers.

Choices are TransitionChoice, ordered or not. (With Choice, which draws at random, NGOpt did much worse on these tasks,
and so it did when told that the function is noisy.) A parameter others depend on is a choice between groups that hold
what is active with each of its values. It has no failures: one counts as the worst so far. What it recommends is its
own estimate of the optimum.
"""

from __future__ import annotations

from typing import Any

import nevergrad as ng

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Parameter, Values
from ansible_collections.evolve.vm.tests.benchmark.search.searcher import Penalised


def number(parameter: Parameter) -> Any:
    if parameter.log:
        scalar = ng.p.Log(lower=parameter.low, upper=parameter.high)
    else:
        scalar = ng.p.Scalar(lower=parameter.low, upper=parameter.high)
    return scalar.set_integer_casting() if parameter.kind == "int" else scalar


def describe(parameter: Parameter, parameters: list[Parameter]) -> Any:
    if parameter.is_number:
        return number(parameter)
    children = [p for p in parameters if p.parent == parameter.name]
    options = list(parameter.values)
    if children:
        options = [
            ng.p.Dict(
                **{parameter.name: value},
                **{child.name: describe(child, parameters) for child in children if value in child.allowed},
            )
            for value in options
        ]
    return ng.p.TransitionChoice(options, ordered=parameter.ordered)


def flatten(value: dict[str, Any]) -> Values:
    values: Values = {}
    for name, part in value.items():
        values.update(flatten(part) if isinstance(part, dict) else {name: part})
    return values


class Nevergrad(Penalised):
    def start(self) -> None:
        super().start()
        roots = {p.name: describe(p, self.parameters) for p in self.parameters if p.parent is None}
        space = ng.p.Dict(**roots)
        space.random_state.seed(self.seed)
        self.optimizer = ng.optimizers.NGOpt(space, budget=self.readings, num_workers=self.batch)

    def propose(self, count: int) -> list[tuple[Values, Any]]:
        asked = [self.optimizer.ask() for dummy in range(count)]
        return [(flatten(candidate.value), candidate) for candidate in asked]

    def learn_value(self, handle: Any, objective: float) -> None:
        self.optimizer.tell(handle, objective)

    def recommend(self) -> Values | None:
        return flatten(self.optimizer.provide_recommendation().value) if self.worst is not None else None
