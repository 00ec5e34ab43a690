# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The textbook algorithm: options, generations, elites, parents."""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import OptionsError
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.textbook import Textbook


def textbook(space, seed=1, **options):
    return Evolution(space, seed=seed, **{"algorithm": "textbook", **options})


SPACE = SearchSpace.from_mapping(
    {
        "a": {"type": "float", "range": [0, 1]},
        "b": {"type": "int", "range": [1, 1_024], "scale": "log"},
        "c": {"type": "choice", "values": ["x", "y", "z"]},
        "f": {"type": "bool"},
        "g": {"type": "int", "range": [0, 100], "when": "f"},
    }
)


def run(trials, worth=lambda values: values["a"], seed=1, space=SPACE, **options):
    """An engine told everything it asked for, one by one."""
    evolution = textbook(space, seed=seed, **options)
    for dummy in range(trials):
        candidate = evolution.ask()[0]
        evolution.tell(candidate, worth(candidate.values))
    return evolution


# -- options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"populaton": 8}, "populaton: unknown; accepted: population, elites,"),
        ({"populaton": 8}, "Did you mean population?"),
        ({"population": 1}, "population: found 1, expected a whole number 2 to 1000"),
        ({"population": 8.0}, "population: found 8.0, expected a whole number"),
        ({"population": True}, "population: found True, expected a whole number"),
        ({"population": "8"}, "population: found '8', expected a whole number"),
        ({"population": 5_000}, "population: found 5000"),
        ({"elites": -1}, "elites: found -1, expected a whole number 0 to 999"),
        ({"population": 4, "elites": 4}, "elites: found 4, expected fewer than the population (4)"),
        ({"tournament": 0}, "tournament: found 0, expected a whole number 1 to 1000"),
        ({"crossover": "two_point"}, "crossover: found 'two_point', expected one of uniform, one_point, blend"),
        ({"crossover_rate": 1.5}, "crossover_rate: found 1.5, expected a number above 0 and at most 1"),
        ({"mutation_rate": 0}, "mutation_rate: found 0, expected a number above 0 and at most 1"),
        ({"mutation_sigma": float("nan")}, "mutation_sigma: found nan, expected a number above 0 and at most 1"),
    ],
)
def test_a_bad_option_is_refused(options, message):
    for refuse in (lambda: Textbook.check(options), lambda: textbook(SPACE, **options)):
        with pytest.raises(OptionsError) as caught:
            refuse()
        assert len(caught.value.faults) == 1
        assert message in str(caught.value)


def test_every_bad_option_is_told_at_once():
    with pytest.raises(OptionsError) as caught:
        Textbook.check({"population": 0, "elites": "x", "crossover": None, "mutation_rate": True, "size": 3})
    assert [fault.where for fault in caught.value.faults] == [
        "population",
        "elites",
        "crossover",
        "mutation_rate",
        "size",
    ]


# -- generations -------------------------------------------------------------------------------------------------------


def test_generations_are_the_population_and_then_the_children_of_each():
    evolution = run(24, population=8, elites=3)
    generations = [individual.candidate.generation for individual in evolution.individuals]
    assert generations == [0] * 8 + [1] * 5 + [2] * 5 + [3] * 5 + [4]


def test_the_first_generation_is_the_baseline_and_a_design():
    evolution = run(9, population=8)
    first = [individual.candidate for individual in evolution.individuals[:8]]
    assert [candidate.origin for candidate in first] == ["baseline"] + ["initial"] * 7
    assert all(candidate.parents == () for candidate in first)
    assert [candidate.values for candidate in first[1:]] == SPACE.design(8, 1)[:7]
    assert evolution.individuals[8].candidate.origin in ("crossover", "mutation")


def test_parents_are_of_the_generation_before_or_its_elites():
    evolution = run(120, population=8, elites=2, tournament=1)
    individuals = {individual.candidate.number: individual for individual in evolution.individuals}
    older = 0
    for individual in individuals.values():
        generation = individual.candidate.generation
        if generation == 0:
            continue
        assert 1 <= len(individual.candidate.parents) <= 2
        for parent in individual.candidate.parents:
            born = individuals[parent].candidate.generation
            assert born < generation
            if born < generation - 1:
                # An elite: in the generation that followed its own, at most one was better.
                older += 1
                earlier = [i for i in individuals.values() if i.candidate.generation < generation - 1]
                assert sum(i.fitness > individuals[parent].fitness for i in earlier) < 2
    assert older > 20


