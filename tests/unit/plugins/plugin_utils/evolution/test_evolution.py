# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as its users see it: ask, tell, restore, recommend."""

from __future__ import annotations

import math
import random
import statistics
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.evolution.random_spaces import (
    assert_valid,
    search_spaces,
)


def textbook(space, seed=1, **options):
    return Evolution(space, seed=seed, **{"algorithm": "textbook", **options})


thorough = settings(
    max_examples=400,
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
    "app.buffers_mib": {"type": "int", "range": [32, 4096], "scale": "log", "special": [-1]},
    "app.level": {"type": "float", "range": [0, 1], "when": "vm.disk.iothread"},
}
CONSTRAINTS = ["app.buffers_mib <= 0.5 * vm.memory_mib", "vm.vcpus * 512 <= vm.memory_mib"]
SPACE = SearchSpace.from_mapping(PARAMETERS, CONSTRAINTS)
BASELINE = {
    "vm.vcpus": 1,
    "vm.memory_mib": 1024,
    "vm.disk.cache": "none",
    "vm.disk.iothread": False,
    "app.buffers_mib": 128,
}


def worth(values):
    return values["vm.vcpus"] / 8 + (0.5 if values["vm.disk.cache"] == "writeback" else 0.0)


def key_of(candidate, space=SPACE):
    return space.key(candidate.values)


def tell(evolution, candidate):
    """A reading with made-up noise, failures and violations, the same each time it is told."""
    chance = random.Random(candidate.number)
    if candidate.number and chance.random() < 0.15:
        evolution.tell(candidate, None, failure="configuration")
    else:
        broken = chance.random() if chance.random() < 0.15 else 0.0
        evolution.tell(candidate, worth(candidate.values) + chance.gauss(0.0, 0.03), violation=broken)


def run(trials, seed=1, **options):
    evolution = textbook(SPACE, seed=seed, **options)
    for dummy in range(trials):
        tell(evolution, evolution.ask()[0])
    return evolution


# -- validity ----------------------------------------------------------------------------------------------------------


@thorough
@given(search_spaces(), st.integers(0, 2**32), st.sampled_from(["uniform", "one_point", "blend"]), st.integers(1, 4))
def test_every_candidate_of_a_random_study_is_valid_and_new(space_and_specifications, seed, crossover, batch):
    space, specifications = space_and_specifications
    evolution = textbook(space, seed=seed, population=4, elites=1, crossover=crossover)
    chance = random.Random(seed)
    keys = set()
    for dummy in range(4):
        for candidate in evolution.ask(batch):
            assert_valid(space, specifications, candidate.values)
            assert (space.key(candidate.values) in keys) == (candidate.origin == "repeat")
            keys.add(space.key(candidate.values))
            if chance.random() < 0.8:
                evolution.tell(candidate, chance.random() if chance.random() < 0.8 else None)


# -- the same again ----------------------------------------------------------------------------------------------------


def test_the_same_seed_and_history_give_the_same_candidates_and_another_seed_others():
    assert run(60).individuals == run(60).individuals
    others = {key_of(i.candidate) for i in run(60, seed=2).individuals}
    assert len(others & {key_of(i.candidate) for i in run(60).individuals}) < 10


def test_from_the_same_history_another_seed_breeds_other_children():
    history = run(20).individuals
    children = []
    for seed in range(10):
        evolution = textbook(SPACE, seed=seed)
        for individual in history:
            evolution.restore(individual.candidate)
            tell(evolution, individual.candidate)
        children.append(key_of(evolution.ask()[0]))
    assert len(set(children)) > 7


@pytest.mark.parametrize("at", [0, 1, 2, 9, 10, 11, 25, 40])
@pytest.mark.parametrize("shuffled", [False, True])
def test_rebuilt_from_its_history_it_continues_identically(at, shuffled):
    original = run(at, baseline=BASELINE)
    rebuilt = textbook(SPACE, seed=1, baseline=BASELINE)
    history = original.individuals
    if shuffled:
        random.Random(1).shuffle(history)
    for individual in history:
        rebuilt.restore(individual.candidate)
        for reading, violation in zip(individual.readings, individual.violations, strict=True):
            rebuilt.tell(individual.candidate, reading, violation=violation)
        if individual.failure:
            rebuilt.tell(individual.candidate, None, failure=individual.failure)
    for dummy in range(15):
        (expected,), (found,) = original.ask(), rebuilt.ask()
        assert found == expected
        tell(original, expected)
        tell(rebuilt, found)
    assert rebuilt.recommend() == original.recommend()


