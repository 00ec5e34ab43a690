# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fitness by numbers worked out by hand, and goals that are refused."""

from __future__ import annotations

import math

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import (
    Goals,
    GoalsError,
    MetricError,
    percent,
    typical,
)

THROUGHPUT = {"metric": "throughput", "direction": "maximize"}
LATENCY = {"metric": "latency_p95_ms", "direction": "minimize"}
ERRORS = {"metric": "errors", "direction": "minimize", "span": 20}
BASELINE = {"throughput": 1_000.0, "latency_p95_ms": 40.0, "errors": 0.0}


def score(goals, metrics, baseline=None):
    return Goals.from_list(goals).score(metrics, BASELINE if baseline is None else baseline)


@pytest.mark.parametrize(
    ("goals", "metrics", "fitness"),
    [
        ([THROUGHPUT], {"throughput": 1_000}, 0.0),
        ([THROUGHPUT], {"throughput": 1_100}, 0.0953101798),
        ([THROUGHPUT], {"throughput": 500}, -0.6931471806),
        ([LATENCY], {"latency_p95_ms": 20}, 0.6931471806),
        ([LATENCY], {"latency_p95_ms": 44}, -0.0953101798),
        # twice the throughput and half the latency are worth the same
        ([THROUGHPUT, LATENCY], {"throughput": 2_000, "latency_p95_ms": 80}, 0.0),
        # (3 * ln 1.1 + 2 * ln 2) / 5
        (
            [{**THROUGHPUT, "weight": 3}, {**LATENCY, "weight": 2}],
            {"throughput": 1_100, "latency_p95_ms": 20},
            0.3344449801,
        ),
        # weights count relative to each other only
        ([{**THROUGHPUT, "weight": 30}], {"throughput": 1_100}, 0.0953101798),
        # a weight of 0: reported, not scored
        ([THROUGHPUT, {**LATENCY, "weight": 0}], {"throughput": 1_100, "latency_p95_ms": 400}, 0.0953101798),
        ([THROUGHPUT, {**ERRORS, "span": None, "weight": 0}], {"throughput": 1_100, "errors": 7}, 0.0953101798),
        # a difference over a span, where the metric may be zero
        ([ERRORS], {"errors": 0}, 0.0),
        ([ERRORS], {"errors": 5}, -0.25),
        ([{**ERRORS, "direction": "maximize"}], {"errors": 5}, 0.25),
        ([THROUGHPUT, ERRORS], {"throughput": 1_100, "errors": 5}, -0.0773449101),
        ([{**THROUGHPUT, "span": 100}], {"throughput": 1_050}, 0.5),
    ],
)
def test_fitness(goals, metrics, fitness):
    assert score(goals, metrics).fitness == pytest.approx(fitness, abs=1e-9)


@pytest.mark.parametrize(
    ("goal", "value", "violation"),
    [
        ({**LATENCY, "limit": 50}, 50, 0.0),
        ({**LATENCY, "limit": 50}, 10, 0.0),
        ({**LATENCY, "limit": 50}, 60, 0.2),
        ({**THROUGHPUT, "limit": 800}, 800, 0.0),
        ({**THROUGHPUT, "limit": 800}, 900, 0.0),
        ({**THROUGHPUT, "limit": 800}, 600, 0.25),
        ({**ERRORS, "limit": 0}, 0, 0.0),
        ({**ERRORS, "limit": 0}, 5, 0.25),
        ({"metric": "errors", "direction": "maximize", "limit": -10, "span": 1}, -15, 0.5),
        (THROUGHPUT, 1, 0.0),
        # a limit counts even where the weight is 0
        ({**LATENCY, "limit": 50, "weight": 0}, 60, 0.2),
    ],
)
def test_violation_is_the_relative_excess_over_the_limit(goal, value, violation):
    other = {"metric": "other", "direction": "maximize"}
    found = score([goal, other], {goal["metric"]: value, "other": 1.0}, {**BASELINE, "other": 1.0})
    assert found.violation == pytest.approx(violation)


def test_violations_of_several_limits_add_up():
    goals = [{**LATENCY, "limit": 50}, {**THROUGHPUT, "limit": 800}]
    assert score(goals, {"latency_p95_ms": 60, "throughput": 600}).violation == pytest.approx(0.45)


@pytest.mark.parametrize(("value", "baseline"), [(0.0, 10.0), (10.0, 0.0), (-1.0, 10.0)])
def test_a_ratio_with_zero_is_refused_and_the_way_out_named(value, baseline):
    with pytest.raises(MetricError, match=r"throughput is .* \(baseline .*\).*Give the goal a 'span'"):
        score([THROUGHPUT], {"throughput": value}, {"throughput": baseline})


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "12"])
@pytest.mark.parametrize("goal", [THROUGHPUT, {**THROUGHPUT, "span": 10}])
def test_what_is_no_number_is_never_scored(goal, value):
    with pytest.raises(MetricError, match=r"throughput is .*expected an ordinary number"):
        score([goal], {"throughput": value})
    with pytest.raises(MetricError, match=r"throughput is .*expected an ordinary number"):
        score([goal], {"throughput": 1.0}, {"throughput": value})


def test_extreme_ratios_stay_finite():
    assert score([THROUGHPUT], {"throughput": 5e-324}, {"throughput": 1e308}).fitness == pytest.approx(-1453.6, abs=0.1)


