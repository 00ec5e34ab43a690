# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known at one moment of a search: the evidence, and what a surrogate makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.encoding import Genomes, encode
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evidence import Evidence, level, unstable
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.lessons import Lessons
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.scale import Scale
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.subset import informative
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates import gaussian_process
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.data import (
    NEW,
    NOWHERE,
    Data,
    Pending,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.surrogates.surrogate import Belief, Opinion, Surrogate
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np, special

if TYPE_CHECKING:
    from numpy.random import Generator

# A standard deviation of doubt about feasibility that always remains.
_FEASIBILITY_DOUBT = 0.15
# Configurations that feasibility is learnt from; of more, half those that failed.
_FEASIBILITY_ROWS = 400


# A search learns everything anew at each of its first moments; later the steps between milestones grow with it.
_EACH_MOMENT = 128
_STEPS_PER_DOUBLING = 16


def milestone(told: int) -> int | None:
    """How many evaluations there were at the last milestone, given how many there are; None where each is one."""
    if told < _EACH_MOMENT:
        return None
    step = (1 << (told.bit_length() - 1)) // _STEPS_PER_DOUBLING
    return told - told % step


class Knowledge:
    """Beliefs about fitness (on `scale`) and about feasibility, resting on the configurations `measured`.

    `sound` (n,) tells those of them that may be recommended: within the limits and stable. At least one must have been
    measured.
    """

    def __init__(
        self,
        space: SearchSpace,
        evidence: Sequence[Evidence],
        surrogate: Surrogate,
        rng: Generator,
        lessons: Lessons | None = None,
        former: Knowledge | None = None,
    ) -> None:
        """`former` knowledge of the same search saves the work of learning all of it anew."""
        self._space = space
        self._lessons = lessons
        measured = level([found for found in evidence if found.measured])
        means = np.array([found.mean for found in measured])
        self.measured = [measured[row] for row in informative(means, surrogate.capacity, rng)]
        shaky = unstable(self.measured)
        self.sound = np.array([f.feasible and not s for f, s in zip(self.measured, shaky, strict=True)], dtype=bool)
        self._numbers = {found.key: number for number, found in enumerate(self.measured)}
        # Of an unstable one only the worst reading counts, for that is what one can rely on.
        readings = [
            np.array([min(found.readings)] if s else found.readings)
            for found, s in zip(self.measured, shaky, strict=True)
        ]
        self.scale = Scale.of(np.concatenate(readings))
        self.genomes = self.encode([found.values for found in self.measured])
        data = self._data(readings)
        if former is None or surrogate.relearn is None:
            self.belief: Belief = surrogate.learn(data, rng)
        else:
            self.belief = surrogate.relearn(data, former.belief, rng)
        told = [found for found in evidence if found.told]
        self._feasibility: _Feasibility | None = _feasibility(space, told, rng, former._feasibility if former else None)

    def encode(self, configurations: Sequence[dict[str, Any]]) -> Genomes:
        """Their genomes, with what earlier studies have to say of them."""
        genomes = encode(self._space, configurations)
        return self._lessons.hinted(genomes) if self._lessons else genomes

    def of_measured(self, belief: Belief | None = None) -> Opinion:
        """What is believed of the measured configurations."""
        return (belief or self.belief).of(self.genomes, np.arange(len(self.measured)))

    def of_new(self, genomes: Genomes, belief: Belief | None = None) -> Opinion:
        """What is believed of configurations without a reading."""
        return (belief or self.belief).of(genomes, np.full(len(genomes), NEW))

    def expecting(self, evidence: Sequence[Evidence]) -> Belief:
        """The belief once all evaluations under way have given what is expected of them."""
        under_way = [found for found in evidence if found.pending]
        if not under_way:
            return self.belief
        numbers = [self._numbers.get(found.key, NEW) for found in under_way]
        counts = np.array([float(found.pending) for found in under_way])
        genomes = self.encode([found.values for found in under_way])
        return self.belief.expecting(Pending(genomes, np.array(numbers), counts))

    def feasibility(self, genomes: Genomes) -> Array:
        """Probability (m,) that configurations work and hold the limits."""
        if self._feasibility is None:
            return np.ones(len(genomes))
        belief, mean, unit = self._feasibility
        opinion = belief.of(genomes.unhinted, np.full(len(genomes), NEW))
        doubt = np.sqrt(opinion.variance * unit**2 + _FEASIBILITY_DOUBT**2)
        probability: Array = special.ndtr((mean + unit * opinion.mean - 0.5) / doubt)
        return probability

    def _data(self, readings: Sequence[Array]) -> Data:
        """One row for each configuration and slot it ran on."""
        names = sorted({slot for found in self.measured for slot in found.slots if slot is not None})
        targets, counts, configurations, slots, within = [], [], [], [], 0.0
        for number, (found, values) in enumerate(zip(self.measured, readings, strict=True)):
            where = found.slots if len(values) == len(found.slots) else [None] * len(values)
            scaled = self.scale(values)
            for slot in dict.fromkeys(where):
                here = scaled[[other == slot for other in where]]
                targets.append(float(here.mean()))
                counts.append(float(len(here)))
                configurations.append(number)
                slots.append(NOWHERE if slot is None else names.index(slot))
                within += float(((here - here.mean()) ** 2).sum())
        rows = np.array(configurations)
        return Data(self.genomes.take(rows), np.array(targets), np.array(counts), rows, np.array(slots), within)


_Feasibility = tuple[gaussian_process.GaussianProcess, float, float]


def _feasibility(
    space: SearchSpace, told: Sequence[Evidence], rng: Generator, former: _Feasibility | None
) -> _Feasibility | None:
    """A belief about feasibility (1 or 0), with the mean and the unit of its targets; None while nothing failed."""
    feasible = np.array([float(found.feasible) for found in told])
    if feasible.all():
        return None
    chosen = informative(-feasible, _FEASIBILITY_ROWS, rng)
    told, feasible = [told[row] for row in chosen], feasible[chosen]
    mean, unit = float(feasible.mean()), float(feasible.std()) or 1.0
    data = Data.single(encode(space, [found.values for found in told]), (feasible - mean) / unit)
    if former is None:
        return gaussian_process.learn(data, rng), mean, unit
    return gaussian_process.relearn(data, former[0], rng), mean, unit
