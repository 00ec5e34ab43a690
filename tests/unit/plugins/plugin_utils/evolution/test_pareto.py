# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pareto set, against comparing each with each."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.pareto import pareto_set


def by_comparing(values: np.ndarray, signs: list[int]) -> list[bool]:
    worth = values * np.array(signs)
    return [not any((other >= one).all() and (other > one).any() for other in worth) for one in worth]


@pytest.mark.parametrize("goals", [1, 2, 3, 4])
@pytest.mark.parametrize("levels", [3, 1000])
def test_it_is_what_comparing_each_with_each_gives(goals: int, levels: int) -> None:
    rng = np.random.default_rng(goals + levels)
    for dummy in range(40):
        # Few levels make for many ties and equal rows.
        values = rng.integers(0, levels, size=(int(rng.integers(1, 40)), goals)).astype(float)
        signs = [int(sign) for sign in rng.choice([-1, 1], goals)]
        assert pareto_set(values, signs).tolist() == by_comparing(values, signs)


def test_equal_points_stand_or_fall_together() -> None:
    assert pareto_set([[1, 2], [1, 2], [2, 1], [0, 2], [2, 1]], [1, 1]).tolist() == [True, True, True, False, True]


def test_directions_count() -> None:
    points = [[10.0, 5.0], [20.0, 5.0], [20.0, 4.0]]
    assert pareto_set(points, [1, -1]).tolist() == [False, False, True]
    assert pareto_set(points, [-1, 1]).tolist() == [True, False, False]


def test_a_difference_too_small_for_a_sum_still_counts() -> None:
    assert pareto_set([[1e16, 1.0], [1e16, 1.0 + 1e-12]], [1, 1]).tolist() == [False, True]


def test_nothing_has_an_empty_set() -> None:
    assert pareto_set(np.empty((0, 2)), [1, 1]).tolist() == []


@pytest.mark.parametrize("values", [[[1.0, float("nan")]], [[1.0, float("inf")]], [[1.0]], [1.0, 2.0]])
def test_what_cannot_be_compared_is_refused(values: list[object]) -> None:
    with pytest.raises(ValueError, match=r"expected a table|finite"):
        pareto_set(values, [1, 1])


def test_ten_thousand_points_take_no_time_to_speak_of() -> None:
    values = np.random.default_rng(1).normal(size=(10_000, 3))
    began = time.process_time()
    assert 0 < pareto_set(values, [1, -1, 1]).sum() < 1000
    assert time.process_time() - began < 2.0
