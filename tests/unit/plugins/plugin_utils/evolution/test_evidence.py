# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence: readings by configuration, their noise, the effects of slots, and the scale they are seen on."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evidence import (
    Evidence,
    gather,
    level,
    noise_of,
    slot_effects,
    unstable,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate, Individual
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.scale import Scale


def evidence(number, *readings, slots=None):
    return Evidence((number,), Candidate(number, {}, "initial"), list(readings), list(slots or [None] * len(readings)))


def test_repeats_are_gathered_into_one():
    individuals = [
        Individual(Candidate(0, {}, "baseline"), [0.1], [0.0], None, ["a"]),
        Individual(Candidate(1, {}, "initial"), [0.5], [0.2], None, ["b"]),
        Individual(Candidate(2, {}, "repeat", repeat_of=0), [0.3], [0.0], None, ["b"]),
        Individual(Candidate(3, {}, "repeat", repeat_of=1)),
    ]
    first, second = gather(individuals, {0: ("x",), 1: ("y",), 2: ("x",), 3: ("y",)})
    assert (first.readings, first.slots, first.pending) == ([0.1, 0.3], ["a", "b"], 0)
    assert first.feasible
    assert (second.violation, second.pending, second.feasible) == (0.2, 1, False)


def test_slot_effects_follow_from_configurations_on_several_slots():
    noise = random.Random(1)
    found = [
        evidence(n, *(0.1 * n + effect + noise.gauss(0, 0.01) for effect in (0.0, -0.3)), slots=["fast", "slow"])
        for n in range(6)
    ]
    effects = slot_effects(found)
    assert effects["fast"] - effects["slow"] == pytest.approx(0.3, abs=0.03)
    for one in level(found):
        assert one.readings[0] == pytest.approx(one.readings[1], abs=0.08)


def test_slots_that_nothing_connects_are_left_as_they_are():
    found = [evidence(1, 0.0, slots=["a"]), evidence(2, -0.5, slots=["b"])]
    assert slot_effects(found) == {None: 0.0, "a": 0.0, "b": 0.0}
    assert [one.readings for one in level(found)] == [[0.0], [-0.5]]


def test_a_few_readings_shift_a_slot_by_less_than_they_say():
    effects = slot_effects([evidence(1, 0.0, -0.4, slots=["a", "b"])])
    assert 0.2 < effects["a"] - effects["b"] < 0.4


def test_noise_leans_on_what_is_usual_until_there_are_repeats():
    assert noise_of([evidence(1, 0.3)]) == pytest.approx(0.05)
    chance = random.Random(1)
    many = [evidence(n, *(chance.gauss(0, 0.2) for dummy in range(5))) for n in range(30)]
    assert noise_of(many) == pytest.approx(0.2, rel=0.15)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [((0.0,), False), ((0.0, 0.2), False), ((0.0, 0.5), True), ((0.0, math.log(1.29)), False)],
)
def test_more_than_thirty_per_cent_apart_is_unstable(readings, expected):
    quiet = [evidence(n, 0.0, 0.01) for n in range(1, 6)]
    assert unstable([evidence(0, *readings), *quiet])[0] is expected


def test_where_everything_is_noisy_nothing_is_unstable():
    chance = random.Random(2)
    noisy = [evidence(n, *(chance.gauss(0, 0.3) for dummy in range(3))) for n in range(20)]
    assert not any(unstable(noisy))


def test_the_scale_keeps_the_order_and_leads_back():
    readings = np.array([0.3, 0.1, 0.25, -4.0, 0.28, -0.5])
    scale = Scale.of(readings)
    targets = scale(readings)
    assert targets.mean() == pytest.approx(0.0, abs=1e-12)
    assert targets.std() == pytest.approx(1.0)
    assert (np.argsort(targets) == np.argsort(readings)).all()
    assert [scale.fitness(target) for target in targets] == pytest.approx(readings.tolist())
    assert scale.fitness(float(scale(np.array([0.5]))[0])) == pytest.approx(0.5)


def test_a_disaster_does_not_blur_the_differences_among_the_good():
    good = [0.30, 0.25, 0.28, 0.1, 0.2, 0.15]
    calm, shaken = Scale.of(np.array(good)), Scale.of(np.array([*good, -50.0]))

    def contrast(scale):
        return float(scale(np.array([0.3]))[0] - scale(np.array([0.25]))[0])

    assert contrast(shaken) > 0.2 * contrast(calm)


def test_equal_readings_have_a_scale_too():
    assert Scale.of(np.array([0.2, 0.2]))(np.array([0.2]))[0] == 0.0
