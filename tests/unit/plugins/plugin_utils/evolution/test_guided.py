# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guided algorithm: what it proposes, when it measures again, and what it recommends."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.guided import Guided
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.knowledge import milestone
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.options import OptionsError
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.evolution.random_spaces import (
    assert_valid,
    search_spaces,
)

PARAMETERS = {
    "vm.vcpus": {"type": "int", "range": [1, 8]},
    "vm.memory_mib": {"type": "int", "range": [512, 8192], "step": 256, "scale": "log"},
    "vm.disk.cache": {"type": "choice", "values": ["none", "writeback", "writethrough"]},
    "vm.disk.iothread": {"type": "bool"},
    "app.buffers_mib": {"type": "int", "range": [32, 4096], "scale": "log", "special": [-1]},
    "app.level": {"type": "float", "range": [0, 1], "when": "vm.disk.iothread"},
}
CONSTRAINTS = ["app.buffers_mib <= 0.5 * vm.memory_mib", "vm.vcpus * 512 <= vm.memory_mib"]
SPACE = SearchSpace.from_mapping(PARAMETERS, CONSTRAINTS)
PLANE = SearchSpace.from_mapping({name: {"type": "float", "range": [0, 1]} for name in ("x", "y")})


def worth(values):
    """A made-up system: more CPUs, the right cache, and as much buffer as a quarter of the memory."""
    buffers = values["app.buffers_mib"] if values["app.buffers_mib"] > 0 else 0.1 * values["vm.memory_mib"]
    gain = 0.4 * math.log(values["vm.vcpus"]) + (0.3 if values["vm.disk.cache"] == "writeback" else 0.0)
    return gain - 0.2 * abs(math.log(buffers / values["vm.memory_mib"] / 0.25))


def tell(evolution, candidate, noise=0.03, slot=None):
    """A reading with made-up noise, the same each time it is told; some configurations break the machine."""
    if candidate.values["vm.disk.cache"] == "writethrough" and candidate.values["vm.vcpus"] > 6:
        evolution.tell(candidate, None, failure="configuration", slot=slot)
    else:
        chance = random.Random(candidate.number)
        evolution.tell(candidate, worth(candidate.values) + chance.gauss(0.0, noise), slot=slot)


def searched(trials, seed=1, batch=1, **options):
    evolution = Evolution(SPACE, seed=seed, **options)
    while len(evolution.individuals) < trials:
        for candidate in evolution.ask(min(batch, trials - len(evolution.individuals))):
            tell(evolution, candidate)
    return evolution


def key_of(candidate, space=SPACE):
    return space.key(candidate.values)


def hill(values):
    return -4.0 * ((values["x"] - 0.7) ** 2 + (values["y"] - 0.3) ** 2)


# -- what it proposes --------------------------------------------------------------------------------------------------


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(search_spaces(), st.integers(0, 2**32), st.integers(1, 5))
def test_every_candidate_of_a_random_study_is_valid_and_new_or_said_to_be_repeated(spaces, seed, batch):
    space, specifications = spaces
    evolution = Evolution(space, seed=seed, population=3)
    chance = random.Random(seed)
    keys = set()
    for dummy in range(4):
        for candidate in evolution.ask(batch):
            assert_valid(space, specifications, candidate.values)
            assert (space.key(candidate.values) in keys) == (candidate.repeat_of is not None)
            keys.add(space.key(candidate.values))
            if chance.random() < 0.8:
                evolution.tell(candidate, chance.random() if chance.random() < 0.8 else None)


def test_it_finds_a_good_configuration_within_forty_trials():
    best = max(worth(SPACE.sample(np.random.default_rng(number))) for number in range(3000))
    for seed in (1, 2, 3):
        assert worth(searched(40, seed).recommend().values) > best - 0.15


def test_it_beats_the_textbook_on_the_same_number_of_trials():
    def regrets(algorithm):
        return [worth(searched(35, seed, algorithm=algorithm).recommend().values) for seed in range(1, 6)]

    assert np.mean(regrets("guided")) > np.mean(regrets("textbook")) + 0.02


