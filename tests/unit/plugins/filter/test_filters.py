# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters crossover, mutate, tournament and fitness."""

from __future__ import annotations

import json
import math

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.filter.crossover import crossover
from ansible_collections.evolve.vm.plugins.filter.fitness import fitness
from ansible_collections.evolve.vm.plugins.filter.mutate import mutate
from ansible_collections.evolve.vm.plugins.filter.tournament import tournament
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

PARAMETERS = {
    "vm.vcpus": {"type": "int", "range": [1, 8]},
    "vm.memory_mib": {"type": "int", "range": [512, 8192], "step": 256, "scale": "log"},
    "vm.disk.cache": {"type": "choice", "values": ["none", "writeback", "writethrough"]},
    "vm.disk.iothread": {"type": "bool"},
}
CONSTRAINTS = ["vm.vcpus * 256 <= vm.memory_mib"]
MOTHER = {"vm.vcpus": 2, "vm.memory_mib": 1024, "vm.disk.cache": "none", "vm.disk.iothread": False}
FATHER = {"vm.vcpus": 8, "vm.memory_mib": 4096, "vm.disk.cache": "writeback", "vm.disk.iothread": True}
GOALS = [
    {"metric": "speed", "direction": "maximize", "weight": 3},
    {"metric": "latency", "direction": "minimize", "limit": 50},
]
BASELINE = {"speed": 100.0, "latency": 20.0}


def refused(function, *args, **kwargs):
    """The faults of a call that is refused."""
    with pytest.raises(AnsibleFilterError) as caught:
        function(*args, **kwargs)
    title, *faults = str(caught.value).splitlines()
    assert title.startswith(f"evolve.vm.{function.__name__}: ")
    assert f"{len(faults)} fault" in title
    return [fault.removeprefix("  - ") for fault in faults]


# -- crossover ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["uniform", "one_point"])
def test_a_child_has_genes_of_both(kind):
    children = [crossover(MOTHER, FATHER, PARAMETERS, kind, seed) for seed in range(40)]
    for child in children:
        assert list(child) == list(PARAMETERS)
        assert all(child[name] in (MOTHER[name], FATHER[name]) for name in child)
    for name in ("vm.memory_mib", "vm.disk.cache"):
        assert {child[name] for child in children} == {MOTHER[name], FATHER[name]}


def test_blend_falls_in_between():
    sizes = {crossover(MOTHER, FATHER, PARAMETERS, "blend", seed)["vm.vcpus"] for seed in range(60)}
    assert sizes == set(range(2, 9))


def test_a_child_satisfies_the_constraints():
    children = [crossover(MOTHER, FATHER, PARAMETERS, "uniform", seed, CONSTRAINTS) for seed in range(60)]
    assert all(child["vm.vcpus"] * 256 <= child["vm.memory_mib"] for child in children)
    free = [crossover(MOTHER, FATHER, PARAMETERS, "uniform", seed) for seed in range(60)]
    assert not all(child["vm.vcpus"] * 256 <= child["vm.memory_mib"] for child in free)


def test_values_of_parents_outside_the_space_do_not_get_into_the_child():
    outside = {"vm.vcpus": 64, "vm.memory_mib": 1000, "vm.disk.cache": "unsafe", "vm.disk.iothread": False}
    for seed in range(20):
        child = crossover(outside, outside, PARAMETERS, "uniform", seed)
        assert (child["vm.vcpus"], child["vm.memory_mib"]) == (8, 1024)
        assert child["vm.disk.cache"] in PARAMETERS["vm.disk.cache"]["values"]


def test_crossover_names_all_faults_at_once():
    faults = refused(
        crossover,
        {"vm.vcpu": 1},
        7,
        {**PARAMETERS, "x": {"type": "text"}},
        "two_point",
        constraints=["vm.vcpus <"],
    )
    text = "\n".join(faults)
    for sign in (
        "x.type: found 'text', expected one of int, float, choice, bool",
        "evolve_constraints[1]:",
        "father: found 7, expected a configuration such as",
        "kind: found 'two_point', expected one of uniform, one_point, blend.",
        "seed: it is missing, expected a number, a text, or a list of them",
    ):
        assert sign in text
    assert refused(crossover, {"vm.vcpu": 1}, FATHER, PARAMETERS, seed=1) == [
        "mother.vm.vcpu: not a parameter of this search space. Did you mean vm.vcpus?"
    ]


# -- mutation ----------------------------------------------------------------------------------------------------------


def test_at_least_one_gene_changes_and_more_at_a_higher_rate():
    def changed(rate):
        mutants = [mutate(MOTHER, PARAMETERS, rate, 0.3, seed) for seed in range(60)]
        return [sum(mutant[name] != MOTHER[name] for name in MOTHER) for mutant in mutants]

    assert min(changed(0.01)) == 1
    assert sum(changed(0.01)) < sum(changed(0.5)) < sum(changed(1.0)) == 60 * 4