def test_an_engine_draws_on_no_global_random_state():
    np.random.seed(1)
    random.seed(1)
    first = [i.candidate for i in run(20).individuals]
    np.random.seed(2)
    random.seed(2)
    assert [i.candidate for i in run(20).individuals] == first


# -- what is handed out ------------------------------------------------------------------------------------------------


def test_numbers_count_up_and_no_configuration_comes_twice():
    evolution = run(150)
    assert [i.candidate.number for i in evolution.individuals] == list(range(150))
    assert len({key_of(i.candidate) for i in evolution.individuals}) == 150


SMALL = {
    "a": {"type": "int", "range": [1, 4]},
    "c": {"type": "choice", "values": ["x", "y"]},
    "f": {"type": "bool", "when": "c == 'x'"},
}


@pytest.mark.parametrize("batch", [1, 7])
def test_a_small_space_is_used_up_completely_and_then_the_best_is_repeated(batch):
    space = SearchSpace.from_mapping(SMALL, ["a != 3"])
    evolution = textbook(space, seed=1, population=4, elites=1)
    while len(evolution.individuals) < 9:
        for candidate in evolution.ask(min(batch, 9 - len(evolution.individuals))):
            assert candidate.repeat_of is None
            evolution.tell(candidate, -candidate.values["a"] + (0.5 if candidate.values["c"] == "y" else 0.0))
    assert len({key_of(i.candidate, space) for i in evolution.individuals}) == 9
    best = next(i.candidate for i in evolution.individuals if i.candidate.values == {"a": 1, "c": "y"})
    for repeat in evolution.ask(3):
        assert repeat.origin == "repeat"
        assert repeat.repeat_of == best.number
        assert repeat.parents == (best.number,)
        assert repeat.values == best.values
        evolution.tell(repeat, 9.0)
    assert evolution.ask()[0].repeat_of == best.number


def test_a_space_that_conditions_make_small_is_used_up_too():
    parameters = {"f": {"type": "bool"}, "n": {"type": "int", "range": [1, 5_000], "when": "f"}}
    space = SearchSpace.from_mapping(parameters, ["n > 4997"])
    evolution = textbook(space, seed=1, population=3, elites=1)
    found = [evolution.ask()[0] for dummy in range(5)]
    assert {key_of(c, space) for c in found[:4]} == {space.key({"f": False})} | {
        space.key({"f": True, "n": n}) for n in (4_998, 4_999, 5_000)
    }
    assert found[4].origin == "repeat"


