# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Populations that are generated and bred, one call at a time."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.breeding import first_population, next_population
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import settle
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import CROSSOVERS, BreedingOptions
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import read_population
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.evolution.random_spaces import (
    assert_valid,
    search_spaces,
)

thorough = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

SPACE = SearchSpace.from_mapping(
    {
        "vm.vcpus": {"type": "int", "range": [1, 8]},
        "vm.memory_mib": {"type": "int", "range": [512, 8192], "step": 256, "scale": "log"},
        "vm.disk.cache": {"type": "choice", "values": ["none", "writeback", "writethrough"]},
        "vm.disk.iothread": {"type": "bool"},
        "app.level": {"type": "float", "range": [0, 1], "when": "vm.disk.iothread"},
    },
    ["vm.vcpus * 256 <= vm.memory_mib"],
)
BASELINE = {"vm.vcpus": 1, "vm.memory_mib": 1024, "vm.disk.cache": "none", "vm.disk.iothread": False}


def worth(values):
    return values["vm.vcpus"] / 8 - values["vm.memory_mib"] / 16_384 + 0.2 * (values["vm.disk.cache"] == "writeback")


def evaluated(population):
    return [{**one, "fitness": worth(one["configuration"])} for one in population]


def configurations(population):
    return [one["configuration"] for one in population]


def distinct(population, space=SPACE):
    return len({space.key(values) for values in configurations(population)}) == len(population)


# -- the first population ----------------------------------------------------------------------------------------------


def test_baseline_and_founders_come_first_and_a_design_fills_the_rest():
    founder = {"vm.vcpus": 4, "vm.memory_mib": 4096, "vm.disk.cache": "writeback", "vm.disk.iothread": False}
    population = first_population(SPACE, 8, 1, BASELINE, [founder])
    assert [one["origin"] for one in population] == ["baseline", "founder"] + ["initial"] * 6
    assert [one["number"] for one in population] == list(range(8))
    assert configurations(population)[:2] == [BASELINE, founder]
    assert configurations(population)[2:] == SPACE.design(8, 1)[:6]
    assert {(one["generation"], one["fitness"], tuple(one["parents"])) for one in population} == {(0, None, ())}


def test_the_baseline_stays_as_it_is_and_founders_become_valid():
    outside = {"vm.vcpus": 64, "vm.memory_mib": 1000, "vm.disk.cache": "unsafe", "vm.disk.iothread": False}
    population = first_population(SPACE, 4, 1, outside, [outside, {"vm.vcpus": 8, "vm.memory_mib": 512}])
    assert population[0]["configuration"] == outside
    for one in population[1:]:
        assert SPACE.faults(one["configuration"]) == []
    assert population[1]["configuration"]["vm.memory_mib"] >= 2048, "repaired: 8 vCPUs need it"


def test_founders_equal_to_others_are_left_out():
    population = first_population(SPACE, 6, 1, BASELINE, [BASELINE, BASELINE])
    assert [one["origin"] for one in population].count("founder") == 0
    assert len(population) == 6


def test_design_points_equal_to_founders_are_replaced():
    population = first_population(SPACE, 8, 1, None, SPACE.design(8, 1)[:3])
    assert [one["origin"] for one in population] == ["founder"] * 3 + ["initial"] * 5
    assert distinct(population)


def test_a_small_space_gives_a_small_population():
    space = SearchSpace.from_mapping({"f": {"type": "bool"}, "g": {"type": "bool", "when": "f"}})
    population = first_population(space, 10, 1)
    assert len(population) == 3
    bred = next_population(space, [{**one, "fitness": 1.0} for one in population], BreedingOptions(population=5), 1)
    assert [one["number"] for one in bred] == [0, 1], "the elites: there is nothing else to try"


# -- the next one ------------------------------------------------------------------------------------------------------


def test_elites_stay_as_they_are_and_the_rest_is_replaced_by_children():
    first = evaluated(first_population(SPACE, 10, 1, BASELINE))
    first[3]["metrics"] = {"x": 1.0}
    first[3]["fitness"] = 99.0
    before = copy.deepcopy(first)
    second = next_population(SPACE, first, BreedingOptions(elites=2), 1)
    assert first == before
    best = sorted(first, key=lambda one: one["fitness"], reverse=True)[:2]
    assert second[:2] == best
    assert second[0]["metrics"] == {"x": 1.0}
    children = second[2:]
    assert [one["number"] for one in children] == list(range(10, 18))
    assert {one["generation"] for one in children} == {1}
    assert {one["fitness"] for one in children} == {None}
    assert {one["origin"] for one in children} <= {"crossover", "mutation"}
    for child in children:
        assert len(child["parents"]) == (2 if child["origin"] == "crossover" else 1)
        assert set(child["parents"]) <= set(range(10))
    assert distinct(first + children)


