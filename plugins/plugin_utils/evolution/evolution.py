# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: ask for configurations, tell what they were worth, get the one to deploy.

    space     = SearchSpace.from_mapping(evolve_parameters, evolve_constraints)
    evolution = Evolution(space, seed=1, baseline=present_configuration)
    candidate = evolution.ask()[0]
    evolution.tell(candidate, fitness)
    evolution.recommend().values

Pure: no file, no clock, no network. Its whole state is the list of candidates, what was told, and the seed, so an
engine rebuilt with `restore` and `tell` goes on exactly as the first would have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.apply_cost import ApplyCost
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evidence import Evidence, gather, noise_of
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import listing
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.gathering import Gathered
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.guided import Guided
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate, Earlier, Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.knowledge import Knowledge, milestone
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.lessons import Lessons
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.moment import Moment
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import settle
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.recommendation import Recommendation, recommend
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import Configuration, SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.registry import SURROGATES
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.textbook import Textbook
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

if TYPE_CHECKING:
    from numpy.random import Generator

ALGORITHMS: dict[str, type[Guided] | type[Textbook]] = {"guided": Guided, "textbook": Textbook}


class Evolution:
    """A search in progress. `baseline` (default: the parameters' defaults) is always the first candidate.

    `founders` are configurations for the initial population (other machines' present ones, earlier studies' best);
    `earlier` is what other studies found, which an algorithm may learn from. `apply_costs` says what changing a
    parameter on a machine costs, by name and in any unit.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int = 1,
        *,
        algorithm: str = "guided",
        baseline: Mapping[str, Any] | None = None,
        founders: Sequence[Mapping[str, Any]] = (),
        earlier: Sequence[Earlier] = (),
        apply_costs: Mapping[str, float] | None = None,
        **options: Any,
    ) -> None:
        if algorithm not in ALGORITHMS:
            raise ValueError(f"unknown algorithm {algorithm!r}; there are: {listing(ALGORITHMS)}")
        if seed < 0:
            raise ValueError(f"the seed must be a whole number of at least 0, found {seed}")
        self.space = space
        self.seed = seed
        self._baseline = baseline
        self._algorithm = ALGORITHMS[algorithm](space, seed, options, [dict(values) for values in founders])
        self._surrogate = SURROGATES[getattr(self._algorithm.options, "surrogate", "gp")]
        self._earlier = tuple(earlier)
        self._apply_costs = dict(apply_costs or {})
        self._individuals: dict[int, Individual] = {}
        self._gathered = Gathered()
        self._knowledge: Knowledge | None = None
        self._milestone: tuple[tuple[int, int], Knowledge] | None = None

    @property
    def individuals(self) -> list[Individual]:
        """Everything handed out so far, in order of the candidates' numbers."""
        return [self._individuals[number] for number in sorted(self._individuals)]

    @property
    def next_generation(self) -> int:
        """The generation of the next candidate."""
        return self._algorithm.generation_of(max(self._individuals, default=-1) + 1)

    def ask(
        self, count: int = 1, *, slot: str | None = None, present: Mapping[str, Any] | None = None
    ) -> list[Candidate]:
        """The next `count` configurations to evaluate; safe while others are still pending.

        `slot` is where they will run: one that is measured again is then preferably one that has not run there yet.
        `present` is what that slot has now: of new ones that promise as much, the cheapest to apply there is chosen.
        """
        return [self._next(slot, present) for dummy in range(count)]

    def _next(self, slot: str | None, present: Mapping[str, Any] | None) -> Candidate:
        number = max(self._individuals, default=-1) + 1
        rng = np.random.default_rng([self.seed, number])
        if not self._individuals:
            candidate = Candidate(number, self._first(rng), "baseline")
        else:
            candidate = self._algorithm.propose(self._moment(slot, present), rng)
        self.restore(candidate)
        return candidate

    def _first(self, rng: Generator) -> Configuration:
        """The baseline: a given one as it is, even where it lies outside the space."""
        if self._baseline is not None:
            return self.space.activate(self._baseline)
        return settle(self.space, {}, {}, rng)

    def restore(self, candidate: Candidate) -> None:
        """Take up a candidate handed out earlier, such as one read back from a store."""
        self._individuals[candidate.number] = individual = Individual(candidate)
        self._gathered.add(self.space.key(candidate.values), individual)

    def tell(
        self,
        candidate: Candidate,
        fitness: float | None,
        *,
        violation: float = 0.0,
        failure: str | None = None,
        slot: str | None = None,
    ) -> None:
        """What one evaluation gave, and on which slot. Told more than once, readings add up.

        `fitness` is in log units over the baseline, higher is better; `violation` above 0 says that a limit was broken.
        None with a `failure` says that the configuration broke the machine or the application.
        """
        individual = self._individuals.get(candidate.number)
        if individual is None:
            raise ValueError(f"candidate {candidate.number} was not handed out by this engine")
        self._knowledge = None
        self._gathered.stir(candidate.number)
        if fitness is None:
            individual.failure = failure or "configuration"
            return
        if not np.isfinite(fitness) or not np.isfinite(violation) or violation < 0:
            raise ValueError(f"fitness and violation must be finite, found {fitness!r} and {violation!r}")
        individual.readings.append(float(fitness))
        individual.violations.append(float(violation))
        individual.slots.append(slot)

    @property
    def noise(self) -> float:
        """Standard deviation of one reading in log units, pooled over configurations measured more than once."""
        return noise_of(self._gathered.evidence())

    def expected_improvement(self) -> float | None:
        """What one more trial is expected to gain on the best, in log units; None while that cannot be told."""
        return self._algorithm.expected_improvement(self._moment(None))

    def recommend(self) -> Recommendation | None:
        """The configuration to deploy, or None while no feasible one has been measured.

        The one that is expected to be worth most, given all readings: its own and, through the surrogate, those of the
        configurations like it. So one lucky reading does not beat what was good again and again.
        """
        knowledge = self._moment(None).knowledge
        if knowledge is None:
            return None
        return recommend(knowledge)

    def _moment(self, slot: str | None, present: Mapping[str, Any] | None = None) -> Moment:
        """The search as it stands."""
        number = max(self._individuals, default=-1) + 1
        cost = ApplyCost(self._apply_costs, present)
        return Moment(number, slot, self.individuals, self._gathered.evidence(), self._learn, cost)

    def _learn(self, moment: Moment) -> Knowledge | None:
        """What is known, worked out anew only when something was told."""
        if self._knowledge is None and any(found.measured for found in moment.evidence):
            self._knowledge = self._knowledge_of(moment.evidence, moment.told, self._former(moment))
        return self._knowledge

    def _former(self, moment: Moment) -> Knowledge | None:
        """What was known at the last milestone; None while every moment is one.

        It follows from the history alone: it is the knowledge of the candidates that there were by then.
        """
        last = milestone(moment.told)
        if last is None:
            return None
        then = [individual for individual in moment.history if individual.candidate.number <= last]
        told = sum(len(individual.readings) + (individual.failure is not None) for individual in then)
        if self._milestone is None or self._milestone[0] != (last, told):
            evidence = gather(then, self._gathered.keys)
            if not any(found.measured for found in evidence):
                return None
            self._milestone = (last, told), self._knowledge_of(evidence, told, None)
        return self._milestone[1]

    def _knowledge_of(self, evidence: Sequence[Evidence], told: int, former: Knowledge | None) -> Knowledge:
        rng = np.random.default_rng([self.seed, told, 1])
        return Knowledge(self.space, evidence, self._surrogate, rng, self._lessons, former)

    @cached_property
    def _lessons(self) -> Lessons:
        return Lessons(self.space, self._earlier)
