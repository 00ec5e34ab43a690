# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guided algorithm: a steady-state genetic algorithm whose offspring is screened by a surrogate.

After an initial population (founders, then a space-filling design) each trial is the one evaluation expected to gain
most: of several hundred children bred from the best so far, or of a good configuration measured again. A surrogate
learnt from all trials makes the estimate. Trials still running are expected to give what the surrogate expects of them,
so that batches of any size stay diverse.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.acquisition import (
    expected_improvement,
    gain_of_repeating,
    gain_of_trying,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evidence import Evidence, Key
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.initial import Initial
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.knowledge import Knowledge
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.moment import Moment
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.offspring import Guidance, breed
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import Child
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import (
    Choice,
    OptionsError,
    Setting,
    Whole,
    faults_of,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import Configuration, SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.registry import SURROGATES
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.surrogate import Belief, Opinion
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import lacking, np

if TYPE_CHECKING:
    from numpy.random import Generator

# Two broods: children of the best measured, then children of the most promising of those.
_BROOD = 250
_PARENTS = 8
_PROMISING, _PARENTS_AGAIN = 20, 4
# What certain failure takes off a child's promise, in standard deviations of fitness.
_RISK = 3.0
# Configurations that may turn out best; the others cannot be overtaken by a single reading.
_RIVALS = 20
# What may fail must promise more than its risk alone asks: a failure costs more than a reading.
_CAUTION = 4
# Where no single reading is expected to gain more than this share of the noise, or more than this share of all trials
# were repeats, the surrogate may be too sure of itself: something new is tried, by what it may be worth, not by what
# one reading would tell of it.
_SETTLED = 0.005
_MOST_REPEATS = 0.5
# In spaces of more parameters children stay within a trust region, which shrinks while nothing better is found.
_TRUST_REGION_ABOVE = 15
_WIDEST, _HALVINGS = 0.8, 4


_OPTIONS: dict[str, Setting] = {"population": Whole(2, 1000), "surrogate": Choice(list(SURROGATES))}


@dataclass(frozen=True)
class GuidedOptions:
    """`population` is the size of the initial population, and of what counts as a generation after it."""

    population: int = 6
    surrogate: str = "gp"

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any]) -> GuidedOptions:
        """Options as the user wrote them; OptionsError lists every fault."""
        faults = faults_of(options, _OPTIONS)
        if all(fault.where != "surrogate" for fault in faults):
            faults += _lacking(options.get("surrogate", cls.surrogate))
        if faults:
            raise OptionsError(faults)
        return cls(**options)


def _gains(knowledge: Knowledge, belief: Belief, rivals: Opinion, opinion: Opinion) -> Array:
    """What evaluating each candidate is expected to gain, failures reckoned with."""
    return gain_of_trying(belief, rivals, opinion) * knowledge.feasibility(opinion.genomes) ** _CAUTION


def _lacking(surrogate: str) -> list[Fault]:
    """The fault of a surrogate whose library is not installed."""
    library = SURROGATES[surrogate].library
    problem = lacking(library) if library else ""
    return [Fault("surrogate", f"{surrogate} {problem}")] if problem else []


