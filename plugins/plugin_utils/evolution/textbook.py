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

import heapq
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate, Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.initial import Initial
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.moment import Moment
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import breed
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import BreedingOptions
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import Configuration, SearchSpace

if TYPE_CHECKING:
    from numpy.random import Generator


class Textbook:
    """Proposes the next candidate from the history. Holds no state of its own beyond the space, options and seed."""

    def __init__(
        self, space: SearchSpace, seed: int, options: Mapping[str, Any], founders: Sequence[Configuration] = ()
    ) -> None:
        self.options = BreedingOptions.from_mapping(options)
        self._space = space
        self._initial = Initial(space, seed, self.options.population, founders)

    @staticmethod
    def check(options: Mapping[str, Any]) -> None:
        """Raise OptionsError where the options are not usable."""
        BreedingOptions.from_mapping(options)

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
        survivors = self._survivors(history, generation - 1)
        parents = [survivor for survivor in survivors if survivor.readings and survivor.failure is None]
        child = breed(self._space, parents, taken, self.options, rng)
        if child is not None:
            return Candidate(number, child.values, child.origin, generation, child.parents)
        return max(history, key=lambda individual: individual.rank).candidate.again(number, generation)

    def _survivors(self, history: Sequence[Individual], generation: int) -> list[Individual]:
        """The population after `generation`: its measured members and the elites of the generations before."""
        told = [i for i in history if i.told and i.candidate.generation <= max(generation, 0)]
        latest = max((individual.candidate.generation for individual in told), default=0)
        born = [individual for individual in told if individual.candidate.generation == latest]
        # The best of those that were the best in their time are the best of all.
        elders = (individual for individual in told if individual.candidate.generation < latest)
        return [*heapq.nlargest(self.options.elites, elders, key=lambda i: i.rank), *born]
