# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DEAP's simple genetic algorithm (`eaSimple`): tournament of 3, uniform crossover, mutation, whole replacement.

A gene is a number on the parameter's own scale: positions of choices and whole numbers mutate uniformly, the rest
polynomially within bounds. DEAP has no conditions and no failures: inactive genes have no effect, a failure is worse
than everything else. Children that are equal to a parent keep its fitness, as `eaSimple` has it.
"""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import numpy as np
from deap import base, tools
from deap.algorithms import varAnd

from ansible_collections.evolve.vm.tests.benchmark.search.parameters import Parameter, Values, activate
from ansible_collections.evolve.vm.tests.benchmark.search.peers import flat
from ansible_collections.evolve.vm.tests.benchmark.search.peers.generational import Generational

# The values of DEAP's own tutorial.
TOURNAMENT = 3
CROSSOVER_PROBABILITY = 0.5
MUTATION_PROBABILITY = 0.2
GENE_CROSSOVER_PROBABILITY = 0.5
# Spread index of polynomial mutation: the usual middle.
ETA = 20.0


class Minimised(base.Fitness):  # type: ignore[misc]
    weights = (-1.0,)


class Genome(list[float]):
    def __init__(self, genes: Any) -> None:
        super().__init__(genes)
        self.fitness = Minimised()


def random_gene(parameter: Parameter) -> float:
    low, high = flat.bounds(parameter)
    return random.randint(int(low), int(high)) if flat.is_integer(parameter) else random.uniform(low, high)


def mutate(genome: Genome, parameters: list[Parameter]) -> tuple[Genome]:
    """One gene on average."""
    for index, parameter in enumerate(parameters):
        low, high = flat.bounds(parameter)
        if random.random() >= 1 / len(parameters):
            continue
        if flat.is_integer(parameter):
            (genome[index : index + 1],) = tools.mutUniformInt([genome[index]], int(low), int(high), indpb=1.0)
        else:
            (genome[index : index + 1],) = tools.mutPolynomialBounded([genome[index]], ETA, low, high, indpb=1.0)
    return (genome,)


class Deap(Generational):
    def start(self) -> None:
        super().start()
        # DEAP draws from Python's own generator, and has no seed besides it.
        random.seed(self.seed)
        np.random.seed(self.seed)
        self.toolbox = base.Toolbox()
        self.toolbox.register("mate", tools.cxUniform, indpb=GENE_CROSSOVER_PROBABILITY)
        self.toolbox.register("mutate", partial(mutate, parameters=self.parameters))
        self.toolbox.register("select", tools.selTournament, tournsize=TOURNAMENT)
        self.population = [
            Genome([random_gene(p) for p in self.parameters]) for dummy in range(self.options["population"])
        ]

    def breed(self) -> list[Any]:
        while not (unknown := [genome for genome in self.population if not genome.fitness.valid]):
            selected = self.toolbox.select(self.population, len(self.population))
            self.population = varAnd(selected, self.toolbox, CROSSOVER_PROBABILITY, MUTATION_PROBABILITY)
        return unknown

    def values_of(self, individual: Any) -> Values:
        genes = zip(self.parameters, individual, strict=True)
        return activate(self.parameters, {p.name: flat.value(p, gene) for p, gene in genes})

    def replace(self, evaluated: list[tuple[Any, float]]) -> None:
        for genome, objective in evaluated:
            genome.fitness.values = (objective,)
