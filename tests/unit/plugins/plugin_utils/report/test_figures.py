# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things stand in the figures."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _view
from ansible_collections.evolve.vm.plugins.plugin_utils.report._axes import Scale, ticks
from ansible_collections.evolve.vm.plugins.plugin_utils.report._figures import FitnessFigure, fitness_figure, forest
from ansible_collections.evolve.vm.plugins.plugin_utils.report._view import Interval
from ansible_collections.evolve.vm.tests.unit.plugins.plugin_utils.report import summaries


def _figure(**of: object) -> FitnessFigure:
    figure = fitness_figure(_view.read(summaries.study(**of)), 1000, 400)  # type: ignore[arg-type]
    assert figure is not None
    return figure


@pytest.mark.parametrize(
    ("low", "high", "at_most", "expected"),
    [
        (-28.0, 36.0, 7, [-20, -10, 0, 10, 20, 30]),
        (0.0, 40.0, 13, [0, 5, 10, 15, 20, 25, 30, 35, 40]),
        (-0.03, 0.11, 5, [0, 0.05, 0.1]),
        (-1e-9, 1e-9, 5, [-1e-9, -5e-10, 0, 5e-10, 1e-9]),
    ],
)
def test_ticks_are_round(low: float, high: float, at_most: int, expected: list[float]) -> None:
    assert ticks(low, high, at_most) == pytest.approx(expected)


@pytest.mark.parametrize("span", [0.0003, 0.7, 1.0, 9.9, 10.0, 123.0, 4567.0])
@pytest.mark.parametrize("at_most", [3, 5, 7, 13])
def test_ticks_are_within_and_few(span: float, at_most: int) -> None:
    found = ticks(-span / 3, span, at_most)
    assert 1 <= len(found) <= at_most
    assert found[0] >= -span / 3 * 1.000001
    assert found[-1] <= span * 1.000001


def test_whole_ticks_have_no_fractions() -> None:
    assert ticks(0, 1, 13, whole=True) == [0, 1]


def test_a_scale_ends_at_its_edges() -> None:
    scale = Scale(-10, 10, 100, 0)
    assert [scale(value) for value in (-20, -10, 0, 10, 20)] == [100, 100, 50, 0, 0]


@pytest.mark.parametrize("trials", [1, 2, 40, 2000])
def test_every_trial_is_drawn_inside_the_figure(trials: int) -> None:
    summary = summaries.study(trials, failing=0.2)
    figure = fitness_figure(_view.read(summary), 1000, 400)
    if figure is None:
        assert trials == 1
        return
    failed = sum(trial["status"] == "failed" for trial in summary["trials"])
    assert (len(figure.marks), len(figure.failed)) == (trials + 1 - failed, failed)
    assert all(figure.left <= mark.x <= figure.right for mark in [*figure.marks, *figure.failed])
    assert all(figure.top <= mark.y <= figure.bottom for mark in figure.marks)
    assert all(figure.bottom < mark.y < figure.floor for mark in figure.failed)


def test_higher_fitness_stands_higher_and_later_trials_further_right() -> None:
    summary = summaries.study(failing=0.0)
    marks = _figure(failing=0.0).marks
    assert [mark.x for mark in marks] == sorted(mark.x for mark in marks)
    by_fitness = sorted(zip(summary["trials"], marks, strict=True), key=lambda pair: pair[0]["fitness"])
    heights = [mark.y for _trial, mark in by_fitness]
    assert heights == sorted(heights, reverse=True)


def test_zero_is_the_baseline_and_its_noise_lies_around_it() -> None:
    figure = _figure()
    assert figure.marks[0].symbol == "baseline"
    assert figure.marks[0].y == figure.zero
    assert figure.noise_band is not None
    assert figure.noise_band[0] < figure.zero < figure.noise_band[1]


def test_best_so_far_only_rises_and_leaves_out_what_breaks_a_limit() -> None:
    summary = summaries.study(failing=0.0)
    summary["trials"][5] |= {"fitness": 0.6, "violation": 0.5}
    figure = fitness_figure(_view.read(summary), 1000, 400)
    assert figure is not None
    heights = [float(step.split("V")[1].split("H")[0]) for step in figure.best_so_far.split("H") if "V" in step]
    assert all(later < earlier for earlier, later in itertools.pairwise(heights))
    assert figure.marks[5].limit
    assert figure.marks[5].y < min(heights)


def test_one_disaster_does_not_flatten_the_others() -> None:
    calm = _figure(failing=0.0)
    summary = summaries.study(failing=0.0)
    summary["trials"][7]["fitness"] = -6.0
    figure = fitness_figure(_view.read(summary), 1000, 400)
    assert figure is not None
    assert figure.marks[7].below
    assert figure.marks[7].y == figure.bottom
    spread = max(mark.y for mark in figure.marks[:7]) - min(mark.y for mark in figure.marks[:7])
    calm_spread = max(mark.y for mark in calm.marks[:7]) - min(mark.y for mark in calm.marks[:7])
    assert spread > 0.5 * calm_spread


def test_unknown_origins_have_a_symbol() -> None:
    summary = summaries.study(3, failing=0.0)
    summary["trials"][1]["origin"] = 'x" onload="'
    figure = fitness_figure(_view.read(summary), 1000, 400)
    assert figure is not None
    assert figure.marks[1].symbol == "other"


def test_nothing_to_draw() -> None:
    for summary in (summaries.no_trials(), summaries.all_failed(), summaries.baseline_failed()):
        assert fitness_figure(_view.read(summary), 1000, 400) is None
    assert forest([None, None]) is None


def test_forest_has_one_axis_for_all_and_holds_zero() -> None:
    plot = forest([Interval(0.1, 0.05, 0.15), None, Interval(-0.3, -0.3, -0.3)])
    assert plot is not None
    wide, none, exact = plot.bars
    assert none is None
    assert wide is not None
    assert exact is not None
    assert 0 < exact.low == exact.at == exact.high < plot.zero < wide.low < wide.at < wide.high < 100
    assert next(tick.at for tick in plot.x_ticks if tick.label == "0") == plot.zero


def test_a_repeat_is_drawn_but_is_no_step_of_the_best_so_far() -> None:
    summary = summaries.study(failing=0.0)
    before = fitness_figure(_view.read(summary), 1000, 400)
    summary["trials"][20] |= {"origin": "repeat", "repeat_of": 3}
    summary["trials"][20]["fitness"] = max(trial["fitness"] for trial in summary["trials"])
    after = fitness_figure(_view.read(summary), 1000, 400)
    assert before is not None
    assert after is not None
    assert after.marks[20].symbol == "repeat"
    assert "measures trial 3 again" in after.marks[20].title
    assert after.marks[20].y == min(mark.y for mark in after.marks)
    assert f"H{after.marks[20].x:g}V" not in after.best_so_far