@pytest.mark.parametrize("batch", [3, 20])
def test_batches_with_trials_still_running(batch):
    evolution = textbook(SPACE, seed=1)
    running = []
    for dummy in range(6):
        running += evolution.ask(batch)
        random.Random(len(running)).shuffle(running)
        for candidate in running[: batch // 2]:
            tell(evolution, candidate)
        del running[: batch // 2]
    handed_out = [i.candidate for i in evolution.individuals]
    assert len({key_of(c) for c in handed_out}) == len(handed_out) == 6 * batch
    assert all(SPACE.faults(c.values) == [] for c in handed_out)
    told = {i.candidate.number for i in evolution.individuals if i.readings}
    assert all(parent in told for c in handed_out for parent in c.parents)
    assert sum(bool(c.parents) for c in handed_out) > (batch - 10) * 3


def test_asked_for_everything_before_anything_is_told():
    candidates = textbook(SPACE, seed=1).ask(40)
    assert len({key_of(c) for c in candidates}) == 40
    assert all(SPACE.faults(c.values) == [] for c in candidates)
    assert {c.origin for c in candidates} == {"baseline", "initial"}


# -- the baseline ------------------------------------------------------------------------------------------------------


def test_the_given_baseline_comes_first():
    first = textbook(SPACE, seed=1, baseline={**BASELINE, "app.level": 0.5, "stranger": 1}).ask()[0]
    assert (first.number, first.origin, first.values) == (0, "baseline", BASELINE)


def test_without_one_it_is_the_defaults_made_valid():
    parameters = {name: {"type": "int", "range": [1, 8], "default": 8} for name in "ab"}
    assert textbook(SearchSpace.from_mapping(parameters)).ask()[0].values == {"a": 8, "b": 8}
    constrained = SearchSpace.from_mapping(parameters, ["a + b <= 9"])
    assert constrained.faults(textbook(constrained).ask()[0].values) == []


@pytest.mark.parametrize(
    "baseline",
    [
        {**BASELINE, "vm.vcpus": 64, "vm.memory_mib": 700, "app.buffers_mib": 3},
        {**BASELINE, "vm.vcpus": 8, "vm.memory_mib": 512, "app.buffers_mib": 4096},
        {**BASELINE, "vm.disk.cache": "directsync", "vm.vcpus": "many", "vm.disk.iothread": None},
        {"vm.vcpus": 2},
        {},
    ],
    ids=["outside the ranges", "breaks constraints", "other types", "not all known", "nothing known"],
)
@pytest.mark.parametrize("crossover", ["uniform", "one_point", "blend"])
def test_a_baseline_outside_the_space_is_measured_as_it_is_and_has_valid_children(baseline, crossover):
    evolution = textbook(SPACE, seed=3, baseline=baseline, population=4, crossover=crossover)
    first = evolution.ask()[0]
    assert first.values == baseline
    evolution.tell(first, 99.0)
    family = set()
    for dummy in range(40):
        candidate = evolution.ask()[0]
        assert SPACE.faults(candidate.values) == []
        evolution.tell(candidate, 0.1)
        family |= set(candidate.parents)
    assert 0 in family
    assert evolution.recommend().number == 0


# -- telling -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fitness", [math.nan, math.inf, -math.inf])
def test_only_finite_fitness_is_accepted(fitness):
    evolution = textbook(SPACE)
    candidate = evolution.ask()[0]
    with pytest.raises(ValueError, match="must be finite"):
        evolution.tell(candidate, fitness)
    assert evolution.recommend() is None


@pytest.mark.parametrize("violation", [-0.1, math.nan, math.inf])
def test_only_violations_of_zero_or_more_are_accepted(violation):
    evolution = textbook(SPACE)
    with pytest.raises(ValueError, match="must be finite"):
        evolution.tell(evolution.ask()[0], 0.1, violation=violation)


def test_a_candidate_of_another_engine_is_refused():
    with pytest.raises(ValueError, match="candidate 3 was not handed out by this engine"):
        textbook(SPACE).tell(run(4).individuals[3].candidate, 0.1)


def test_readings_add_up():
    evolution = textbook(SPACE)
    candidate = evolution.ask()[0]
    for reading in (0.1, 0.2, 0.3):
        evolution.tell(candidate, reading)
    assert evolution.individuals[0].fitness == pytest.approx(0.2)


def test_unknown_algorithms_and_negative_seeds_are_refused():
    with pytest.raises(ValueError, match="unknown algorithm 'magic'; there are: guided, textbook"):
        textbook(SPACE, algorithm="magic")
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0, found -1"):
        textbook(SPACE, seed=-1)


# -- recommending ------------------------------------------------------------------------------------------------------


def told(*histories, failures=()):
    """An engine whose candidates were told these readings; a number alone is one reading."""
    evolution = textbook(SPACE, seed=1, baseline=BASELINE)
    for number, readings in enumerate(histories):
        candidate = evolution.ask()[0]
        for reading in [readings] if isinstance(readings, float) else readings:
            evolution.tell(candidate, reading)
        if number in failures:
            evolution.tell(candidate, None, failure="configuration")
    return evolution


def test_nothing_is_recommended_before_anything_feasible_was_measured():
    evolution = textbook(SPACE)
    assert evolution.recommend() is None
    first, second = evolution.ask(2)
    assert evolution.recommend() is None
    evolution.tell(first, None, failure="configuration")
    evolution.tell(second, 5.0, violation=0.1)
    assert evolution.recommend() is None


def test_a_repeatedly_good_one_is_preferred_to_a_lucky_one():
    evolution = told([-0.1, 0.1, 0.0], [0.10, 0.25, 0.18, 0.22, 0.15], 0.21, -0.2, -0.1, 0.05, -0.15, 0.0)
    assert max(i.fitness for i in evolution.individuals) == evolution.individuals[2].fitness
    assert evolution.recommend().number == 1


def test_with_little_noise_the_best_reading_wins():
    evolution = told([0.0, 0.001, -0.001], [0.180, 0.181, 0.179], 0.21, -0.2, -0.1)
    assert evolution.recommend().number == 2


def test_the_estimate_is_shrunk_by_the_noise():
    noisy = told([-0.1, 0.1], 0.2, 0.0, -0.1, 0.1, -0.2)
    quiet = told([-0.001, 0.001], 0.2, 0.0, -0.1, 0.1, -0.2)
    assert 0.0 < noisy.recommend().estimate < quiet.recommend().estimate < 0.2
    assert quiet.recommend().estimate == pytest.approx(0.2, abs=0.005)
    assert noisy.recommend().number == quiet.recommend().number == 1


def test_the_recommended_one_is_better_than_the_best_reading_on_average():
    gains = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        truth = rng.normal(0.0, 0.05, 30)
        evolution = told(*[[float(t + rng.normal(0, 0.1)) for dummy in range(int(rng.choice([1, 6])))] for t in truth])
        luckiest = max(evolution.individuals, key=lambda individual: individual.fitness)
        gains.append(truth[evolution.recommend().number] - truth[luckiest.candidate.number])
    assert np.mean(gains) > 2 * np.std(gains) / math.sqrt(len(gains))


def test_noise_is_the_pooled_standard_deviation_of_repeats():
    # Sums of squares 0.02 + 0.0008 with 2 + 1 degrees of freedom; the assumed 5 % counts as two more.
    assert told([-0.1, 0.0, 0.1], 5.0, [0.28, 0.32]).noise == pytest.approx(math.sqrt((0.0208 + 2 * 0.05**2) / 5))
    assert told(0.0, 5.0).noise == pytest.approx(0.05)


def test_what_broke_a_machine_is_never_recommended():
    assert told([0.0, 0.0], [0.5, 0.6], 0.1, failures=[1]).recommend().number == 2


def test_repeats_of_a_configuration_count_as_evidence_for_one():
    space = SearchSpace.from_mapping({"f": {"type": "bool"}})
    evolution = textbook(space, seed=1, population=2, elites=1, baseline={"f": False})
    baseline, other = evolution.ask(2)
    evolution.tell(baseline, 0.0)
    evolution.tell(other, 0.3)
    for reading in (0.1, 0.2):
        repeat = evolution.ask()[0]
        assert repeat.repeat_of == other.number
        evolution.tell(repeat, reading)
    assert evolution.noise == pytest.approx(math.sqrt((0.02 + 2 * 0.05**2) / 4))
    assert evolution.recommend().number == other.number
    evolution.tell(evolution.ask()[0], None, failure="configuration")
    assert evolution.recommend().number == baseline.number


# -- size --------------------------------------------------------------------------------------------------------------

WIDE = {
    f"app.p{number}": [
        {"type": "int", "range": [1, 1_000], "scale": "log"},
        {"type": "float", "range": [0, 1]},
        {"type": "choice", "values": ["a", "b", "c"]},
        {"type": "bool"},
    ][number % 4]
    for number in range(20)
}


@pytest.mark.parametrize(("trials", "most_seconds"), [(200, 0.005), (2_000, 0.05)])
def test_asking_stays_fast_with_twenty_parameters(trials, most_seconds):
    constraints = ["app.p0 <= 5 * app.p4", "app.p1 + app.p5 <= 1.5", "app.p2 != 'a' or app.p3"]
    space = SearchSpace.from_mapping(WIDE, constraints)
    evolution = textbook(space, seed=1)
    rng = np.random.default_rng(1)
    for number in range(trials):
        candidate = Candidate(number, space.sample(rng), "initial", max(0, (number - 2) // 8))
        evolution.restore(candidate)
        evolution.tell(candidate, float(rng.normal()))
    seconds = []
    for dummy in range(30):
        start = time.process_time()
        candidate = evolution.ask()[0]
        seconds.append(time.process_time() - start)
        assert candidate.origin in ("crossover", "mutation")
        evolution.tell(candidate, float(rng.normal()))
    assert statistics.median(seconds) < most_seconds
