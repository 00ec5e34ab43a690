# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning from earlier studies: it helps where they are alike, and does no harm where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Earlier
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace

NAMES = [f"p{number}" for number in range(6)]
SPACE = SearchSpace.from_mapping({name: {"type": "float", "range": [0, 1]} for name in NAMES})


def worth(values, peak=0.7):
    return -sum(
        weight * (values.get(name, 0.5) - peak) ** 2 for weight, name in zip((4, 3, 2, 1, 0.5, 0.1), NAMES, strict=True)
    )


def earlier(truth, count=60, names=NAMES):
    rng = np.random.default_rng(9)
    drawn = [{name: value for name, value in SPACE.sample(rng).items() if name in names} for dummy in range(count)]
    return Earlier("before", tuple((values, float(truth(values) + 0.02 * rng.normal())) for values in drawn))


def found(lessons, trials=12):
    """Mean worth of what is recommended after some trials, over seeds."""
    results = []
    for seed in range(1, 6):
        evolution = Evolution(SPACE, seed=seed, earlier=lessons)
        noise = np.random.default_rng(seed)
        for dummy in range(trials):
            candidate = evolution.ask()[0]
            evolution.tell(candidate, worth(candidate.values) + 0.03 * noise.normal())
        results.append(worth(evolution.recommend().values))
    return float(np.mean(results))


def test_a_like_study_saves_trials():
    assert found([earlier(worth)]) > found([]) + 0.05


@pytest.mark.parametrize("other", ["opposite", "noise"])
def test_an_unlike_study_does_no_harm(other):
    random = np.random.default_rng(3)
    truths = {"opposite": lambda values: -worth(values), "noise": lambda values: float(random.normal())}
    assert found([earlier(truths[other])], trials=25) > found([], trials=25) - 0.05


def test_a_study_that_lacked_parameters_teaches_what_it_knows():
    assert found([earlier(worth, names=NAMES[:3])]) > found([]) + 0.02


def test_lessons_and_failures_go_together():
    evolution = Evolution(SPACE, seed=1, earlier=[earlier(worth)])
    for dummy in range(12):
        candidate = evolution.ask()[0]
        if candidate.values["p0"] > 0.8:
            evolution.tell(candidate, None, failure="configuration")
        else:
            evolution.tell(candidate, worth(candidate.values))
    assert any(individual.failure for individual in evolution.individuals)
    assert evolution.recommend().values["p0"] <= 0.8


def test_a_handful_of_trials_is_no_lesson():
    assert found([earlier(worth, count=4)]) == found([])