def test_a_batch_is_diverse():
    evolution = searched(20)
    batch = evolution.ask(8)
    fresh = [candidate for candidate in batch if candidate.repeat_of is None]
    assert len({key_of(candidate) for candidate in fresh}) == len(fresh)
    assert len(fresh) >= 4


def test_founders_open_the_search_and_are_made_valid():
    founder = {**SPACE.sample(np.random.default_rng(5)), "vm.vcpus": 99}
    evolution = Evolution(SPACE, seed=1, founders=[founder])
    candidates = evolution.ask(3)
    assert candidates[1].values["vm.vcpus"] <= 8
    assert all(SPACE.faults(candidate.values) == [] for candidate in candidates[1:])


def test_what_fails_is_avoided():
    evolution = Evolution(PLANE, seed=3)
    failed = []
    for dummy in range(40):
        candidate = evolution.ask()[0]
        if candidate.values["x"] > 0.5:  # where the hill is highest
            evolution.tell(candidate, None, failure="configuration")
            failed.append(candidate.number)
        else:
            evolution.tell(candidate, hill(candidate.values))
    assert sum(number >= 20 for number in failed) <= 8
    assert evolution.recommend().values["x"] <= 0.5


def test_a_space_that_is_used_up_is_measured_again_from_the_best():
    space = SearchSpace.from_mapping({"a": {"type": "bool"}, "b": {"type": "bool"}})
    evolution = Evolution(space, seed=1)
    for dummy in range(12):
        candidate = evolution.ask()[0]
        evolution.tell(candidate, candidate.values["a"] + 0.01 * random.Random(candidate.number).gauss(0, 1))
    repeats = [i.candidate for i in evolution.individuals if i.candidate.repeat_of is not None]
    assert len(repeats) == 8
    assert sum(candidate.values["a"] for candidate in repeats) > 4


def test_where_everything_fails_it_goes_on_trying():
    evolution = Evolution(PLANE, seed=1)
    for dummy in range(20):
        evolution.tell(evolution.ask()[0], None, failure="configuration")
    assert len({PLANE.key(i.candidate.values) for i in evolution.individuals}) == 20
    assert evolution.recommend() is None


# -- the same again ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [1, 7, 15, 25, 150])
def test_rebuilt_from_its_history_it_continues_identically(at):
    original = searched(at)
    rebuilt = Evolution(SPACE, seed=1)
    history = original.individuals
    random.Random(1).shuffle(history)
    for individual in history:
        rebuilt.restore(individual.candidate)
        tell(rebuilt, individual.candidate)
    for dummy in range(3):
        first, second = original.ask()[0], rebuilt.ask()[0]
        assert first == second
        for evolution in (original, rebuilt):
            tell(evolution, first)
    assert original.recommend() == rebuilt.recommend()


def test_asking_for_a_batch_is_asking_one_by_one():
    at_once, one_by_one = searched(15), searched(15)
    assert at_once.ask(4) == [one_by_one.ask()[0] for dummy in range(4)]


# -- noise -------------------------------------------------------------------------------------------------------------


def test_without_noise_nothing_is_measured_again_early():
    evolution = Evolution(PLANE, seed=1)
    for dummy in range(20):
        candidate = evolution.ask()[0]
        evolution.tell(candidate, hill(candidate.values))
    assert sum(i.candidate.repeat_of is not None for i in evolution.individuals) <= 2


def test_with_noise_only_what_may_be_the_best_is_measured_again():
    evolution = Evolution(PLANE, seed=1)
    noise = random.Random(1)
    for dummy in range(60):
        candidate = evolution.ask()[0]
        evolution.tell(candidate, hill(candidate.values) + noise.gauss(0, 0.1))
    repeated = [i.candidate for i in evolution.individuals if i.candidate.repeat_of is not None]
    assert repeated
    median = np.median([hill(i.candidate.values) for i in evolution.individuals])
    assert sum(hill(candidate.values) > median for candidate in repeated) > 0.8 * len(repeated)


