# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search space: every fault at once, conditions, constraints, and that only valid configurations leave it."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import mutate
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace, SearchSpaceError
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.evolution.random_spaces import (
    assert_valid,
    search_spaces,
)

thorough = settings(
    max_examples=1_000,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

VCPUS = {"type": "int", "range": [1, 8]}
MEMORY = {"type": "int", "range": [512, 8192], "step": 256, "scale": "log"}
CACHE = {"type": "choice", "values": ["none", "writeback", "unsafe"]}
SHARE = {"type": "float", "range": [0, 1]}
TENTHS = {"type": "float", "range": [0, 1], "step": 0.1}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def faults_of(parameters, constraints=()):
    with pytest.raises(SearchSpaceError) as caught:
        SearchSpace.from_mapping(parameters, constraints)
    listed = str(caught.value).splitlines()
    assert len(listed) == len(caught.value.faults) + 1
    assert all(str(fault) in line for fault, line in zip(caught.value.faults, listed[1:], strict=True))
    return [str(fault) for fault in caught.value.faults]


# -- faults of the file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "constraints", "message"),
    [
        (None, [], "evolve_parameters: found None, expected a mapping of at least one parameter"),
        ({}, [], "evolve_parameters: found {}, expected a mapping"),
        (["vm.vcpus"], [], "evolve_parameters: found ['vm.vcpus'], expected a mapping"),
        ({"a": VCPUS}, None, "evolve_constraints: found None, expected a list of expressions"),
        ({"a": VCPUS}, "a < 3", "evolve_constraints: found 'a < 3', expected a list of expressions"),
        ({"a": VCPUS}, ["a <"], "evolve_constraints[1]: expected a parameter, a number or a text at the end"),
        ({"a": VCPUS}, ["a < 3", 5], "evolve_constraints[2]: expected an expression as text, found 5"),
        (
            {"vm.vcpus": VCPUS},
            ["vm.vcpu < 3"],
            "evolve_constraints[1]: speaks of 'vm.vcpu', which is no parameter of this space. Did you mean vm.vcpus?",
        ),
        (
            {"vm.disk.cache": CACHE},
            ["vm.disk.cache == unsafe"],
            "speaks of 'unsafe', which is no parameter of this space. A text value needs quotes: 'unsafe'.",
        ),
        (
            {"a": VCPUS, "b": {**VCPUS, "when": "flag"}},
            [],
            "b.when: speaks of 'flag', which is no parameter of this space.",
        ),
        ({"a": VCPUS, "b": {**VCPUS, "when": "a >"}}, [], "b.when: expected a parameter, a number or a text at the"),
        ({"a": VCPUS, "b": {**VCPUS, "when": True}}, [], "b.when: expected an expression as text, found True"),
        ({"a": {**VCPUS, "when": "a > 3"}}, [], "a.when: depends on itself"),
        ({"c": CACHE}, ["c < 3"], "evolve_constraints[1]: c < 3: cannot compare"),
        ({"c": CACHE}, ["c + 1 < 3"], "evolve_constraints[1]: c + 1 < 3: '+' needs numbers"),
        ({"a": VCPUS}, ["a - 3"], "evolve_constraints[1]: a - 3: gives"),
        ({"c": CACHE, "a": {**VCPUS, "when": "c"}}, [], "a.when: c: gives '"),
        ({"c": CACHE, "a": {**VCPUS, "when": "c > 3"}}, [], "a.when: c > 3: cannot compare"),
    ],
)
def test_one_fault_is_told_with_its_key(parameters, constraints, message):
    found = faults_of(parameters, constraints)
    assert len(found) == 1, found
    assert message in found[0]


def test_every_fault_of_a_file_is_told_at_once():
    found = faults_of(
        {
            "inverted": {"type": "int", "range": [8, 1], "when": "nobody > 3"},
            "log": {"type": "float", "range": [0, 1], "scale": "log"},
            "typo": {"type": "int", "range": [1, 8], "setp": 2, "default": 99},
            "kind": {"type": "number", "when": "good >"},
            "cycle1": {"type": "bool", "when": "cycle2"},
            "cycle2": {"type": "bool", "when": "cycle1 or broken_cycle"},
            "broken_cycle": {"type": "int", "range": [1, 1], "when": "cycle2"},
            "good": {"type": "choice", "values": ["a", "b"]},
            "nothing": None,
        },
        ["good == 'a' and nobody < 3", "good ==", "good < 3", "inverted < 3"],
    )
    assert sorted(fault.split(": ")[0] for fault in found) == sorted(
        [
            "inverted.range",
            "inverted.when",
            "log.scale",
            "typo.setp",
            "typo.default",
            "kind.type",
            "kind.when",
            "cycle1.when",
            "cycle2.when",
            "broken_cycle.when",
            "broken_cycle.range",
            "nothing",
            "evolve_constraints[1]",
            "evolve_constraints[2]",
            "evolve_constraints[3]",
        ]
    )


