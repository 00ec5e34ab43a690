# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Genetic operators: tournament selection, crossover and typed mutation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import BreedingOptions
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import NumericParameter
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import Configuration, SearchSpace

if TYPE_CHECKING:
    from numpy.random import Generator

_ATTEMPTS = 60


@dataclass(frozen=True)
class Child:
    """A configuration bred from others; `parents` are the numbers of those."""

    values: Configuration
    origin: str
    parents: tuple[int, ...] = ()


def tournament(population: Sequence[Individual], size: int, rng: Generator) -> Individual:
    """The best of `size` individuals drawn without replacement."""
    drawn = rng.choice(len(population), size=min(size, len(population)), replace=False)
    return max((population[int(i)] for i in drawn), key=lambda individual: individual.rank)


def crossover(
    space: SearchSpace, mother: Mapping[str, Any], father: Mapping[str, Any], kind: str, rng: Generator
) -> Configuration:
    """A child of two configurations; it may still violate constraints or lack genes that became active.

    uniform: each gene from either parent. one_point: genes up to a cut from one, the rest from the other. blend: as
    uniform, but numeric genes fall anywhere between the parents' (arithmetic crossover in unit coordinates).
    """
    names = list(space.parameters)
    cut = int(rng.integers(1, max(2, len(names))))
    child: dict[str, Any] = {}
    for index, name in enumerate(names):
        first = index < cut if kind == "one_point" else rng.random() < 0.5
        parent, other = (mother, father) if first else (father, mother)
        if kind == "blend" and name in mother and name in father:
            child[name] = _blend(space, name, mother[name], father[name], rng)
        elif name in parent or name in other:
            child[name] = parent[name] if name in parent else other[name]
    return child


def _blend(space: SearchSpace, name: str, first: Any, second: Any, rng: Generator) -> Any:
    parameter = space.parameters[name]
    if not isinstance(parameter, NumericParameter) or first in parameter.special or second in parameter.special:
        return first if rng.random() < 0.5 else second
    start, end = parameter.to_unit(first), parameter.to_unit(second)
    return parameter.at(start + rng.random() * (end - start))


def mutate(space: SearchSpace, values: Mapping[str, Any], rate: float, sigma: float, rng: Generator) -> Configuration:
    """`values` with each gene changed with probability `rate`, at least one in all.

    Numeric genes move by a normal step of `sigma` in unit coordinates, ordered choices to a neighbour, other choices to
    any other value, booleans flip.
    """
    names = [name for name in space.parameters if name in values]
    if not names:
        return dict(values)
    chosen = [name for name in names if rng.random() < rate] or [names[int(rng.integers(len(names)))]]
    return {**values, **{name: space.parameters[name].mutate(values[name], rng, sigma) for name in chosen}}


def settle(space: SearchSpace, values: Mapping[str, Any], anchor: Mapping[str, Any], rng: Generator) -> Configuration:
    """A valid configuration near `values`: completed and, where a constraint is broken, repaired towards `anchor`.

    An anchor that is not valid itself (a machine's present configuration need not be) gives way to a random one.
    """
    completed = space.complete(values, rng)
    if space.violation(completed) == 0.0:
        return completed
    return space.repair(completed, space.sample(rng) if space.faults(anchor) else anchor, rng)


def breed(
    space: SearchSpace,
    parents: Sequence[Individual],
    taken: Collection[tuple[Any, ...]],
    options: BreedingOptions,
    rng: Generator,
) -> Child | None:
    """A valid child whose key is not in `taken`: by tournament, crossover, typed mutation and repair.

    Where breeding only leads back to known configurations, and without parents, it is a random one of origin initial;
    None where the space holds no other.
    """
    for attempt in range(_ATTEMPTS if parents else 0):
        child = _child(space, parents, options, rng, daring=attempt / _ATTEMPTS)
        if space.key(child.values) not in taken:
            return child
    fresh = space.unused(taken, rng)
    return None if fresh is None else Child(fresh, "initial")


def _child(
    space: SearchSpace, parents: Sequence[Individual], options: BreedingOptions, rng: Generator, daring: float
) -> Child:
    """One child; `daring` in [0, 1] grows with attempts that only found known configurations."""
    mother = tournament(parents, options.tournament, rng)
    values: Mapping[str, Any] = mother.candidate.values
    lineage: tuple[int, ...] = (mother.candidate.number,)
    origin = "mutation"
    others = [individual for individual in parents if individual is not mother]
    if others and rng.random() < options.crossover_rate:
        father = tournament(others, options.tournament, rng)
        values = crossover(space, values, father.candidate.values, options.crossover, rng)
        lineage += (father.candidate.number,)
        origin = "crossover"
    # A child equal to a parent would be wasted: genes change at the given rate, more boldly when that repeats.
    rate = options.mutation_rate + daring * (1.0 - options.mutation_rate)
    if origin == "mutation" or rng.random() < max(options.mutation_rate * len(values), daring):
        values = mutate(space, values, rate, options.mutation_sigma * (1.0 + 2.0 * daring), rng)
    return Child(settle(space, values, mother.candidate.values, rng), origin, lineage)