def test_sigma_is_how_far_numbers_move():
    def reach(sigma):
        return max(abs(mutate({"n": 500}, {"n": SPAN}, 1.0, sigma, seed)["n"] - 500) for seed in range(60))

    assert reach(0.01) < 50 < reach(0.2)


SPAN = {"type": "int", "range": [0, 1000]}


def test_a_mutant_satisfies_the_constraints():
    for seed in range(60):
        mutant = mutate(MOTHER, PARAMETERS, 0.5, 0.5, seed, CONSTRAINTS)
        assert mutant["vm.vcpus"] * 256 <= mutant["vm.memory_mib"]
        assert mutant != MOTHER


def test_mutate_names_all_faults_at_once():
    faults = refused(mutate, None, {}, "often", 2, {})
    assert [fault.split(":")[0] for fault in faults] == ["evolve_parameters", "configuration", "rate", "sigma", "seed"]
    assert faults[2] == "rate: found 'often', expected a number above 0 and at most 1"
    assert refused(mutate, MOTHER, PARAMETERS, True, math.nan, 1) == [
        "rate: found True, expected a number above 0 and at most 1",
        "sigma: found nan, expected a number above 0 and at most 1",
    ]


# -- tournament --------------------------------------------------------------------------------------------------------

POPULATION = [{"name": name, "fitness": value} for name, value in zip("abcdefgh", range(8), strict=True)]


def test_a_tournament_of_all_is_won_by_the_best_whatever_the_seed():
    assert {tournament(POPULATION, 8, seed)["name"] for seed in range(20)} == {"h"}
    assert tournament(POPULATION, 99, 1) == POPULATION[-1]


def test_small_tournaments_leave_it_to_luck_and_large_ones_do_not():
    def mean(size):
        return sum(tournament(POPULATION, size, seed)["fitness"] for seed in range(200)) / 200

    assert 3.0 < mean(1) < 4.0 < mean(2) < mean(4) < 7.0


def test_several_winners_are_different_ones_and_of_all_the_best_in_order():
    for seed in range(20):
        names = [one["name"] for one in tournament(POPULATION, 2, seed, count=3)]
        assert len(set(names)) == 3
    assert [one["name"] for one in tournament(POPULATION, 8, 1, count=3)] == ["h", "g", "f"]
    assert tournament(POPULATION, 3, 1, count=0) == []
    assert len(tournament(POPULATION, 3, 1, count=99)) == 8


def test_the_infeasible_take_part_only_where_nobody_kept_the_limits():
    infeasible = [{"name": "x", "fitness": 90, "violation": 2.0}, {"name": "y", "fitness": 80, "violation": 0.5}]
    others = [{"name": "f", "fitness": 99, "failure": "it broke"}, {"name": "u"}, {"name": "n", "fitness": None}]
    assert {tournament([*infeasible, *others, *POPULATION[:2]], 9, seed)["name"] for seed in range(20)} == {"b"}
    assert tournament([*infeasible, *others], 9, 1)["name"] == "y"
    (fault,) = refused(tournament, others, 3, 1)
    assert fault == (
        "population: 1 of 3 failed, the others are not evaluated; expected at least one individual with a fitness"
    )


def test_tournament_names_all_faults_at_once():
    faults = refused(tournament, [{"fitness": "x"}, {"fitness": 1, "violation": -1}], 1.5, [None], -1)
    assert [fault.split(":")[0] for fault in faults] == [
        "population[1].fitness",
        "population[2].violation",
        "size",
        "count",
        "seed",
    ]
    assert faults[2] == "size: found 1.5, expected a whole number of at least 1"
    assert refused(tournament, [], 1, 1)[0].startswith("population: found [], expected a list of individuals")


# -- fitness -----------------------------------------------------------------------------------------------------------


def test_fitness_is_the_weighted_mean_of_the_log_ratios():
    measured = {"speed": 120.0, "latency": 25.0, "other": 1.0}
    expected = (3 * math.log(1.2) - math.log(1.25)) / 4
    assert fitness(measured, GOALS, BASELINE) == pytest.approx(expected)
    assert fitness(measured, GOALS, BASELINE, "percent") == pytest.approx(100 * (math.exp(expected) - 1))
    assert fitness(measured, GOALS, BASELINE, "violation") == 0.0
    assert fitness({"speed": 1, "latency": 75}, GOALS, BASELINE, result="violation") == 0.5
    assert fitness(BASELINE, GOALS, BASELINE) == 0.0