class Guided:
    """Proposes the next candidate."""

    def __init__(
        self, space: SearchSpace, seed: int, options: Mapping[str, Any], founders: Sequence[Configuration] = ()
    ) -> None:
        self.options = GuidedOptions.from_mapping(options)
        self._space = space
        self._seed = seed
        self._initial = Initial(space, seed, self.options.population, founders)
        self._bred: tuple[Knowledge, list[Child]] | None = None

    @staticmethod
    def check(options: Mapping[str, Any]) -> None:
        """Raise OptionsError where the options are not usable."""
        GuidedOptions.from_mapping(options)

    def generation_of(self, number: int) -> int:
        """What counts as the generation of candidate `number`."""
        return number // self.options.population

    def propose(self, moment: Moment, rng: Generator) -> Candidate:
        """The candidate with this number, given everything asked and told so far."""
        if moment.number < self.options.population or moment.knowledge is None:
            values = self._initial.next(moment.taken) or self._space.unused(moment.taken, rng)
            if values is not None:
                return Candidate(moment.number, values, "initial")
        if moment.knowledge is None:
            return self._again(moment, moment.evidence[0])
        return self._best_evaluation(moment, moment.knowledge)

    def expected_improvement(self, moment: Moment) -> float | None:
        """What the most promising new configuration is expected to gain on the best, in log units."""
        knowledge = moment.knowledge
        if knowledge is None or moment.number < self.options.population:
            return None
        rivals = self._rivals(knowledge, knowledge.belief)[0]
        children = self._fresh(moment, knowledge)
        if not children:
            return 0.0
        new = knowledge.of_new(knowledge.encode([child.values for child in children]))
        gains = expected_improvement(rivals, new) * knowledge.feasibility(new.genomes)
        best = float(rivals.mean.max())
        return knowledge.scale.fitness(best + float(gains.max())) - knowledge.scale.fitness(best)

    def _best_evaluation(self, moment: Moment, knowledge: Knowledge) -> Candidate:
        belief = knowledge.expecting(moment.evidence)
        rivals, numbers = self._rivals(knowledge, belief)
        repeating = gain_of_repeating(belief, rivals)
        elsewhere = np.array([moment.is_new_to_slot(knowledge.measured[number]) for number in numbers])
        if elsewhere.any():  # a reading on another slot says more
            repeating = np.where(elsewhere, repeating, -np.inf)
        again = int(np.argmax(repeating))
        child, gain = self._best_child(moment, knowledge, belief, rivals, float(repeating[again]))
        if child is None or gain < repeating[again]:
            return self._again(moment, knowledge.measured[numbers[again]])
        generation = max(self.generation_of(moment.number), 1)
        return Candidate(moment.number, child.values, child.origin, generation, child.parents)

    def _best_child(
        self, moment: Moment, knowledge: Knowledge, belief: Belief, rivals: Opinion, repeating: float
    ) -> tuple[Child | None, float]:
        """The most promising child and what evaluating it gains; infinity where it is time for something new."""
        children = self._fresh(moment, knowledge)
        if not children:
            return None, -math.inf
        opinion = knowledge.of_new(knowledge.encode([child.values for child in children]), belief)
        gains = _gains(knowledge, belief, rivals, opinion)
        settled = max(float(gains.max()), repeating) < _SETTLED * belief.noise
        if settled or moment.repeats > _MOST_REPEATS * moment.number:
            worth = expected_improvement(rivals, opinion) * knowledge.feasibility(opinion.genomes) ** _CAUTION
            return children[int(np.argmax(worth))], math.inf
        if cheaper := self._cheaper(moment, [children[int(index)] for index in np.argsort(-gains)[:_PROMISING]]):
            opinion = knowledge.of_new(knowledge.encode([child.values for child in cheaper]), belief)
            also = _gains(knowledge, belief, rivals, opinion)
            children, gains = [*children, *cheaper], np.concatenate([gains, also])
        chosen = moment.apply_cost.cheapest(gains, [child.values for child in children])
        return children[chosen], float(gains[chosen])

    def _cheaper(self, moment: Moment, children: Sequence[Child]) -> list[Child]:
        """The same children with what is costly to change left as the slot has it, where that is valid and new."""
        found: dict[Key, Child] = {}
        for child in children:
            for values in moment.apply_cost.cheaper(child.values):
                activated = self._space.activate(values)
                key = self._space.key(activated)
                if key not in moment.taken and not self._space.faults(activated):
                    found.setdefault(key, Child(activated, child.origin, child.parents))
        return list(found.values())

    def _again(self, moment: Moment, found: Evidence) -> Candidate:
        """The same configuration once more."""
        return found.candidate.again(moment.number, self.generation_of(moment.number))

    def _rivals(self, knowledge: Knowledge, belief: Belief) -> tuple[Opinion, list[int]]:
        """The configurations that may be deployed in the end, with their numbers among the measured."""
        everything = knowledge.of_measured(belief)
        # Where nothing is sound yet, the rest must do.
        order = np.lexsort((-everything.mean, ~knowledge.sound))
        count = min(_RIVALS, int(knowledge.sound.sum()) or _RIVALS)
        chosen = order[:count]
        return belief.of(knowledge.genomes.take(chosen), chosen), [int(number) for number in chosen]

    def _fresh(self, moment: Moment, knowledge: Knowledge) -> list[Child]:
        """Offspring that was not handed out yet."""
        if self._bred is None or self._bred[0] is not knowledge:
            self._bred = (knowledge, self._offspring(moment, knowledge))
        return [child for child in self._bred[1] if self._space.key(child.values) not in moment.taken]

    def _offspring(self, moment: Moment, knowledge: Knowledge) -> list[Child]:
        rng = np.random.default_rng([self._seed, moment.told])
        numbers = self._rivals(knowledge, knowledge.belief)[1]
        candidates = [knowledge.measured[number].candidate for number in numbers[:_PARENTS]]
        parents = [Child(candidate.values, candidate.origin, (candidate.number,)) for candidate in candidates]
        belief = knowledge.belief
        guidance = Guidance(belief.importance, belief.reach, self._radius(moment, candidates[0]))
        first = breed(self._space, parents, guidance, _BROOD, rng, immigrants=True)
        opinion = knowledge.of_new(knowledge.encode([child.values for child in first]))
        promise = opinion.mean + np.sqrt(opinion.variance) - _RISK * (1.0 - knowledge.feasibility(opinion.genomes))
        promising = [first[int(index)] for index in np.argsort(-promise, kind="stable")[:_PROMISING]]
        second = breed(self._space, promising + parents[:_PARENTS_AGAIN], guidance, _BROOD, rng, immigrants=False)
        distinct = {self._space.key(child.values): child for child in [*second, *first]}
        return list(distinct.values())

    def _radius(self, moment: Moment, best: Candidate) -> float:
        """Radius of the trust region: halved for as many trials without a better one as there are parameters.

        When it has been halved often enough, it is wide again, for what is near has been tried.
        """
        count = len(self._space.parameters)
        if count <= _TRUST_REGION_ABOVE:
            return 1.0
        stale = (moment.number - best.number) // count % (_HALVINGS + 1)
        return float(_WIDEST * 0.5**stale)