def test_the_numbers_of_constraints_are_the_users():
    found = faults_of({"a": VCPUS}, ["a <", "a > 1", "b > 1"])
    assert [fault.split(": ")[0] for fault in found] == ["evolve_constraints[1]", "evolve_constraints[3]"]


@pytest.mark.parametrize(
    ("parameters", "constraints", "blamed"),
    [
        # few enough to try all
        ({"a": VCPUS}, ["a > 8"], ["all 8 tried", "'a > 8' holds in 0%"]),
        ({"a": VCPUS, "b": VCPUS}, ["a < b", "b < a"], ["all 64 tried", "'a < b' holds in 4", "'b < a' holds in 4"]),
        ({"a": VCPUS, "b": {**VCPUS, "when": "a > 2"}}, ["a > 2", "b > 8"], ["all 64 tried"]),
        ({"a": VCPUS}, ["1 / 0 > a"], ["all 8 tried", "'1 / 0 > a' holds in 0%"]),
        # continuous, or too many
        ({"x": SHARE}, ["x > 1"], ["no configuration was found", "'x > 1' holds in 0%"]),
        ({"x": SHARE, "y": SHARE}, ["x + y > 1.5", "x < 0.4"], ["no configuration was found", "'x < 0.4' holds in 3"]),
        ({"x": {"type": "int", "range": [0, 10**9]}}, ["x % 2 == 0.5"], ["no configuration was found"]),
    ],
)
def test_constraints_that_nobody_can_satisfy_are_refused_and_the_culprits_named(parameters, constraints, blamed):
    found = faults_of(parameters, constraints)
    assert len(found) == 1
    assert found[0].startswith("evolve_constraints: no configuration")
    for words in blamed:
        assert words in found[0]


def test_hopeless_constraints_over_many_parameters_are_refused_in_seconds():
    start = time.process_time()
    names = [f"p{number}" for number in range(20)]
    faults_of(dict.fromkeys(names, SHARE), [" + ".join(names) + " < 0"])
    assert time.process_time() - start < 6.0


