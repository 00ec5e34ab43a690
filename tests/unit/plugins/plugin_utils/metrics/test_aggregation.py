# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From raw points to one number."""

from __future__ import annotations

import random

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.aggregation import AGGREGATIONS, aggregate

POINTS = [(1000, 4.0), (2000, 1.0), (3000, 3.0), (4000, 2.0)]


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("mean", 2.5),
        ("minimum", 1.0),
        ("maximum", 4.0),
        ("median", 2.5),
        ("p50", 2.0),
        ("p90", 4.0),
        ("p95", 4.0),
        ("p99", 4.0),
        ("sum", 10.0),
        ("count", 4.0),
        ("first", 4.0),
        ("last", 2.0),
    ],
)
def test_of_gauges(aggregation: str, expected: float) -> None:
    assert aggregate(POINTS, aggregation) == expected


def test_a_counter_that_began_anew_is_counted_from_zero() -> None:
    counter = [(0, 100.0), (1000, 110.0), (2000, 4.0), (3000, 10.0)]

    assert aggregate(counter, "difference") == 20.0
    assert aggregate(counter, "rate_per_second") == pytest.approx(20.0 / 3)


def test_the_order_of_the_points_makes_no_difference_in_any_digit() -> None:
    draw = random.Random(1)
    points = [(at, draw.lognormvariate(0, 8)) for at in range(0, 500_000, 500)]
    mixed = list(points)
    draw.shuffle(mixed)

    assert {how: aggregate(mixed, how) for how in AGGREGATIONS} == {how: aggregate(points, how) for how in AGGREGATIONS}


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_of_nothing_there_is_no_number(aggregation: str) -> None:
    with pytest.raises(ValueError, match="no points"):
        aggregate([], aggregation)


@pytest.mark.parametrize("aggregation", ["difference", "rate_per_second"])
def test_one_point_has_no_rise(aggregation: str) -> None:
    with pytest.raises(ValueError, match="at least two"):
        aggregate([(0, 1.0)], aggregation)
