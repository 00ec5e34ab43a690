# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offspring in large numbers: what a genetic algorithm would breed, from which a surrogate then picks.

Parents are drawn by tournament among the best; children come from crossover and guided mutation: genes that matter
change more often, and about as far as they may before a configuration is another matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.arrays import Array
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import Child, crossover, settle
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import Configuration, SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Guidance:
    """How genes mutate: `importance` (P,) shares, `reach` (P,) in 0 to 1; no typical step is longer than `radius`."""

    importance: Array
    reach: Array
    radius: float = 1.0


# Shares of children: drawn at random, by crossover, mutated after a crossover; of mutation steps that go far.
_IMMIGRANTS = 0.5
_CROSSED = 0.5
_CROSSED_MUTATED = 0.6
_FAR = 0.3
_FAR_STEP = 0.3
# A gene's step is this share of its reach, within bounds.
_STEP = 0.5
_STEPS = (0.05, 0.5)


def breed(
    space: SearchSpace, parents: Sequence[Child], guidance: Guidance, count: int, rng: Generator, immigrants: bool
) -> list[Child]:
    """Up to `count` different children that satisfy the constraints; `parents` are in order, the best first."""
    children: dict[tuple[Any, ...], Child] = {}
    for dummy in range(count):
        if immigrants and rng.random() < _IMMIGRANTS:
            child = Child(space.sample(rng), "initial", ())
        else:
            bred = _child(space, parents, guidance, rng)
            child = Child(settle(space, bred.values, parents[0].values, rng), bred.origin, bred.parents)
        children.setdefault(space.key(child.values), child)
    return list(children.values())


def _child(space: SearchSpace, parents: Sequence[Child], guidance: Guidance, rng: Generator) -> Child:
    draw: Callable[[], int] = lambda: int(rng.integers(len(parents)))  # noqa: E731
    mother = parents[min(draw(), draw())]  # a tournament of two
    values, origin, lineage = mother.values, "mutation", mother.parents
    if rng.random() < _CROSSED:
        father = parents[draw()]
        if father is not mother:
            values = crossover(space, values, father.values, "uniform", rng)
            origin, lineage = "crossover", tuple(dict.fromkeys((*lineage, *father.parents)))[:2]
    if origin == "mutation" or rng.random() < _CROSSED_MUTATED:
        values = _mutate(space, values, guidance, rng)
    return Child(values, origin, lineage)


def _mutate(space: SearchSpace, values: Configuration, guidance: Guidance, rng: Generator) -> Configuration:
    names = list(space.parameters)
    active = [index for index, name in enumerate(names) if name in values]
    if not active:
        return values
    # Half by importance, half evenly: what matters is not known for sure.
    chance = guidance.importance[active] + 1.0 / len(names)
    count = min(int(rng.geometric(0.5)), len(active))
    mutant = dict(values)
    for index in rng.choice(active, size=count, replace=False, p=chance / chance.sum()):
        name, far = names[index], rng.random() < _FAR
        step = _FAR_STEP if far else float(np.clip(_STEP * guidance.reach[index], *_STEPS))
        mutant[name] = space.parameters[name].mutate(mutant[name], rng, min(step, guidance.radius))
    return mutant
