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

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate, Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import (
    CROSSOVERS,
    crossover,
    mutate,
    tournament,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import Configuration, SearchSpace

if TYPE_CHECKING:
    from numpy.random import Generator

_ATTEMPTS = 60


class OptionsError(InputError):
    """The algorithm's options are not usable."""

    subject = "the algorithm's options"


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
        faults = []
        known = list(cls.__dataclass_fields__)
        whole = {"population": (2, 1000), "elites": (0, 999), "tournament": (1, 1000)}
        rates = ("crossover_rate", "mutation_rate", "mutation_sigma")
        for name, value in options.items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if name not in known:
                faults.append(Fault(name, f"unknown; accepted: {listing(known)}.{suggestion(name, known)}"))
            elif name in whole and not (
                isinstance(value, int) and number and whole[name][0] <= value <= whole[name][1]
            ):
                faults.append(
                    Fault(name, f"found {value!r}, expected a whole number {whole[name][0]} to {whole[name][1]}")
                )
            elif name in rates and not (number and 0 < value <= 1):
                faults.append(Fault(name, f"found {value!r}, expected a number above 0 and at most 1"))
            elif name == "crossover" and value not in CROSSOVERS:
                faults.append(Fault(name, f"found {value!r}, expected one of {listing(CROSSOVERS)}"))
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

    def __init__(self, space: SearchSpace, seed: int, options: Mapping[str, Any]) -> None:
        self.options = Options.from_mapping(options)
        self._space = space
        self._seed = seed
        self._design: list[Configuration] | None = None

    @staticmethod
    def check(options: Mapping[str, Any]) -> None:
        """Raise OptionsError where the options are not usable."""
        Options.from_mapping(options)

    def generation_of(self, number: int) -> int:
        """Generation of candidate `number`: the first holds the whole population, later ones the children."""
        if number < self.options.population:
            return 0
        return 1 + (number - self.options.population) // (self.options.population - self.options.elites)

    def propose(self, history: Sequence[Individual], number: int, rng: Generator) -> Candidate:
        """The candidate with this number, given everything asked and told so far."""
        taken = {self._space.key(individual.candidate.values) for individual in history}
        generation = self.generation_of(number)
        if generation == 0 and (fresh := self._from_design(taken)) is not None:
            return Candidate(number, fresh, "initial", 0)
        parents = self._survivors(history, generation - 1)
        for attempt in range(_ATTEMPTS):
            child = self._breed(parents, number, generation, rng, daring=attempt / _ATTEMPTS)
            if child is not None and self._space.key(child.values) not in taken:
                return child
        return self._last_resort(history, taken, number, generation, rng)

    def _from_design(self, taken: set[tuple[Any, ...]]) -> Configuration | None:
        """The first point of the space-filling design that was not handed out yet."""
        if self._design is None:
            self._design = self._space.design(self.options.population, self._seed)
        return next((values for values in self._design if self._space.key(values) not in taken), None)

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
