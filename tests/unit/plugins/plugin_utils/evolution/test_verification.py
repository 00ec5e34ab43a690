# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification: the interval against a reference, what it claims in simulation, and the order of runs."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.verification import (
    Interval,
    block_order,
    interval,
    pairs_of,
    verdict,
)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("count", [2, 3, 8, 40])
def test_interval_is_the_t_interval(count, confidence):
    differences = list(np.random.default_rng(count).normal(0.04, 0.03, count))
    found = interval(differences, confidence)
    reference = stats.ttest_1samp(differences, 0.0).confidence_interval(confidence)
    assert found.estimate == pytest.approx(np.mean(differences))
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))
    assert found.pairs == count
    assert all(type(value) in (float,) for value in (found.estimate, found.low, found.high))


def test_interval_worked_out_by_hand():
    # mean 0.02, standard deviation 0.01, t(2; 0.975) = 4.3027: 0.02 -+ 4.3027 * 0.01 / sqrt(3)
    found = interval([0.01, 0.02, 0.03])
    assert (found.low, found.high) == pytest.approx((-0.004841, 0.044841), abs=1e-6)


def test_no_interval_from_fewer_than_two_pairs():
    assert interval([]) is None
    assert interval([0.5]) is None


def test_differences_without_any_spread_give_a_point_but_no_error():
    found = interval([0.1, 0.1, 0.1])
    assert found.low == pytest.approx(0.1)
    assert found.low < found.high
    assert verdict(interval([0.0, 0.0])) == "equivalent"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.001, 0.1, "better"),
        (-0.1, -0.001, "worse"),
        (-0.1, 0.1, "inconclusive"),
        (-0.019, 0.019, "equivalent"),
        (-0.021, 0.01, "inconclusive"),
        (-0.01, 0.021, "inconclusive"),
        (0.0, 0.1, "inconclusive"),
        (0.001, 0.01, "better"),
    ],
)
def test_verdict(low, high, expected):
    assert verdict(Interval((low + high) / 2, low, high, 8)) == expected


def test_no_interval_is_inconclusive():
    assert verdict(None) == "inconclusive"


def test_a_wider_equivalence_makes_more_equivalent():
    assert verdict(Interval(0.0, -0.03, 0.03, 8), equivalence=0.05) == "equivalent"


def test_an_interval_is_shown_as_signed_per_cent():
    assert str(Interval(math.log(1.123), math.log(0.99), math.log(1.25), 8)) == "+12.3 % [-1.0 %, +25.0 %]"


# -- order of runs -----------------------------------------------------------------------------------------------------


def test_block_orders_are_seeded_and_balanced():
    orders = [block_order(seed, block) for seed in range(100) for block in range(20)]
    assert orders == [block_order(seed, block) for seed in range(100) for block in range(20)]
    counts = Counter(orders)
    assert set(counts) == {"ABBA", "BAAB"}
    assert counts["ABBA"] == pytest.approx(1_000, abs=100)
    assert len({tuple(orders[at : at + 20]) for at in range(0, 2_000, 20)}) > 95


@pytest.mark.parametrize(
    ("order", "readings", "pairs"),
    [
        ("ABBA", [1.0, 3.0, 7.0, 4.0], [2.0, 3.0]),
        ("BAAB", [3.0, 1.0, 4.0, 7.0], [2.0, 3.0]),
    ],
)
def test_pairs_are_winner_minus_baseline_whatever_the_order(order, readings, pairs):
    assert pairs_of(order, readings) == pairs


def test_a_steady_drift_cancels_within_a_block():
    for order in ("ABBA", "BAAB"):
        assert sum(pairs_of(order, [0.0, 0.1, 0.2, 0.3])) == pytest.approx(0.0)


def test_a_block_with_a_missing_run_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        pairs_of("ABBA", [1.0, 2.0, 3.0])


# -- what the procedure claims -----------------------------------------------------------------------------------------

BLOCKS = 4


def verdicts(studies, effect, noise=0.03, drift=0.0, seed=1):
    """The verdicts of simulated studies of 8 pairs; `effect` in log units, `drift` in log units a run."""
    rng = np.random.default_rng(seed)
    found = Counter()
    for study in range(studies):
        runs = rng.normal(0.0, noise, 4 * BLOCKS) + drift * np.arange(4 * BLOCKS)
        differences = []
        for block in range(BLOCKS):
            order = block_order(study, block)
            readings = runs[4 * block : 4 * block + 4] + [effect if arm == "B" else 0.0 for arm in order]
            differences += pairs_of(order, list(readings))
        found[verdict(interval(differences))] += 1
    return {word: count / studies for word, count in found.items()}


@pytest.mark.parametrize("drift", [0.0, 0.005, 0.02, -0.02])
def test_a_baseline_is_hardly_ever_better_or_worse_than_itself(drift):
    found = verdicts(2_000, effect=0.0, drift=drift)
    assert found["better"] <= 0.035
    assert found["worse"] <= 0.035
    assert found["better"] + found["worse"] >= 0.01  # neither is the interval so wide that it never says anything


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    for confidence in (0.8, 0.95):
        found = [interval(list(rng.normal(0.05, 0.04, 8)), confidence) for dummy in range(3_000)]
        assert np.mean([i.low <= 0.05 <= i.high for i in found]) == pytest.approx(confidence, abs=0.02)


@pytest.mark.parametrize(
    ("effect", "drift", "least"), [(0.05, 0.0, 0.75), (0.05, 0.005, 0.7), (0.08, 0.0, 0.97), (0.08, 0.02, 0.9)]
)
def test_a_real_improvement_is_found(effect, drift, least):
    found = verdicts(500, effect, drift=drift)
    assert found["better"] >= least
    assert "worse" not in found


def test_a_real_loss_is_found():
    assert verdicts(300, effect=-0.08)["worse"] >= 0.97


def test_equals_measured_precisely_are_equivalent():
    assert verdicts(300, effect=0.0, noise=0.01)["equivalent"] >= 0.75
