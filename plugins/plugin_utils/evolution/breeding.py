# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A population and the one bred from it, for those who write the loop around them on their own.

Nothing is kept between the calls: who calls again with the same seed and population gets the same again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import Child, breed, settle
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import BreedingOptions
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import Record, parents_of, record
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import np


def first_population(
    space: SearchSpace,
    size: int,
    seed: int,
    baseline: Mapping[str, Any] | None = None,
    founders: Sequence[Mapping[str, Any]] = (),
) -> list[Record]:
    """`size` distinct individuals: the baseline as it is, the founders, and a space-filling design.

    Founders become the nearest configuration that is valid; one that then equals another is left out. There are fewer
    individuals where the space holds fewer.
    """
    children = [] if baseline is None else [Child(space.activate(baseline), "baseline")]
    for number, founder in enumerate(founders):
        rng = np.random.default_rng([seed, number])
        children.append(Child(settle(space, founder, {}, rng), "founder"))
    children += [Child(values, "initial") for values in space.design(size, seed)]
    distinct: dict[tuple[Any, ...], Child] = {}
    for child in children:
        distinct.setdefault(space.key(child.values), child)
    return [record(number, 0, child) for number, child in enumerate(list(distinct.values())[:size])]


def next_population(
    space: SearchSpace, population: Sequence[Record], options: BreedingOptions, seed: int
) -> list[Record]:
    """The elites of an evaluated population as they are, best first, and children of its parents.

    No child equals another one or a member of the population. There are fewer of them where the space holds fewer.
    """
    parents = parents_of(population)
    by_number = {one["number"]: one for one in population}
    elites = sorted(parents, key=lambda parent: parent.rank, reverse=True)[: options.elites]
    bred = [by_number[elite.candidate.number] for elite in elites]
    taken = {space.key(one["configuration"]) for one in population}
    generation = 1 + max(one["generation"] for one in population)
    number = 1 + max(by_number)
    while len(bred) < options.population:
        child = breed(space, parents, taken, options, np.random.default_rng([seed, number]))
        if child is None:
            break
        bred.append(record(number, generation, child))
        taken.add(space.key(child.values))
        number += 1
    return bred