def test_of_several_baselines_the_mean_counts():
    several = [{"speed": 50, "latency": 10}, {"speed": 200, "latency": 40}]
    assert fitness(BASELINE, GOALS, several) == pytest.approx(0.0)


def test_fitness_names_all_faults_at_once():
    faults = refused(fitness, {"speed": "fast"}, GOALS, [{"latency": 1.0}, 3], "log")
    assert [fault.split(",")[0] for fault in faults] == [
        "metrics.speed: found 'fast'",
        "metrics.latency: is missing; there are: speed",
        "baseline[1].speed: is missing; there are: latency",
        "baseline[2]: found 3",
        "result: found 'log'",
    ]
    assert len(refused(fitness, BASELINE, [{"metric": "speed"}, 3], BASELINE)) == 2
    assert "expected a list such as" in refused(fitness, BASELINE, None, BASELINE)[0]


@pytest.mark.parametrize("value", [True, None, math.nan, math.inf, "1"])
def test_what_is_no_number_is_not_scored(value):
    (fault,) = refused(fitness, {**BASELINE, "speed": value}, GOALS, BASELINE)
    assert fault == f"metrics.speed: found {value!r}, expected a number"


def test_a_metric_of_zero_needs_a_span():
    (fault,) = refused(fitness, {**BASELINE, "speed": 0}, GOALS, BASELINE)
    assert "a ratio needs values above 0. Give the goal a 'span'" in fault
    errors = [{"metric": "errors", "direction": "minimize", "span": 10}]
    assert fitness({"errors": 5}, errors, {"errors": 0}) == -0.5
    (fault,) = refused(fitness, {"errors": -1e308}, errors, {"errors": 1e308})
    assert "beyond what can be counted" in fault


# -- what holds for all ------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_and_others_others():
    def all_of(seed):
        return (
            crossover(MOTHER, FATHER, PARAMETERS, "blend", seed),
            mutate(MOTHER, PARAMETERS, 1.0, 0.5, seed),
            tournament(POPULATION, 1, seed, count=8),
        )

    seeds = [1, 2, [1, 2], [1, 2, 3], "child 1", ["child", 1], 0, -1, 10**15]
    results = [json.dumps(all_of(seed)) for seed in seeds]
    assert results == [json.dumps(all_of(seed)) for seed in seeds]
    assert len(set(results)) == len(seeds)


@pytest.mark.parametrize(("one", "other"), [(1, "1"), ([1, 2], ["1", "2"]), (1, [1])])
def test_a_number_and_its_text_are_the_same_seed(one, other):
    assert mutate(MOTHER, PARAMETERS, 0.5, 0.5, one) == mutate(MOTHER, PARAMETERS, 0.5, 0.5, other)


def test_numbers_may_be_texts_as_older_templates_give_them():
    assert mutate(MOTHER, PARAMETERS, "0.5", "0.3", 1) == mutate(MOTHER, PARAMETERS, 0.5, 0.3, 1)
    texts = [{**one, "fitness": str(one["fitness"])} for one in POPULATION]
    assert [one["name"] for one in tournament(texts, "3", 1, "2")] == [
        one["name"] for one in tournament(POPULATION, 3, 1, 2)
    ]


@pytest.mark.parametrize("seed", [None, {}, [], [[1]], math.inf, True])
def test_a_seed_must_be_stated(seed):
    (fault,) = refused(mutate, MOTHER, PARAMETERS, seed=seed)
    assert fault.startswith("seed: ")


def test_what_was_given_once_is_given_again_by_every_later_version():
    assert list(crossover(MOTHER, FATHER, PARAMETERS, "blend", 1, CONSTRAINTS).values()) == [2, 1792, "none", True]
    assert list(mutate(MOTHER, PARAMETERS, 0.5, 0.3, 1, CONSTRAINTS).values()) == [3, 1024, "none", False]
    assert [one["name"] for one in tournament(POPULATION, 3, 1, count=4)] == ["g", "d", "h", "f"]


@thorough
@given(search_spaces(), st.integers(0, 99), st.sampled_from(["uniform", "one_point", "blend"]), st.data())
def test_whatever_the_space_and_the_parents_the_result_is_valid_and_plain(drawn, seed, kind, data):
    space, specifications = drawn
    constraints = [constraint.text for constraint in space.constraints]
    genes = st.one_of(st.integers(-99, 9999), st.floats(-99, 9999), st.booleans(), st.sampled_from(["a", "none"]))
    parents = st.dictionaries(st.sampled_from(list(specifications)), genes)
    mother, father = data.draw(parents), data.draw(parents)
    child = crossover(mother, father, specifications, kind, seed, constraints)
    mutant = mutate(child, specifications, 0.5, 0.3, seed, constraints)
    for values in (child, mutant):
        assert_valid(space, specifications, values)
        assert json.loads(json.dumps(values)) == values
