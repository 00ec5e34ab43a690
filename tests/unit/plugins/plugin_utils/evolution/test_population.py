# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A population as plain data: how it is read, and who may become a parent."""

from __future__ import annotations

import datetime
import math

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.population import (
    individual,
    parents_of,
    read_configuration,
    read_population,
    with_known_results,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace

SPACE = SearchSpace.from_mapping(
    {
        "vm.vcpus": {"type": "int", "range": [1, 8]},
        "vm.disk.cache": {"type": "choice", "values": ["none", "writeback"]},
    },
    ["vm.vcpus > 1 or vm.disk.cache == 'none'"],
)
GENES = {"vm.vcpus": 2, "vm.disk.cache": "none"}


def read(given, space=SPACE, **options):
    faults = []
    found = read_population("population", given, faults, space, **options)
    return found, [str(fault) for fault in faults]


def numbers(population):
    return [parent.candidate.number for parent in parents_of(read(population)[0])]


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_configuration_alone_is_an_individual_that_waits_for_its_evaluation():
    found, faults = read([{"configuration": GENES}, {"configuration": GENES, "fitness": 1}])
    assert faults == []
    assert found == [
        {"number": n, "generation": 0, "origin": "initial", "parents": [], "configuration": GENES, "fitness": fitness}
        for n, fitness in enumerate([None, 1])
    ]
    assert list(found[0]) == ["number", "generation", "origin", "parents", "configuration", "fitness"]


def test_other_keys_are_kept():
    found, faults = read([{"configuration": GENES, "fitness": 0.1, "metrics": {"x": 1.0}, "notes": ["a", None, True]}])
    assert faults == []
    assert (found[0]["metrics"], found[0]["notes"]) == ({"x": 1.0}, ["a", None, True])


def test_numbers_may_be_texts_as_older_templates_give_them():
    (found,), faults = read(
        [{"number": "7", "generation": "2", "fitness": "-0.5", "violation": "0.0", "configuration": GENES}]
    )
    assert faults == []
    assert (found["number"], found["generation"], found["fitness"], found["violation"]) == (7, 2, -0.5, 0.0)


@pytest.mark.parametrize("given", [None, [], {}, "x", 3, {"configuration": GENES}])
def test_what_is_no_list_of_individuals_is_refused(given):
    found, (fault,) = read(given)
    assert found == []
    assert fault.startswith("population: found ")
    assert "expected a list of individuals" in fault


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"number": -1}, "population[1].number: found -1, expected a whole number of at least 0"),
        ({"number": True}, "population[1].number: found True, expected"),
        ({"number": "one"}, "population[1].number: found 'one', expected"),
        ({"generation": 1.5}, "population[1].generation: found 1.5, expected"),
        ({"origin": 3}, "population[1].origin: found 3, expected a text"),
        ({"parents": 3}, "population[1].parents: found 3, expected a list of numbers"),
        ({"parents": ["a"]}, "population[1].parents: found ['a'], expected a list of numbers"),
        ({"fitness": "high"}, "population[1].fitness: found 'high', expected a number, or null"),
        ({"fitness": "nan"}, "population[1].fitness: found nan, expected a number, or null"),
        ({"fitness": math.nan}, "population[1].fitness: found nan, expected a number, or null"),
        ({"fitness": math.inf}, "population[1].fitness: found inf, expected a number, or null"),
        ({"fitness": True}, "population[1].fitness: found True, expected a number, or null"),
        ({"metrics": {"x": [1.0, math.nan]}}, "population[1].metrics.x[2]: found nan, expected a number, a text"),
        ({"date": datetime.date(2026, 1, 2)}, "population[1].date: found datetime.date(2026, 1, 2), expected"),
        ({"violation": -0.1}, "population[1].violation: found -0.1, expected a number of at least 0"),
        ({"failure": True}, "population[1].failure: found True, expected a text, or null"),
        ({"configuration": 3}, "population[1].configuration: found 3, expected a configuration such as"),
        ({"configuration": {**GENES, "vm.vcpu": 1}}, "population[1].configuration.vm.vcpu: not a parameter of this"),
        ({"configuration": {**GENES, "vm.vcpu": 1}}, "Did you mean vm.vcpus?"),
        ({"configuration": {**GENES, "vm.vcpus": 9}}, "population[1].configuration.vm.vcpus: found 9, expected 1 to 8"),
        ({"configuration": {**GENES, "vm.vcpus": [2]}}, "population[1].configuration.vm.vcpus: found [2], expected a"),
        ({"configuration": {"vm.vcpus": 2}}, "population[1].configuration.vm.disk.cache: has no value"),
        (
            {"configuration": {"vm.vcpus": 1, "vm.disk.cache": "writeback"}},
            "population[1].configuration.constraint: not satisfied: vm.vcpus > 1 or vm.disk.cache == 'none'",
        ),
    ],
)
def test_one_fault_names_place_found_and_expected(given, fault):
    found, faults = read([{"configuration": GENES, **given}])
    assert found == []
    assert len(faults) == 1
    assert fault in faults[0]


