# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything in the figures of two goals against each other goes. The template only draws what it finds here."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _words
from ansible_collections.evolve.vm.plugins.plugin_utils.report._axes import Scale, ticks
from ansible_collections.evolve.vm.plugins.plugin_utils.report._figures import ORIGINS, Tick
from ansible_collections.evolve.vm.plugins.plugin_utils.report._view import Goal, Trial, View

_GOALS = 3
"""So many goals, those of most weight, are drawn in pairs; more would fill the page."""
_WIDTH, _HEIGHT = 480, 360


@dataclass(frozen=True)
class Point:
    """One configuration in the figure."""

    x: float
    y: float
    symbol: str
    front: bool
    """Whether no other configuration beats it on every goal."""
    limit: bool
    title: str


@dataclass(frozen=True)
class TradeOff:
    """Two goals against each other, in the coordinates of an SVG of width x height."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    x_label: str
    y_label: str
    x_better: str
    """right or left: where along the axis better values are."""
    y_better: str
    """up or down."""
    front: str
    """An SVG path: the edge of what was reached on these two goals."""
    points: Sequence[Point]
    best: Point | None


def trade_offs(view: View) -> list[TradeOff]:
    """A figure for each pair of goals; none where the study has but one goal or nothing was measured."""
    weighed = [goal for goal in view.goals if goal.weight]
    heaviest = sorted(weighed, key=lambda goal: -goal.weight)[:_GOALS]
    shown = [goal for goal in weighed if goal in heaviest]
    return [_trade_off(view, x, y) for x, y in itertools.combinations(shown, 2)] if view.front else []


def _trade_off(view: View, across: Goal, up: Goal) -> TradeOff:
    trials = [t for t in view.trials if t.repeat_of is None and {across.metric, up.metric} <= t.metrics.keys()]
    # Those that are not beaten come last, so that they lie on top.
    trials.sort(key=lambda trial: trial in view.front)
    left, right, top, bottom = 66.0, _WIDTH - 14.0, 30.0, _HEIGHT - 48.0
    x = Scale(*_range(view, trials, across.metric), left, right)
    y = Scale(*_range(view, trials, up.metric), bottom, top)
    points = {trial.number: _point(trial, x, y, across, up, trial in view.front) for trial in trials}
    return TradeOff(
        width=_WIDTH,
        height=_HEIGHT,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        x_ticks=[Tick(x(value), f"{value:,.6g}") for value in ticks(x.low, x.high, 5)],
        y_ticks=[Tick(y(value), f"{value:,.6g}") for value in ticks(y.low, y.high, 6)],
        x_label=across.metric,
        y_label=up.metric,
        x_better="right" if across.direction == "maximize" else "left",
        y_better="up" if up.direction == "maximize" else "down",
        front=_edge(view.front, x, y, across, up),
        points=list(points.values()),
        best=points.get(view.best.number) if view.best is not None else None,
    )


def _range(view: View, trials: Sequence[Trial], metric: str) -> tuple[float, float]:
    """The axis. It holds the front and the baseline; disasters beyond it must not press the rest into a corner."""
    values = sorted(trial.metrics[metric] for trial in trials)
    always = [trial.metrics[metric] for trial in trials if trial in view.front or trial.is_baseline]
    low, high = values[0], values[-1]
    if len(values) >= 8:
        first, third = values[len(values) // 4], values[3 * len(values) // 4]
        reach = 2 * (third - first)
        low, high = max(low, first - reach), min(high, third + reach)
    low, high = min([low, *always]), max([high, *always])
    margin = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
    return low - margin, high + margin


def _point(trial: Trial, x: Scale, y: Scale, across: Goal, up: Goal, front: bool) -> Point:
    values = ", ".join(
        f"{goal.metric} {_words.quantity(goal.metric, trial.metrics[goal.metric])}" for goal in (across, up)
    )
    return Point(
        x=x(trial.metrics[across.metric]),
        y=y(trial.metrics[up.metric]),
        symbol=trial.origin if trial.origin in ORIGINS else "other",
        front=front,
        limit=trial.kind == "limit",
        title=f"{trial.name.capitalize()}: {values}; fitness {_words.percent(trial.fitness)}",
    )


def _edge(front: Sequence[Trial], x: Scale, y: Scale, across: Goal, up: Goal) -> str:
    """Steps along the configurations that no other beats on these two goals, from the best across to the best up."""
    signs = [1 if goal.direction == "maximize" else -1 for goal in (across, up)]
    reached = sorted(
        ((signs[0] * trial.metrics[across.metric], signs[1] * trial.metrics[up.metric]) for trial in front),
        reverse=True,
    )
    path, highest = "", None
    for worth_across, worth_up in reached:
        if highest is None or worth_up > highest:
            at, height = x(signs[0] * worth_across), y(signs[1] * worth_up)
            path += f"H{at:g}V{height:g}" if path else f"M{at:g} {height:g}"
            highest = worth_up
    return path