def test_generations_get_better():
    population = first_population(SPACE, 10, 3, BASELINE)
    means, bests = [], []
    for dummy in range(8):
        population = evaluated(population)
        means.append(np.mean([one["fitness"] for one in population]))
        bests.append(max(one["fitness"] for one in population))
        population = next_population(SPACE, population, BreedingOptions(), 3)
    assert bests == sorted(bests), "elites are never lost"
    assert means[-1] > means[0] + 0.2
    assert max(one["generation"] for one in population) == 8


def test_parents_are_only_those_who_may_be():
    first = evaluated(first_population(SPACE, 8, 1))
    first[0] |= {"fitness": 50.0, "violation": 0.5}
    first[1] |= {"fitness": 40.0, "failure": "the guest did not answer"}
    first[2] |= {"fitness": None, "failure": "the guest did not answer"}
    first[3] |= {"fitness": None}
    second = next_population(SPACE, first, BreedingOptions(population=30, elites=8, tournament=1), 1)
    assert {number for one in second for number in one["parents"]} == {4, 5, 6, 7}
    assert [one["number"] for one in second if one["generation"] == 0] == sorted(
        [4, 5, 6, 7], key=lambda number: -first[number]["fitness"]
    )


def test_the_infeasible_are_parents_where_nobody_kept_the_limits():
    first = [{**one, "violation": 0.1 + one["number"]} for one in evaluated(first_population(SPACE, 4, 1))]
    second = next_population(SPACE, first, BreedingOptions(population=6, elites=1, tournament=4), 1)
    assert second[0]["number"] == 0
    assert all(one["parents"][0] == 0 for one in second[1:])


def test_after_a_population_that_failed_as_a_whole_there_is_new_blood():
    first = [{**one, "failure": "broke"} for one in first_population(SPACE, 4, 1)]
    second = next_population(SPACE, first, BreedingOptions(population=4), 1)
    assert [(one["number"], one["origin"], one["parents"]) for one in second] == [
        (n, "initial", []) for n in range(4, 8)
    ]
    assert distinct(first + second)


@pytest.mark.parametrize("kind", CROSSOVERS)
def test_the_same_seed_and_population_give_the_same_and_another_seed_another(kind):
    def two(seed):
        first = evaluated(first_population(SPACE, 8, seed, BASELINE))
        return next_population(SPACE, first, BreedingOptions(crossover=kind), seed)

    assert two(1) == two(1)
    assert configurations(two(1)) != configurations(two(2))


def test_what_was_bred_once_is_bred_again_by_every_later_version():
    population = first_population(SPACE, 8, 42, BASELINE)
    for dummy in range(3):
        population = next_population(SPACE, evaluated(population), BreedingOptions(population=8, crossover="blend"), 42)
    assert [[one["number"], one["origin"], one["parents"], *one["configuration"].values()] for one in population] == [
        [5, "initial", [], 8, 2048, "none", False],
        [18, "crossover", [5, 12], 5, 2048, "writeback", False],
        [20, "crossover", [12, 5], 4, 1024, "none", False],
        [21, "crossover", [5, 15], 7, 2048, "none", True, 0.610604537636],
        [22, "crossover", [12, 18], 5, 1792, "writeback", False],
        [23, "crossover", [18, 5], 7, 2048, "none", False],
        [24, "crossover", [18, 5], 6, 2304, "writeback", False],
        [25, "crossover", [18, 5], 8, 2048, "writeback", False],
    ]


# -- everything is valid, whatever the space ---------------------------------------------------------------------------


@thorough
@given(
    search_spaces(max_parameters=7),
    st.integers(0, 99),
    st.integers(2, 9),
    st.sampled_from(CROSSOVERS),
    st.data(),
)
def test_every_individual_of_every_space_is_valid_plain_and_new(drawn, seed, size, kind, data):
    space, specifications = drawn
    founders = [space.at([data.draw(st.floats(0, 1)) for dummy in specifications])]
    population = first_population(space, size, seed, None, founders)
    options = BreedingOptions(population=size, elites=min(1, size - 1), crossover=kind, mutation_rate=0.4)
    fates = st.sampled_from([{"fitness": 1.0}, {"fitness": -0.5, "violation": 2.0}, {"failure": "broke"}, {}])
    for dummy in range(3):
        assert 1 <= len(population) <= size
        for one in population:
            assert_valid(space, specifications, one["configuration"])
        assert distinct(population, space)
        assert json.loads(json.dumps(population)) == population
        faults: list[Fault] = []
        assert read_population("population", population, faults, space) == population
        assert faults == []
        population = (
            next_population(space, [{**one, **data.draw(fates)} for one in population], options, seed) or population
        )


@thorough
@given(search_spaces(max_parameters=6), st.integers(0, 99), st.data())
def test_settling_makes_anything_valid(drawn, seed, data):
    space, specifications = drawn
    values = st.one_of(st.integers(-9999, 9999), st.floats(-1e6, 1e6), st.booleans(), st.sampled_from(["a", "none"]))
    given_values, anchor = (
        data.draw(st.dictionaries(st.sampled_from(list(specifications)), values)) for dummy in range(2)
    )
    assert_valid(space, specifications, settle(space, given_values, anchor, np.random.default_rng(seed)))
