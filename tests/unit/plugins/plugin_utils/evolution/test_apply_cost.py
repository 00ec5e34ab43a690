# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of two candidates that promise as much, the one that is cheaper to apply is tried."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.apply_cost import ApplyCost
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace

COSTS = {"cache": 30.0, "buffers": 3.0, "swappiness": 0.0}
PRESENT = {"cache": "none", "buffers": 128, "swappiness": 60}


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ({}, 0.0),
        ({"swappiness": 10}, 0.0),
        ({"buffers": 256}, 3.0),
        ({"cache": "writeback", "buffers": 256}, 30.0),
    ],
)
def test_the_costliest_change_decides_for_all_share_one_restart(changes, cost):
    assert ApplyCost(COSTS, PRESENT).of({**PRESENT, **changes}) == cost


def test_parameters_that_a_candidate_does_not_name_stay_as_they_are():
    assert ApplyCost(COSTS, PRESENT).of({"buffers": 128}) == 0.0


def test_a_parameter_the_machine_is_not_known_to_have_costs():
    assert ApplyCost(COSTS, {}).of({"buffers": 128}) == 3.0


def test_the_cheaper_of_two_as_promising_wins_and_a_better_one_wins_whatever_it_costs():
    cost = ApplyCost(COSTS, PRESENT)
    dear, cheap = {**PRESENT, "cache": "writeback"}, {**PRESENT, "buffers": 256}
    assert cost.cheapest(np.array([1.0, 0.97]), [dear, cheap]) == 1
    assert cost.cheapest(np.array([1.0, 0.90]), [dear, cheap]) == 0
    assert cost.cheapest(np.array([0.97, 1.0]), [cheap, cheap]) == 1


def test_what_promises_nothing_is_not_a_tie():
    assert ApplyCost(COSTS, PRESENT).cheapest(np.array([-1.0, -1.04]), [{"cache": "unsafe"}, PRESENT]) == 0


def test_where_the_machine_is_not_known_the_best_wins():
    assert ApplyCost(COSTS, None).cheapest(np.array([1.0, 0.99]), [{"cache": "unsafe"}, PRESENT]) == 0


def restarts(present_known):
    """A search on one slot in which a restart parameter hardly matters: how often it is changed from trial to trial."""
    space = SearchSpace.from_mapping(
        {
            "restart": {"type": "int", "range": [0, 9]},
            **{f"live{number}": {"type": "float", "range": [0, 1]} for number in range(3)},
        }
    )
    count, best = 0, -math.inf
    for seed in range(4):
        chance = random.Random(seed)
        evolution = Evolution(space, seed=seed, apply_costs={"restart": 30.0})
        present = None
        for dummy in range(30):
            candidate = evolution.ask(present=present if present_known else None)[0]
            count += present is not None and present["restart"] != candidate.values["restart"]
            present = candidate.values
            worth = -sum((candidate.values[f"live{number}"] - 0.6) ** 2 for number in range(3))
            evolution.tell(candidate, worth + chance.gauss(0.0, 0.02))
            best = max(best, worth)
    return count, best


def test_a_search_that_is_told_restarts_less_and_finds_as_much():
    (told, found), (untold, otherwise) = restarts(True), restarts(False)
    assert told < 0.8 * untold
    assert found > otherwise - 0.02