def test_without_elites_all_parents_are_of_the_generation_before():
    evolution = run(60, population=6, elites=0)
    generation_of = {i.candidate.number: i.candidate.generation for i in evolution.individuals}
    for individual in evolution.individuals:
        for parent in individual.candidate.parents:
            assert generation_of[parent] == individual.candidate.generation - 1


def test_children_come_from_their_parents():
    evolution = run(100, crossover="uniform", mutation_rate=0.01, population=10)
    values = {i.candidate.number: i.candidate.values for i in evolution.individuals}
    inherited = crossovers = 0
    for individual in evolution.individuals:
        candidate = individual.candidate
        if candidate.origin == "crossover":
            crossovers += 1
            parents = [values[number] for number in candidate.parents]
            assert len(set(candidate.parents)) == 2
            inherited += all(v in [p.get(n) for p in parents] for n, v in candidate.values.items() if n != "g")
    assert crossovers > 50
    assert inherited > 0.6 * crossovers


def test_the_crossover_rate_counts():
    def share(rate):
        origins = [i.candidate.origin for i in run(210, crossover_rate=rate).individuals]
        return origins.count("crossover") / (origins.count("crossover") + origins.count("mutation"))

    assert share(0.3) == pytest.approx(0.3, abs=0.12)
    assert share(1.0) == 1.0


def test_selection_prefers_the_better():
    evolution = run(110, tournament=4, population=10)
    fitness = {i.candidate.number: i.fitness for i in evolution.individuals}
    generation = {}
    for individual in evolution.individuals:
        generation.setdefault(individual.candidate.generation, []).append(individual.fitness)
    chosen = [fitness[parent] for i in evolution.individuals for parent in i.candidate.parents]
    assert np.mean(chosen) > np.mean(list(fitness.values()))
    assert np.mean(generation[10]) > np.mean(generation[0]) + 0.2


def test_failed_and_infeasible_ones_are_no_parents_while_there_are_better():
    evolution = textbook(SPACE, seed=2, population=10, tournament=10, elites=0)
    for dummy in range(60):
        candidate = evolution.ask()[0]
        if candidate.values["f"]:
            evolution.tell(candidate, None, failure="configuration")
        else:
            evolution.tell(candidate, candidate.values["a"], violation=max(0.0, candidate.values["a"] - 0.7))
    individuals = {i.candidate.number: i for i in evolution.individuals}
    for individual in individuals.values():
        mother = individual.candidate.parents[:1]
        generation = [i for i in individuals.values() if i.candidate.generation == individual.candidate.generation - 1]
        if mother and any(i.feasible for i in generation):
            assert individuals[mother[0]].feasible
        assert all(individuals[parent].failure is None for parent in individual.candidate.parents)


def test_a_generation_that_failed_as_a_whole_is_replaced_by_new_blood():
    evolution = textbook(SPACE, seed=2, population=4, elites=0)
    for dummy in range(4):
        evolution.tell(evolution.ask()[0], None, failure="configuration")
    child = evolution.ask()[0]
    assert (child.origin, child.generation, child.parents) == ("initial", 1, ())
    assert SPACE.faults(child.values) == []


@pytest.mark.parametrize("crossover", ["uniform", "one_point", "blend"])
def test_beats_random_search_on_a_smooth_function(crossover):
    def worth(values):
        return -(
            (values["a"] - 0.3) ** 2
            + (np.log2(values["b"]) / 10 - 0.6) ** 2
            + (0.0 if values["c"] == "y" else 0.1)
            + ((values["g"] / 100 - 0.8) ** 2 if values["f"] else 0.5)
        )

    better, gains = 0, []
    for seed in range(20):
        bred = max(i.fitness for i in run(60, worth, seed, crossover=crossover).individuals)
        rng = np.random.default_rng(1_000 + seed)
        drawn = max(worth(SPACE.sample(rng)) for dummy in range(60))
        better += bred > drawn
        gains.append(bred - drawn)
    assert better >= 14
    assert np.mean(gains) > 0.015
