# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offspring in large numbers: valid, different, and guided."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.offspring import Guidance, breed
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.operators import Child
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.evolution.random_spaces import (
    assert_valid,
    search_spaces,
)

NAMES = [f"p{number}" for number in range(4)]
SPACE = SearchSpace.from_mapping({name: {"type": "float", "range": [0, 1]} for name in NAMES})
CENTRE = Child(dict.fromkeys(NAMES, 0.5), "initial", (3,))


def children(space=SPACE, parents=(CENTRE,), immigrants=False, **guidance):
    even = np.full(len(space.parameters), 0.25)
    settings = {"importance": even, "reach": np.ones(4), **guidance}
    return breed(space, parents, Guidance(**settings), 400, np.random.default_rng(1), immigrants=immigrants)


def moved(found):
    """How far each gene of each child is from the centre (n, P)."""
    return np.array([[abs(child.values[name] - 0.5) for name in NAMES] for child in found])


def test_children_are_valid_different_and_know_their_parents():
    space = SearchSpace.from_mapping(
        {"a": {"type": "int", "range": [1, 9]}, "b": {"type": "int", "range": [1, 9]}}, ["a + b <= 10"]
    )
    parents = [Child({"a": 1, "b": 2}, "initial", (1,)), Child({"a": 5, "b": 5}, "initial", (2,))]
    guidance = Guidance(np.array([0.5, 0.5]), np.ones(2))
    found = breed(space, parents, guidance, 300, np.random.default_rng(1), immigrants=True)
    assert all(space.faults(child.values) == [] for child in found)
    assert len({space.key(child.values) for child in found}) == len(found)
    assert {child.origin for child in found} == {"initial", "crossover", "mutation"}
    assert all(child.parents for child in found if child.origin != "initial")
    assert all(len(child.parents) == 2 for child in found if child.origin == "crossover")


@settings(
    max_examples=2000,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(search_spaces(), st.integers(0, 2**32))
def test_children_are_valid_in_any_space(spaces, seed):
    space, specifications = spaces
    rng = np.random.default_rng(seed)
    parents = [Child(space.sample(rng), "initial", (number,)) for number in range(3)]
    count = len(space.parameters)
    guidance = Guidance(np.full(count, 1.0 / count), rng.random(count), float(rng.uniform(0.05, 1.0)))
    for child in breed(space, parents, guidance, 6, rng, immigrants=True):
        assert_valid(space, specifications, child.values)


def test_what_matters_mutates_more_often():
    changed = moved(children(importance=np.array([0.97, 0.01, 0.01, 0.01]))) > 0
    assert changed[:, 0].mean() > 1.5 * changed[:, 1:].mean(axis=0).max()
    assert changed[:, 1:].mean(axis=0).min() > 0.1


def test_a_short_reach_makes_small_steps():
    steps = moved(children(reach=np.array([0.1, 1.0, 1.0, 1.0])))
    near, far = steps[:, 0][steps[:, 0] > 0], steps[:, 1][steps[:, 1] > 0]
    assert np.median(near) < 0.5 * np.median(far)


def test_the_trust_region_holds_all_steps_small():
    wide, narrow = (moved(children(radius=radius)) for radius in (1.0, 0.05))
    assert np.median(narrow[narrow > 0]) < 0.05 < np.median(wide[wide > 0])


def test_immigrants_come_from_anywhere():
    found = children(immigrants=True, radius=0.01)
    drawn = [child for child in found if child.origin == "initial"]
    assert 0.3 < len(drawn) / len(found) < 0.7
    assert moved(drawn).mean() > 0.2