def test_a_repeat_goes_to_a_slot_that_has_not_measured_it():
    space = SearchSpace.from_mapping({"a": {"type": "bool"}, "b": {"type": "bool"}})
    evolution = Evolution(space, seed=1, population=4)
    for candidate in evolution.ask(4):
        evolution.tell(candidate, 0.01 * candidate.number, slot=f"slot-{candidate.number}")
    for number in range(4):
        repeat = evolution.ask(slot=f"slot-{number}")[0]
        assert repeat.repeat_of != number


@pytest.mark.parametrize(("told", "expected"), [(True, 9), (False, 8)])
def test_slot_effects_are_removed(told, expected):
    space = SearchSpace.from_mapping({"scheduler": {"type": "choice", "values": [str(n) for n in range(10)]}})
    evolution, noise = Evolution(space, seed=1), random.Random(1)
    for number in range(10):
        candidate = Candidate(number, {"scheduler": str(number)}, "initial")
        evolution.restore(candidate)
        # Odd ones ran on the slow slot, the first four on both; 9 is the best of all.
        for slow in (0, 1) if number < 4 else (number % 2,):
            reading = 0.05 * number - 0.3 * slow + noise.gauss(0, 0.01)
            evolution.tell(candidate, reading, slot=f"slot-{slow}" if told else None)
    assert evolution.recommend().number == expected


def test_an_unstable_configuration_is_not_recommended_though_its_mean_is_the_best():
    evolution = Evolution(PLANE, seed=1)
    readings = {0: [0.0, 0.01, -0.01], 1: [0.9, 0.1, 0.8, 0.2], 2: [0.2, 0.21, 0.19], 3: [0.1, 0.11]}
    for number, values in readings.items():
        candidate = Candidate(number, {"x": 0.2 * number, "y": 0.9 - 0.2 * number}, "initial")
        evolution.restore(candidate)
        for value in values:
            evolution.tell(candidate, value)
    assert evolution.recommend().number == 2


def test_limits_are_judged_on_all_readings_together():
    evolution = Evolution(PLANE, seed=1)
    for number, violation in enumerate([0.0, 0.2]):
        candidate = Candidate(number, {"x": 0.2 * number, "y": 0.5}, "initial")
        evolution.restore(candidate)
        evolution.tell(candidate, float(number), violation=violation)
    assert evolution.recommend().number == 0


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e5])
def test_the_unit_of_fitness_does_not_matter(unit):
    evolution = Evolution(PLANE, seed=1)
    for dummy in range(25):
        candidate = evolution.ask()[0]
        evolution.tell(candidate, unit * hill(candidate.values))
    assert hill(evolution.recommend().values) > -0.05


# -- what is to come, and options --------------------------------------------------------------------------------------


def test_expected_improvement_is_told_after_the_initial_population_and_shrinks():
    evolution = Evolution(PLANE, seed=1)
    assert evolution.expected_improvement() is None
    found = []
    for dummy in range(30):
        candidate = evolution.ask()[0]
        evolution.tell(candidate, hill(candidate.values))
        found.append(evolution.expected_improvement())
    assert found[1] is None
    assert 0.0 <= found[-1] < 0.02
    assert found[-1] < max(value for value in found if value is not None)


def test_options_are_checked_all_at_once():
    with pytest.raises(OptionsError) as refused:
        Guided.check({"population": 1, "surrogate": "gpp", "elites": 2})
    assert [fault.where for fault in refused.value.faults] == ["population", "surrogate", "elites"]
    assert "Did you mean gp?" in str(refused.value)


@pytest.mark.parametrize("surrogate", [["gp"], {"gp": 1}, None, 3])
def test_a_surrogate_that_is_no_name_is_a_fault(surrogate):
    with pytest.raises(OptionsError, match="expected one of"):
        Guided.check({"surrogate": surrogate})


def test_hyperparameters_are_fitted_at_milestones_that_grow_apart():
    assert [milestone(told) for told in (0, 127)] == [None, None]
    assert [milestone(told) for told in (128, 135, 136, 255, 256, 271, 1000)] == [128, 128, 136, 248, 256, 256, 992]
