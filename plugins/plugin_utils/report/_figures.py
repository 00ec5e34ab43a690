# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything in the figures goes. The templates only draw what they find here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.evolve.vm.plugins.plugin_utils.report import _words
from ansible_collections.evolve.vm.plugins.plugin_utils.report._axes import Scale, ticks
from ansible_collections.evolve.vm.plugins.plugin_utils.report._view import Interval, Trial, View

ORIGINS = ("baseline", "initial", "crossover", "mutation", "immigrant", "repeat")
"""The origins that have a symbol of their own; any other is drawn as "other"."""
_STRIP = 26
"""Height of the strip below the plot in which failed trials are marked."""


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Mark:
    """One trial in the figure."""

    x: float
    y: float
    symbol: str
    limit: bool
    """Whether the trial breaks a limit."""
    below: bool
    """Whether its fitness lies below the axis: the mark stands at the lower edge."""
    name: str
    title: str


@dataclass(frozen=True)
class FitnessFigure:
    """Fitness over trials, in the coordinates of an SVG of width x height."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    """The plot's edges; the strip of failed trials lies between bottom and floor."""
    floor: float
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    zero: float
    noise_band: tuple[float, float] | None
    """Upper and lower edge of what one reading of the baseline may show by chance (two standard deviations)."""
    best_so_far: str
    """An SVG path: steps from the baseline up to the best trial that broke no limit."""
    marks: Sequence[Mark]
    failed: Sequence[Mark]
    best: Mark | None
    name_at: float
    """Where the best trial's name stands: above its mark, pushed inwards at the edges."""


@dataclass(frozen=True)
class Bar:
    """An interval in a forest plot: positions in per cent of the width."""

    low: float
    at: float
    high: float


@dataclass(frozen=True)
class Forest:
    """Intervals side by side on one axis, in per cent of change; positions in per cent of the width."""

    zero: float
    x_ticks: Sequence[Tick]
    bars: Sequence[Bar | None]


def fitness_figure(view: View, width: int, height: int) -> FitnessFigure | None:
    """The figure at this size, None when no trial but the baseline has a fitness."""
    measured = [trial for trial in view.trials if trial.fitness is not None]
    if all(trial.is_baseline for trial in measured):
        return None
    noise = _words.per_cent(2 * (view.spread or 0.0))
    low, high = _range([_words.per_cent(trial.fitness or 0.0) for trial in measured], noise)
    left, right, top, floor = 54.0, width - 14.0, 32.0, height - 26.0
    failed = [trial for trial in view.trials if trial.kind == "failed"]
    bottom = floor - _STRIP if failed else floor
    last = max(1, view.trials[-1].number)
    x = Scale(-0.02 * last, 1.02 * last, left, right)
    y = Scale(low, high, bottom, top)
    marks = [_mark(trial, x, y) for trial in measured]
    best = next((_mark(trial, x, y) for trial in measured if trial is view.best), None)
    strip = (bottom + floor) / 2
    return FitnessFigure(
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        floor=floor,
        x_ticks=[Tick(x(value), f"{value:.0f}") for value in ticks(0, last, width // 75, whole=True)],
        y_ticks=[Tick(y(value), f"{value:+g} %" if value else "0 %") for value in ticks(low, high, 7)],
        zero=y(0),
        noise_band=(y(noise), y(-noise)) if noise else None,
        best_so_far=_best_so_far(measured, x, y, right),
        marks=marks,
        failed=[Mark(x(trial.number), strip, "failed", False, False, "", _title(trial)) for trial in failed],
        best=best,
        name_at=min(max(best.x if best else left, left + 34), right - 34),
    )


def forest(intervals: Sequence[Interval | None]) -> Forest | None:
    """The intervals on a common axis that holds zero, None when there is no interval at all."""
    known = [interval for interval in intervals if interval is not None]
    if not known:
        return None
    low = min(0.0, *(_words.per_cent(interval.low) for interval in known))
    high = max(0.0, *(_words.per_cent(interval.high) for interval in known))
    margin = 0.08 * (high - low) or 1.0
    scale = Scale(low - margin, high + margin, 0, 100)

    def at(log_ratio: float) -> float:
        return scale(_words.per_cent(log_ratio))

    return Forest(
        zero=scale(0),
        # Ticks keep off the edges, where half of their label would stand outside.
        x_ticks=[
            Tick(scale(value), f"{value:+g} %" if value else "0")
            for value in ticks(scale.low, scale.high, 6)
            if 5 <= scale(value) <= 95
        ],
        bars=[
            None if interval is None else Bar(at(interval.low), at(interval.estimate), at(interval.high))
            for interval in intervals
        ],
    )


def _range(values: Sequence[float], noise: float) -> tuple[float, float]:
    """The axis in per cent. Disasters are left below it: one trial at -90 % must not flatten the rest to a line."""
    ordered = sorted(values)
    low = ordered[0]
    if len(ordered) >= 8:
        first, third = ordered[len(ordered) // 4], ordered[3 * len(ordered) // 4]
        low = max(low, first - 2 * max(third - first, noise))
    low, high = min(low, -noise), max(ordered[-1], noise)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def _mark(trial: Trial, x: Scale, y: Scale) -> Mark:
    value = _words.per_cent(trial.fitness or 0.0)
    return Mark(
        x=x(trial.number),
        y=y(value),
        symbol=trial.origin if trial.origin in ORIGINS else "other",
        limit=trial.kind == "limit",
        below=value < y.low,
        name=trial.name,
        title=_title(trial),
    )


def _title(trial: Trial) -> str:
    what = f"failed, {trial.failure_class}" if trial.kind == "failed" else _words.percent(trial.fitness)
    if trial.kind == "limit":
        what += ", breaks a limit"
    return f"Trial {trial.number}: {what}; {trial.source}, generation {trial.generation}"


def _best_so_far(measured: Sequence[Trial], x: Scale, y: Scale, right: float) -> str:
    path, best = "", None
    for trial in measured:
        # A repeat is part of what is known of the trial it repeats.
        if trial.kind == "limit" or trial.fitness is None or trial.repeat_of is not None:
            continue
        if best is not None and trial.fitness <= best:
            continue
        at, height = x(trial.number), y(_words.per_cent(trial.fitness))
        path += f"H{at:g}V{height:g}" if path else f"M{at:g} {height:g}"
        best = trial.fitness
    return f"{path}H{right:g}" if path else ""
