# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pymoo's MixedVariableGA, which eliminates duplicates and keeps the better of parents and children.

Bools are Binary, choices Choice, ordered choices and whole numbers Integer, the rest Real. It has no conditions and no
failures: inactive parameters have no effect, a failure is worse than everything else. The option `population` replaces
the default of 50, which would leave 200 readings only four generations.
"""

from __future__ import annotations

from typing import Any

from pymoo.core.mixed import MixedVariableGA
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.variable import Binary, Choice, Integer, Real, Variable

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Parameter, Values, activate
from ansible_collections.evolve.vm.tests.benchmark.search.peers import flat
from ansible_collections.evolve.vm.tests.benchmark.search.peers.generational import Generational


def variable(parameter: Parameter) -> Variable:
    if parameter.kind == "bool":
        return Binary()
    if parameter.kind == "choice" and not parameter.ordered:
        return Choice(options=list(range(len(parameter.values))))
    return (Integer if flat.is_integer(parameter) else Real)(bounds=flat.bounds(parameter))


class Pymoo(Generational):
    def start(self) -> None:
        super().start()
        problem = Problem(vars={p.name: variable(p) for p in self.parameters}, n_obj=1)
        self.algorithm = MixedVariableGA(pop_size=self.options["population"])
        self.algorithm.setup(problem, termination=("n_gen", self.readings), seed=self.seed, verbose=False)

    def breed(self) -> list[Any]:
        return list(self.algorithm.ask())

    def values_of(self, individual: Any) -> Values:
        return activate(self.parameters, {p.name: flat.value(p, individual.X[p.name]) for p in self.parameters})

    def replace(self, evaluated: list[tuple[Any, float]]) -> None:
        for individual, objective in evaluated:
            individual.set("F", [objective])
        self.algorithm.tell(infills=Population.create(*[individual for individual, dummy in evaluated]))