def test_all_faults_of_all_individuals_are_told_at_once():
    given = [{"configuration": GENES}, 3, {"number": 0, "fitness": "x"}, {"configuration": GENES, "number": 0}]
    dummy, faults = read(given)
    assert [fault.split(":")[0] for fault in faults] == [
        "population[2]",
        "population[3].fitness",
        "population[3].configuration",
        "population",
    ]
    assert "the number 0 is stated more than once" in faults[-1]


def test_the_baseline_may_lie_outside_the_space_but_has_no_other_parameters():
    outside = {"vm.vcpus": 64, "vm.disk.cache": "unsafe"}
    assert read([{"configuration": outside, "origin": "baseline"}])[1] == []
    assert len(read([{"configuration": outside}])[1]) == 2
    assert "not a parameter" in read([{"configuration": {"colour": "red"}, "origin": "baseline"}])[1][0]


def test_genes_are_needed_only_where_they_are_asked_for():
    assert "configuration: is missing" in read([{"fitness": 1.0}])[1][0]
    assert read([{"fitness": 1.0}], genes=False)[1] == []


def test_a_long_value_is_cut_in_messages():
    dummy, (fault,) = read([["x" * 10_000]])
    assert len(fault) < 250


def test_a_configuration_is_read_as_it_is():
    faults = []
    assert read_configuration("x", {"vm.vcpus": 64}, SPACE, faults) == {"vm.vcpus": 64}
    assert faults == []


# -- parents -----------------------------------------------------------------------------------------------------------


def one(number, **told):
    return {"number": number, "configuration": GENES, **told}


def test_only_who_was_measured_and_kept_the_limits_becomes_a_parent():
    assert numbers(
        [
            one(1, fitness=-3.0),
            one(2, fitness=9.0, violation=0.1),
            one(3, fitness=9.0, failure="it broke"),
            one(4),
            one(5, failure="it broke"),
            one(6, fitness=0.0, violation=0.0),
            one(7, fitness=0.0, violation=None, failure=None),
        ]
    ) == [1, 6, 7]


def test_where_nobody_kept_the_limits_the_infeasible_are_parents_and_the_least_violation_ranks_first():
    population = [one(1, fitness=9.0, violation=0.5), one(2, fitness=1.0, violation=0.1), one(3, failure="x"), one(4)]
    assert numbers(population) == [1, 2]
    parents = parents_of(read(population)[0])
    assert max(parents, key=lambda parent: parent.rank).candidate.number == 2


def test_the_failed_and_the_unevaluated_are_never_parents():
    assert numbers([one(1, failure="x"), one(2), one(3, fitness=2.0, failure="x")]) == []


def test_what_the_operators_get_is_what_was_written():
    (given,), dummy = read([one(7, generation=2, origin="mutation", parents=[3], fitness=0.5, violation=0.25)])
    found = individual(given)
    assert found.candidate.values == GENES
    assert (found.candidate.number, found.candidate.generation, found.candidate.parents) == (7, 2, (3,))
    assert (found.fitness, found.violation, found.failure, found.feasible) == (0.5, 0.25, None, False)


# -- results that are known already ------------------------------------------------------------------------------------


def test_known_results_fill_in_what_is_not_evaluated_and_nothing_else():
    fresh = read([one(1), one(2, fitness=0.1), one(3), one(4, failure="x"), one(5)])[0]
    known = read(
        [
            one(1, fitness=0.7, metrics={"x": 1}),
            one(2, fitness=0.9),
            one(3, fitness=0.8, generation=1),
            one(4, fitness=0.6),
            one(6, fitness=0.5),
        ]
    )[0]
    filled = with_known_results(fresh, known)
    assert [each["fitness"] for each in filled] == [0.7, 0.1, None, None, None]
    assert filled[0]["metrics"] == {"x": 1}
    assert filled[3]["failure"] == "x"