@pytest.mark.parametrize(
    ("parameters", "constraints"),
    [
        ({"a": VCPUS}, ["a == 8"]),
        ({"a": MEMORY, "b": MEMORY, "c": MEMORY}, ["a == 2 * b", "b == 2 * c"]),
        (dict.fromkeys("abcd", TENTHS), ["a + b + c + d == 1"]),
        (dict.fromkeys("abcd", SHARE), ["a + b + c + d == 1"]),
        ({"a": {"type": "int", "range": [1, 10**6]}, "b": {"type": "int", "range": [1, 10**6]}}, ["a == 3 * b"]),
        ({f"p{i}": {"type": "int", "range": [0, 1_000]} for i in range(8)}, ["p0 < p1 < p2 < p3 < p4 < p5 < p6 < p7"]),
        ({f"p{i}": {"type": "int", "range": [0, 1_000]} for i in range(8)}, ["p0+p1+p2+p3+p4+p5+p6+p7 <= 99"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_constraints_that_next_to_nothing_satisfies_are_met(parameters, constraints, rng):
    space = SearchSpace.from_mapping(parameters, constraints)
    anchor = space.sample(rng)
    for values in (anchor, *space.design(4, 1)):
        assert_valid(space, parameters, values)
    distinct = {space.key(space.repair(mutate(space, anchor, 0.5, 0.3, rng), anchor, rng)) for dummy in range(10)}
    assert len(distinct) > 3 or space.size <= 8


# -- only valid configurations leave a space ---------------------------------------------------------------------------


@thorough
@given(search_spaces(), st.integers(0, 2**32))
def test_whatever_a_random_space_hands_out_is_valid(space_and_specifications, seed):
    space, specifications = space_and_specifications
    rng = np.random.default_rng(seed)
    design = space.design(4, seed)
    assert len({space.key(values) for values in design}) == len(design)
    values = space.sample(rng)
    for found in (values, *design, space.unused((), rng)):
        assert_valid(space, specifications, found)
    for dummy in range(4):
        changed = mutate(space, values, 0.4, 0.3, rng)
        completed = space.complete(changed, rng)
        if space.violation(completed) == 0.0:
            assert_valid(space, specifications, completed)
        values = space.repair(changed, values, rng)
        assert_valid(space, specifications, values)


@settings(thorough, max_examples=300)
@given(search_spaces(max_parameters=4), st.data())
def test_whatever_values_are_completed_they_fit_their_parameters(space_and_specifications, data):
    space, dummy = space_and_specifications
    junk = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["none", "a", ""]))
    values = data.draw(st.dictionaries(st.sampled_from([*space.parameters, "stranger"]), junk))
    completed = space.complete(values, np.random.default_rng(1))
    assert all("constraint" in str(fault) for fault in space.faults(completed))


# -- conditions --------------------------------------------------------------------------------------------------------

WAL = {
    "level": {"type": "choice", "values": ["none", "zstd"], "when": "compression and size > 4"},
    "compression": {"type": "bool", "when": "size > 2"},
    "size": {"type": "int", "range": [1, 8]},
}


@pytest.mark.parametrize(
    ("values", "active"),
    [
        ({"size": 1, "compression": True, "level": "zstd"}, {"size"}),
        ({"size": 3, "compression": True, "level": "zstd"}, {"size", "compression"}),
        ({"size": 5, "compression": False, "level": "zstd"}, {"size", "compression"}),
        ({"size": 5, "compression": True, "level": "zstd"}, {"size", "compression", "level"}),
        ({"compression": True, "level": "zstd"}, set()),
    ],
)
def test_only_active_parameters_keep_a_value(values, active):
    space = SearchSpace.from_mapping(WAL)
    activated = space.activate({**values, "stranger": 1})
    assert activated == {name: values[name] for name in active}
    assert list(activated) == [name for name in WAL if name in active]
    assert space.active_names(activated) == active | {"size"}


def test_completion_takes_defaults_where_there_are_and_draws_where_there_are_not(rng):
    space = SearchSpace.from_mapping({"a": {**VCPUS, "default": 3}, "b": VCPUS, "c": {**VCPUS, "when": "a > 3"}})
    drawn = [space.complete({}, rng) for dummy in range(60)]
    assert {values["a"] for values in drawn} == {3}
    assert {values["b"] for values in drawn} == set(range(1, 9))
    assert all("c" not in values for values in drawn)
    assert space.complete({"a": 5, "b": 1, "c": 7}, rng) == {"a": 5, "b": 1, "c": 7}
    assert space.complete({"a": 16, "b": 1, "c": 0}, rng) == {"a": 8, "b": 1, "c": 1}


def test_a_condition_that_depends_on_an_inactive_parameter_or_divides_by_zero_is_false(rng):
    space = SearchSpace.from_mapping(
        {
            "a": {"type": "int", "range": [0, 2]},
            "b": {**VCPUS, "when": "a > 1"},
            "c": {**VCPUS, "when": "b > 3"},
            "d": {**VCPUS, "when": "6 / a > 4"},
            "e": {**VCPUS, "when": "b > 3 or a == 0"},
        }
    )
    assert set(space.complete({"a": 0, "b": 8}, rng)) == {"a", "e"}
    assert set(space.complete({"a": 1, "b": 8}, rng)) == {"a", "d"}
    assert set(space.complete({"a": 2, "b": 8}, rng)) == {"a", "b", "c", "e"}


# -- constraints -------------------------------------------------------------------------------------------------------


def test_a_constraint_on_an_inactive_parameter_holds_and_one_divided_by_zero_does_not():
    parameters = {"a": {"type": "int", "range": [0, 8]}, "b": {**VCPUS, "when": "a > 4"}}
    space = SearchSpace.from_mapping(parameters, ["b < 3", "8 / a <= 4"])
    assert space.violation({"a": 4}) == 0.0
    assert space.violation({"a": 5, "b": 2}) == 0.0
    assert space.violation({"a": 5, "b": 3}) > 0.0
    assert space.violation({"a": 0}) > 0.0
    assert space.violation({"a": 1}) > 0.0


def test_repair_changes_no_more_than_it_must(rng):
    space = SearchSpace.from_mapping({"a": VCPUS, "b": VCPUS, "c": VCPUS}, ["a + b <= 8"])
    anchor = {"a": 1, "b": 1, "c": 1}
    assert space.repair({"a": 4, "b": 4, "c": 8}, anchor, rng) == {"a": 4, "b": 4, "c": 8}
    for dummy in range(20):
        repaired = space.repair({"a": 7, "b": 7, "c": 8}, anchor, rng)
        assert repaired["c"] == 8
        assert sorted([repaired["a"], repaired["b"]]) == [1, 7]


def test_where_only_the_defaults_satisfy_the_constraints_they_are_found_and_kept(rng):
    parameters = {name: {"type": "int", "range": [1, 10**6], "default": 777} for name in "abc"}
    space = SearchSpace.from_mapping(parameters, ["a == 777 and b == 777 and c == 777"])
    only = {"a": 777, "b": 777, "c": 777}
    assert space.sample(rng) == only
    assert space.design(5, 1) == [only]
    assert space.unused([space.key(only)], rng) is None
    assert space.repair({"a": 1, "b": 1, "c": 1}, only, rng) == only


# -- faults of a configuration -----------------------------------------------------------------------------------------


def test_every_fault_of_a_configuration_is_told_at_once():
    space = SearchSpace.from_mapping({"vm.vcpus": VCPUS, "vm.memory_mib": MEMORY, "vm.disk.cache": CACHE, **WAL})
    found = [str(fault) for fault in space.faults({"vm.vcpu": 2, "vm.memory_mib": 700, "size": 1, "compression": True})]
    assert found == [
        "vm.vcpu: not a parameter of this study. Did you mean vm.vcpus?",
        "vm.memory_mib: found 700, expected steps of 256 from 512; nearest 768",
        "compression: has a value but is active only when size > 2",
        "vm.vcpus: has no value",
        "vm.disk.cache: has no value",
    ]


def test_a_broken_constraint_is_told_in_the_users_words():
    space = SearchSpace.from_mapping({"a": VCPUS, "b": VCPUS}, ["a < b", "a > 1"])
    assert space.faults({"a": 2, "b": 3}) == []
    assert [str(fault) for fault in space.faults({"a": 1, "b": 1})] == [
        "constraint: not satisfied: a < b",
        "constraint: not satisfied: a > 1",
    ]


# -- drawing -----------------------------------------------------------------------------------------------------------


def test_a_key_is_equal_for_equal_configurations_only():
    space = SearchSpace.from_mapping({"a": {"type": "choice", "values": [1, True, "1"]}, "b": VCPUS})
    assert space.key({"b": 2, "a": 1}) == space.key({"a": 1, "b": 2})
    assert len({space.key({"a": a, "b": 2}) for a in (1, True, "1")}) == 3
    assert space.key({"b": 2}) != space.key({"a": 1, "b": 2})


def test_unused_finds_the_last_configuration_left_and_then_none(rng):
    parameters = {"a": {"type": "int", "range": [1, 40]}, "b": {"type": "int", "range": [1, 40]}}
    space = SearchSpace.from_mapping(parameters, ["a != b"])
    everything = {space.key({"a": a, "b": b}): {"a": a, "b": b} for a, b in itertools.permutations(range(1, 41), 2)}
    assert space.unused(everything, rng) is None
    left = everything.pop(space.key({"a": 13, "b": 31}))
    assert space.unused(everything, rng) == left


def test_a_design_is_seeded_distinct_and_as_large_as_the_space_allows():
    space = SearchSpace.from_mapping({"x": SHARE, "a": VCPUS, "c": CACHE})
    assert space.design(20, 3) == space.design(20, 3)
    assert space.design(20, 3) != space.design(20, 4)
    assert len({space.key(values) for values in space.design(100, 3)}) == 100
    small = SearchSpace.from_mapping({"a": VCPUS, "b": VCPUS, "c": CACHE}, ["a + b <= 3", "c != 'unsafe'"])
    design = small.design(50, 3)
    assert len(design) == len({small.key(values) for values in design}) == 6


def test_a_design_covers_the_space_better_than_chance():
    space = SearchSpace.from_mapping({"x": SHARE, "y": SHARE})

    def emptiest(points):
        """Largest distance from a point of the square to the nearest configuration."""
        places = np.array([[p["x"], p["y"]] for p in points])
        square = np.stack(np.meshgrid(*[np.linspace(0, 1, 25)] * 2), axis=-1).reshape(-1, 1, 2)
        return float(np.min(np.linalg.norm(square - places, axis=2), axis=1).max())

    designed = np.mean([emptiest(space.design(16, seed)) for seed in range(20)])
    drawn = np.mean([emptiest([space.sample(np.random.default_rng([s, i])) for i in range(16)]) for s in range(20)])
    assert designed < 0.9 * drawn


def test_samples_cover_the_whole_feasible_region(rng):
    space = SearchSpace.from_mapping({"a": VCPUS, "b": VCPUS}, ["a < b"])
    drawn = {(values["a"], values["b"]) for values in (space.sample(rng) for dummy in range(600))}
    assert drawn == set(itertools.combinations(range(1, 9), 2))


def test_size_is_the_product_of_the_parameters():
    assert SearchSpace.from_mapping({"a": VCPUS, "c": CACHE, "f": {"type": "bool"}}).size == 48
    assert SearchSpace.from_mapping({"a": VCPUS, "x": SHARE}).size == float("inf")