def test_missing_metrics_are_all_named():
    goals = [THROUGHPUT, LATENCY, ERRORS]
    with pytest.raises(MetricError, match="not measured: latency_p95_ms, errors; measured were: cpu, throughput"):
        score(goals, {"throughput": 1.0, "cpu": 2.0})
    with pytest.raises(MetricError, match="not measured: errors"):
        score([ERRORS], {"errors": 1.0}, {})
    with pytest.raises(MetricError, match="measured were: none"):
        score([ERRORS], {})


# -- refused goals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goals", "message"),
    [
        (None, "evolve_goals: found None, expected a list such as [{metric: throughput, direction: maximize"),
        ([], "evolve_goals: found [], expected a list"),
        ({"metric": "a"}, "evolve_goals: found {'metric': 'a'}, expected a list"),
        (["throughput"], "evolve_goals[1]: found 'throughput', expected a mapping with metric and direction"),
        ([{"direction": "maximize"}], "evolve_goals[1].metric: found None, expected the name of a metric"),
        ([{**THROUGHPUT, "metric": 5}], "evolve_goals[1].metric: found 5, expected the name of a metric"),
        ([{**THROUGHPUT, "metric": "thruput"}], "unknown metric 'thruput'; this study measures: throughput, latency"),
        ([{**THROUGHPUT, "metric": "thruput"}], "Did you mean throughput?"),
        ([{"metric": "throughput"}], "evolve_goals[1].direction: found None, expected maximize, minimize."),
        ([{**THROUGHPUT, "direction": "maximise"}], "found 'maximise', expected maximize, minimize. Did you mean maxi"),
        ([{**THROUGHPUT, "weight": -1}], "evolve_goals[1].weight: found -1, expected a number of 0 or more"),
        ([{**THROUGHPUT, "weight": "3"}], "evolve_goals[1].weight: found '3'"),
        ([{**THROUGHPUT, "weight": True}], "evolve_goals[1].weight: found True"),
        ([{**THROUGHPUT, "weight": math.nan}], "evolve_goals[1].weight: found nan"),
        ([{**THROUGHPUT, "weight": 10**400}], "evolve_goals[1].weight: found 1000"),
        ([{**THROUGHPUT, "limit": "50ms"}], "evolve_goals[1].limit: found '50ms', expected a number"),
        ([{**THROUGHPUT, "span": 0}], "evolve_goals[1].span: found 0, expected a number above 0"),
        ([{**THROUGHPUT, "span": math.inf}], "evolve_goals[1].span: found inf"),
        ([{**THROUGHPUT, "wieght": 1}], "evolve_goals[1].wieght: unknown key; accepted: metric, direction, weight"),
        ([{**THROUGHPUT, "wieght": 1}], "Did you mean weight?"),
        ([{**THROUGHPUT, "weight": 0}, {**LATENCY, "weight": 0}], "evolve_goals: all weights are 0"),
        ([THROUGHPUT, LATENCY, THROUGHPUT], "evolve_goals: throughput is stated more than once"),
    ],
)
def test_a_fault_is_told_with_its_key(goals, message):
    with pytest.raises(GoalsError) as caught:
        Goals.from_list(goals, ["throughput", "latency_p95_ms", "errors"])
    assert len(caught.value.faults) == 1
    assert message in str(caught.value)


def test_every_fault_of_all_goals_is_told_at_once():
    goals = [{"metric": "a", "weigth": 1, "weight": -1}, 5, {**THROUGHPUT, "limit": "x", "span": -1}, {}]
    with pytest.raises(GoalsError) as caught:
        Goals.from_list(goals, ["a"])
    assert [fault.where for fault in caught.value.faults] == [
        "evolve_goals[1].weigth",
        "evolve_goals[1].direction",
        "evolve_goals[1].weight",
        "evolve_goals[2]",
        "evolve_goals[3].metric",
        "evolve_goals[3].limit",
        "evolve_goals[3].span",
        "evolve_goals[4].metric",
        "evolve_goals[4].direction",
    ]


def test_any_metric_is_accepted_where_none_are_named():
    assert Goals.from_list([{"metric": "whatever", "direction": "minimize"}]).metrics == ["whatever"]


def test_metrics_keep_the_users_order():
    assert Goals.from_list([LATENCY, THROUGHPUT]).metrics == ["latency_p95_ms", "throughput"]


# -- summaries ---------------------------------------------------------------------------------------------------------


def test_typical_is_the_geometric_mean_so_that_ratios_to_it_cancel():
    readings = [{"a": 1.0, "b": 0.0}, {"a": 4.0, "b": 3.0}, {"a": 16.0, "b": 6.0}]
    assert typical(readings) == {"a": pytest.approx(4.0), "b": 3.0}
    assert typical([]) == {}
    goals = Goals.from_list([{"metric": "a", "direction": "maximize"}])
    fitness = [goals.score(reading, typical(readings)).fitness for reading in readings]
    assert sum(fitness) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("log_ratio", "shown"), [(0.0, 0.0), (0.1, 10.517), (-0.6931471806, -50.0), (-1e9, -100.0), (1e9, math.inf)]
)
def test_percent(log_ratio, shown):
    assert percent(log_ratio) == pytest.approx(shown, abs=1e-3)
