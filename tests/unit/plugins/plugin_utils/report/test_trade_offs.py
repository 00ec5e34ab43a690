# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several goals: what is not beaten, in words and in figures."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _view, render_html, render_text
from ansible_collections.evolve.vm.plugins.plugin_utils.report._trade_offs import TradeOff, trade_offs
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.report import summaries

OPERATIONS, LATENCY, COST = (goal["metric"] for goal in summaries.GOALS)


def figures(summary: dict[str, Any]) -> list[TradeOff]:
    return trade_offs(_view.read(summary))


def with_goals(count: int) -> dict[str, Any]:
    return summaries.study() | {"goals": summaries.GOALS[:count]}


def test_every_pair_of_three_goals_is_drawn() -> None:
    assert [(f.x_label, f.y_label) for f in figures(summaries.study())] == [
        (OPERATIONS, LATENCY),
        (OPERATIONS, COST),
        (LATENCY, COST),
    ]
    assert [(f.x_better, f.y_better) for f in figures(summaries.study())] == [
        ("right", "down"),
        ("right", "down"),
        ("left", "down"),
    ]


def test_two_goals_are_one_figure() -> None:
    assert len(figures(with_goals(2))) == 1


def test_of_many_goals_the_heaviest_three_are_drawn() -> None:
    summary = summaries.study()
    summary["goals"] = [{**summaries.GOALS[2], "metric": "light", "weight": 0.1}, *summaries.GOALS]
    for trial in summary["trials"]:
        trial["metrics"] = trial["metrics"] | {"light": 1.0}
    assert {name for f in figures(summary) for name in (f.x_label, f.y_label)} == {OPERATIONS, LATENCY, COST}


def test_a_goal_without_weight_is_no_goal() -> None:
    summary = summaries.study()
    summary["goals"] = [summaries.GOALS[0], summaries.GOALS[1], {**summaries.GOALS[2], "weight": 0}]
    assert len(figures(summary)) == 1


@pytest.mark.parametrize("case", [with_goals(1) | {"pareto": None}, summaries.no_trials(), summaries.all_failed()])
def test_nothing_is_shown_where_there_is_no_choice(case: dict[str, Any]) -> None:
    assert figures(case) == []
    assert "Trade-offs" not in render_html(case)
    assert "not beaten" not in render_text(case)


@pytest.mark.parametrize("trials", [3, 40, 1000])
def test_every_configuration_is_a_point_inside_the_figure(trials: int) -> None:
    summary = summaries.study(trials, failing=0.1)
    measured = [trial for trial in summary["trials"] if trial["status"] == "measured"]
    for figure in figures(summary):
        assert len(figure.points) == len(measured)
        assert sum(point.front for point in figure.points) == len(summary["pareto"]["trials"])
        assert all(figure.left <= point.x <= figure.right for point in figure.points)
        assert all(figure.top <= point.y <= figure.bottom for point in figure.points)


def test_a_repeat_is_no_point_of_its_own() -> None:
    summary = summaries.study(failing=0.0)
    before = len(figures(summary)[0].points)
    summary["trials"][20] |= {"origin": "repeat", "repeat_of": 3}
    assert len(figures(summary)[0].points) == before - 1


def test_the_edge_runs_through_what_no_other_beats_on_both_goals() -> None:
    figure = figures(summaries.study())[1]
    steps = re.findall(r"[MH]([-\d.]+)[ V]([-\d.]+)", figure.front)
    corners = [(float(x), float(y)) for x, y in steps]
    assert len(corners) > 2
    # Operations are better to the right, cost is better below: from the rightmost on, each further one lies lower.
    assert all(after[0] < before[0] and after[1] > before[1] for before, after in itertools.pairwise(corners))
    on_edge = {(point.x, point.y) for point in figure.points if point.front}
    assert set(corners) <= on_edge


def test_the_best_is_ringed() -> None:
    summary = summaries.study()
    best = next(trial for trial in summary["trials"] if trial["number"] == summary["best"]["trial"])
    ringed = figures(summary)[0].best
    assert ringed is not None
    assert ringed.title.startswith(f"Trial {best['number']}: ")


def test_a_disaster_does_not_press_the_rest_into_a_corner() -> None:
    summary = summaries.study(failing=0.0)
    summary["trials"][4]["metrics"] = {**summary["trials"][4]["metrics"], LATENCY: 1e6}
    figure = figures(summary)[0]
    heights = sorted(point.y for point in figure.points)
    assert heights[0] == figure.top
    assert heights[-1] - heights[2] > 0.5 * (figure.bottom - figure.top)


def test_all_configurations_alike_can_be_drawn() -> None:
    summary = summaries.study(4, failing=0.0)
    for trial in summary["trials"]:
        trial["metrics"] = dict.fromkeys(summaries.BASELINE_METRICS, 0.0)
    summary["pareto"]["trials"] = [trial["number"] for trial in summary["trials"]]
    assert len(figures(summary)) == 3


def test_the_page_lists_them_with_all_their_metrics() -> None:
    summary = summaries.study()
    page = render_html(summary)
    section = page[page.index(">Trade-offs</h2>") : page.index(">The search</h2>")]
    assert "7 configurations are not beaten" in section
    rows = re.findall(r'<tr><th scope="row" data-value="(\d+)">', section)
    assert [int(number) for number in rows] == summary["pareto"]["trials"]
    assert section.count("<svg") == 3


def test_a_long_list_says_that_there_are_more() -> None:
    summary = summaries.study(failing=0.0)
    summary["pareto"]["trials"] = [trial["number"] for trial in summary["trials"]]
    assert "The best 25 by fitness are listed" in render_html(summary)
    assert "41 configurations are not beaten on every goal by any other; by fitness, the" in render_text(summary)


def test_one_that_beats_all_is_spoken_of_as_one() -> None:
    summary = summaries.study()
    summary["pareto"]["trials"] = summary["pareto"]["trials"][:1]
    assert "1 configuration is not beaten on every goal by any other\n" in render_text(summary)
