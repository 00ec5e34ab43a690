# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selection, crossover and mutation of whole configurations."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate, Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import (
    crossover,
    mutate,
    tournament,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import CROSSOVERS
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace

SPACE = SearchSpace.from_mapping(
    {
        "n": {"type": "int", "range": [1, 1_000], "special": [-1]},
        "x": {"type": "float", "range": [1, 10_000], "scale": "log"},
        "c": {"type": "choice", "values": ["a", "b", "c"]},
        "f": {"type": "bool"},
        "g": {"type": "int", "range": [1, 9], "when": "f"},
    }
)
MOTHER = {"n": 10, "x": 10.0, "c": "a", "f": True, "g": 5}
FATHER = {"n": 900, "x": 1_000.0, "c": "b", "f": False}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def individual(number, readings=(), violations=None, failure=None):
    return Individual(
        Candidate(number, {}, "initial"), list(readings), list(violations or [0.0] * len(readings)), failure
    )


# -- rank and selection ------------------------------------------------------------------------------------------------


def test_feasible_before_infeasible_before_failed():
    in_order = [
        individual(1, [0.3, 0.5]),
        individual(2, [0.39]),
        individual(3, [-5.0]),
        individual(4, [9.0], [0.1]),
        individual(5, [8.0, 8.0], [0.0, 0.3]),
        individual(6, [10.0], [2.0]),
        individual(7, [], failure="configuration"),
    ]
    shuffled = random.Random(1).sample(in_order, len(in_order))
    assert sorted(shuffled, key=lambda i: i.rank, reverse=True) == in_order


def test_what_broke_the_machine_once_is_failed_whatever_it_measured_before():
    broken = individual(1, [5.0], failure="configuration")
    assert not broken.feasible
    assert broken.rank < individual(2, [1.0], [3.0]).rank


def test_nothing_told_has_no_fitness():
    pending = individual(1)
    assert not pending.told
    assert not pending.feasible
    assert (pending.fitness, pending.violation) == (-math.inf, math.inf)


def test_a_tournament_of_all_finds_the_best(rng):
    population = [individual(number, [float(number % 5)]) for number in range(10)]
    population[7] = individual(7, [99.0], [1.0])
    assert {tournament(population, 10, rng).candidate.number for dummy in range(20)} <= {4, 9}
    assert {tournament(population, 99, rng).fitness for dummy in range(5)} == {4.0}


def test_a_tournament_of_one_is_a_fair_draw(rng):
    population = [individual(number, [float(number)]) for number in range(4)]
    drawn = [tournament(population, 1, rng).candidate.number for dummy in range(2_000)]
    assert [drawn.count(number) for number in range(4)] == pytest.approx([500] * 4, abs=80)


def test_larger_tournaments_press_harder(rng):
    population = [individual(number, [float(number)]) for number in range(20)]
    means = [np.mean([tournament(population, size, rng).fitness for dummy in range(500)]) for size in (1, 2, 5, 15)]
    assert means == sorted(means)
    assert means[-1] > means[0] + 5


# -- crossover ---------------------------------------------------------------------------------------------------------


def children(kind, rng, count=300, mother=None, father=None, space=SPACE):
    return [crossover(space, mother or MOTHER, father or FATHER, kind, rng) for dummy in range(count)]


@pytest.mark.parametrize("kind", ["uniform", "one_point"])
def test_each_gene_comes_from_one_parent(kind, rng):
    for child in children(kind, rng):
        assert set(child) == set(MOTHER)
        assert all(child[name] in (MOTHER[name], FATHER.get(name, MOTHER[name])) for name in child)


def test_uniform_mixes_all_genes_evenly(rng):
    born = children("uniform", rng, 1_000)
    for name in FATHER:
        assert sum(child[name] == MOTHER[name] for child in born) == pytest.approx(500, abs=80)
    assert len({(c["n"], c["x"], c["c"], c["f"]) for c in born}) == 16


def test_one_point_keeps_neighbours_together(rng):
    cuts = set()
    for child in children("one_point", rng):
        from_mother = "".join("m" if child[name] == MOTHER[name] else "f" for name in FATHER)
        assert from_mother in {"mfff", "mmff", "mmmf", "mmmm"}
        cuts.add(from_mother)
    assert len(cuts) == 4


def test_blend_falls_between_the_parents_on_the_scale(rng):
    born = children("blend", rng)
    assert all(10 <= child["n"] <= 900 and 10.0 <= child["x"] <= 1_000.0 for child in born)
    assert len({child["n"] for child in born}) > 100
    assert np.median([child["x"] for child in born]) == pytest.approx(100.0, rel=0.3)
    assert {child["c"] for child in born} == {"a", "b"}


def test_blend_does_not_average_special_values(rng):
    born = children("blend", rng, father={**FATHER, "n": -1})
    assert {child["n"] for child in born} == {10, -1}


@pytest.mark.parametrize("kind", CROSSOVERS)
def test_a_gene_that_only_one_parent_has_is_passed_on(kind, rng):
    assert {child["g"] for child in children(kind, rng)} == {5}
    assert {child["g"] for child in children(kind, rng, mother=FATHER, father=MOTHER)} == {5}
    assert all("g" not in child for child in children(kind, rng, mother=FATHER, father={**FATHER, "n": 3}))


@pytest.mark.parametrize("kind", CROSSOVERS)
def test_crossover_of_one_gene_and_of_values_outside_the_range(kind, rng):
    space = SearchSpace.from_mapping({"n": {"type": "int", "range": [1, 8]}})
    for child in children(kind, rng, 20, {"n": 64}, {"n": 2}, space):
        assert space.faults(space.complete(child, rng)) == []


# -- mutation ----------------------------------------------------------------------------------------------------------


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


def test_at_least_one_gene_changes_and_parents_stay_as_they_are(rng):
    before = dict(MOTHER)
    touched = set()
    for dummy in range(200):
        after = mutate(SPACE, MOTHER, 1e-9, 0.1, rng)
        assert len(changed(MOTHER, after)) == 1
        assert set(after) == set(MOTHER)
        touched |= changed(MOTHER, after)
    assert touched == set(MOTHER)
    assert before == MOTHER


def test_genes_change_at_the_given_rate(rng):
    sizes = [len(changed(MOTHER, mutate(SPACE, MOTHER, 0.5, 0.1, rng))) for dummy in range(600)]
    assert np.mean(sizes) == pytest.approx(2.5, abs=0.2)
    assert {len(changed(MOTHER, mutate(SPACE, MOTHER, 1.0, 0.1, rng))) for dummy in range(20)} == {5}


def test_a_configuration_without_genes_stays_empty(rng):
    assert mutate(SPACE, {}, 0.5, 0.1, rng) == {}
