# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The textbook generational genetic algorithm.

Generation 0 is the baseline and a space-filling design. Each later generation keeps the elites of the one before and
replaces the rest by children: parents by tournament, crossover, typed mutation, repair. Sources: Holland 1975; Eiben
and Smith, Introduction to Evolutionary Computing, 2015.

Nothing waits: a child is bred from what has been told of its parents' generation when it is asked for. Asked one by
one, this is the classic algorithm; asked with trials still running, those are simply not yet among the parents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate, Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.initial import Initial
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.moment import Moment
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import (
    CROSSOVERS,
    crossover,
    mutate,
    tournament,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import (
    Choice,
    OptionsError,
    Setting,
    Share,
    Whole,
    faults_of,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import Configuration, SearchSpace

if TYPE_CHECKING:
    from numpy.random import Generator

_ATTEMPTS = 60
_OPTIONS: dict[str, Setting] = {
    "population": Whole(2, 1000),
    "elites": Whole(0, 999),
    "tournament": Whole(1, 1000),
    "crossover": Choice(CROSSOVERS),
    "crossover_rate": Share(),
    "mutation_rate": Share(),
    "mutation_sigma": Share(),
}


@dataclass(frozen=True)
class Options:
    """Settings of the textbook algorithm. Rates are probabilities; `mutation_sigma` is in unit coordinates."""

    population: int = 10
    elites: int = 2
    tournament: int = 3
    crossover: str = "uniform"
    crossover_rate: float = 0.9
    mutation_rate: float = 0.2
    mutation_sigma: float = 0.2

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any]) -> Options:
        """Options as the user wrote them; OptionsError lists every fault."""
        faults = faults_of(options, _OPTIONS)
        if not faults:
            result = cls(**options)
            if result.elites < result.population:
                return result
            faults.append(
                Fault("elites", f"found {result.elites}, expected fewer than the population ({result.population})")
            )
        raise OptionsError(faults)


class Textbook:
    """Proposes the next candidate from the history. Holds no state of its own beyond the space, options and seed."""

    def __init__(
        self, space: SearchSpace, seed: int, options: Mapping[str, Any], founders: Sequence[Configuration] = ()
    ) -> None:
        self.options = Options.from_mapping(options)
        self._space = space
        self._initial = Initial(space, seed, self.options.population, founders)

    @staticmethod
    def check(options: Mapping[str, Any]) -> None:
        """Raise OptionsError where the options are not usable."""
        Options.from_mapping(options)

    def generation_of(self, number: int) -> int:
        """Generation of candidate `number`: the first holds the whole population, later ones the children."""
        if number < self.options.population:
            return 0
        return 1 + (number - self.options.population) // (self.options.population - self.options.elites)

    def expected_improvement(self, moment: Moment) -> None:
        """The textbook knows nothing of what is to come."""

    def propose(self, moment: Moment, rng: Generator) -> Candidate:
        """The candidate with this number, given everything asked and told so far."""
        history, number, taken = moment.history, moment.number, moment.taken
        generation = self.generation_of(number)
        if generation == 0 and (fresh := self._initial.next(taken)) is not None:
            return Candidate(number, fresh, "initial", 0)
        parents = self._survivors(history, generation - 1)
        for attempt in range(_ATTEMPTS):
            child = self._breed(parents, number, generation, rng, daring=attempt / _ATTEMPTS)
            if child is not None and self._space.key(child.values) not in taken:
                return child
        return self._last_resort(history, taken, number, generation, rng)

    def _survivors(self, history: Sequence[Individual], generation: int) -> list[Individual]:
        """The population after `generation`: its measured members and the elites of the generations before."""
        population: list[Individual] = []
        born: dict[int, list[Individual]] = {}
        for individual in history:
            if individual.told and individual.candidate.generation <= max(generation, 0):
                born.setdefault(individual.candidate.generation, []).append(individual)
        for current in sorted(born):
            elites = sorted(population, key=lambda i: i.rank, reverse=True)[: self.options.elites]
            population = elites + born[current]
        return population

    def _breed(
        self, parents: Sequence[Individual], number: int, generation: int, rng: Generator, daring: float
    ) -> Candidate | None:
        """One child; `daring` in [0, 1] grows with attempts that only found known configurations."""
        usable = [parent for parent in parents if parent.readings and parent.failure is None]
        if not usable:
            return Candidate(number, self._space.sample(rng), "initial", generation)
        mother = tournament(usable, self.options.tournament, rng)
        values: Mapping[str, Any] = mother.candidate.values
        lineage: tuple[int, ...] = (mother.candidate.number,)
        origin = "mutation"
        others = [individual for individual in usable if individual is not mother]
        if others and rng.random() < self.options.crossover_rate:
            father = tournament(others, self.options.tournament, rng)
            values = crossover(self._space, values, father.candidate.values, self.options.crossover, rng)
            lineage += (father.candidate.number,)
            origin = "crossover"
        # A child equal to a parent would be wasted: genes change at the given rate, more boldly when that repeats.
        rate = self.options.mutation_rate + daring * (1.0 - self.options.mutation_rate)
        if origin == "mutation" or rng.random() < max(self.options.mutation_rate * len(values), daring):
            values = mutate(self._space, values, rate, self.options.mutation_sigma * (1.0 + 2.0 * daring), rng)
        completed = self._space.complete(values, rng)
        if self._space.violation(completed) > 0.0:
            anchor = mother.candidate.values
            if self._space.faults(anchor):  # The machines' present configuration need not be one of the space.
                anchor = self._space.sample(rng)
            completed = self._space.repair(completed, anchor, rng)
        return Candidate(number, completed, origin, generation, lineage)

    def _last_resort(
        self, history: Sequence[Individual], taken: set[tuple[Any, ...]], number: int, generation: int, rng: Generator
    ) -> Candidate:
        """Any configuration not handed out yet; where the space is used up, the best one again."""
        fresh = self._space.unused(taken, rng)
        if fresh is not None:
            return Candidate(number, fresh, "initial", generation)
        best = max(history, key=lambda individual: individual.rank).candidate
        first = best.number if best.repeat_of is None else best.repeat_of
        return Candidate(number, dict(best.values), "repeat", generation, (first,), repeat_of=first)
