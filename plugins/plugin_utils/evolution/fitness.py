# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fitness: how much better than the baseline, as the weighted mean over the goals of a log-ratio.

0 is the baseline, higher is better, 0.10 reads as about +10 %. Metrics that can be zero (errors, unavailability) are
scored by their difference over a stated `span` instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError, listing, suggestion

DIRECTIONS = ("maximize", "minimize")
_KEYS = ("metric", "direction", "weight", "limit", "span")


class GoalsError(InputError):
    """The goals are not usable; `faults` lists everything that is wrong."""

    subject = "the goals"


class MetricError(ValueError):
    """A metric needed by a goal is missing, or cannot be scored."""


@dataclass(frozen=True)
class Goal:
    """One metric to improve. `limit` is the worst acceptable value; `span` the difference worth one log unit."""

    metric: str
    direction: str
    weight: float = 1.0
    limit: float | None = None
    span: float | None = None

    @property
    def sign(self) -> int:
        """+1 where more is better, -1 where less is."""
        return 1 if self.direction == "maximize" else -1

    def gain(self, value: float, baseline: float) -> float:
        """How much better `value` is than `baseline`, in log units (or spans); positive is better."""
        if self.span is not None:
            return self.sign * (value - baseline) / self.span
        if value <= 0 or baseline <= 0:
            raise MetricError(
                f"{self.metric} is {value:g} (baseline {baseline:g}): a ratio needs values above 0. "
                f"Give the goal a 'span' (the difference that counts as much as a factor of 2.7)"
            )
        return self.sign * (math.log(value) - math.log(baseline))

    def excess(self, value: float) -> float:
        """How far `value` is beyond the limit, relative to it (to the span, for a limit of 0); 0.0 within."""
        if self.limit is None:
            return 0.0
        return max(0.0, self.sign * (self.limit - value)) / (abs(self.limit) or self.span or 1.0)


@dataclass(frozen=True)
class Score:
    """`fitness` in log units over the baseline; `violation` is 0.0 where every limit holds."""

    fitness: float
    violation: float


@dataclass(frozen=True)
class Goals:
    """The goals of a study."""

    goals: tuple[Goal, ...]

    @classmethod
    def from_list(cls, goals: Any, metrics: Sequence[str] | None = None) -> Goals:
        """The goals described by `evolve_goals`; GoalsError lists every fault at once.

        `metrics` are the names that will be measured; None accepts any.
        """
        faults: list[Fault] = []
        if not isinstance(goals, (list, tuple)) or not goals:
            example = "[{metric: throughput, direction: maximize, weight: 3}]"
            raise GoalsError([Fault("evolve_goals", f"found {goals!r}, expected a list such as {example}")])
        found = [_read_goal(number, goal, metrics, faults) for number, goal in enumerate(goals, start=1)]
        good = [goal for goal in found if goal is not None]
        names = [goal.metric for goal in good]
        for name in sorted({name for name in names if names.count(name) > 1}):
            faults.append(Fault("evolve_goals", f"{name} is stated more than once"))
        if good and len(good) == len(goals) and sum(goal.weight for goal in good) == 0:
            faults.append(Fault("evolve_goals", "all weights are 0; at least one must be above"))
        if faults:
            raise GoalsError(faults)
        return cls(tuple(good))

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics the goals need."""
        return [goal.metric for goal in self.goals]

    def score(self, metrics: Mapping[str, float], baseline: Mapping[str, float]) -> Score:
        """Fitness and violation of measured metrics; MetricError names what is missing or cannot be scored."""
        missing = [name for name in self.metrics if name not in metrics or name not in baseline]
        if missing:
            raise MetricError(f"not measured: {listing(missing)}; measured were: {listing(sorted(metrics)) or 'none'}")
        values = [(name, readings[name]) for name in self.metrics for readings in (metrics, baseline)]
        if odd := [f"{name} is {value!r}" for name, value in values if not _is_finite(value)]:
            raise MetricError(f"{listing(odd)}; expected an ordinary number")
        total = sum(goal.weight for goal in self.goals)
        gains = sum(g.weight * g.gain(metrics[g.metric], baseline[g.metric]) for g in self.goals if g.weight)
        return Score(gains / total, sum(g.excess(metrics[g.metric]) for g in self.goals))


def typical(readings: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The typical value of each metric over several readings: geometric mean, or mean where one is not above 0."""
    result = {}
    for name in readings[0] if readings else ():
        values = [reading[name] for reading in readings if name in reading]
        if all(value > 0 for value in values):
            mean = math.exp(sum(math.log(value) for value in values) / len(values))
            result[name] = float(f"{mean:.12g}")  # equal readings give that very reading
        else:
            result[name] = sum(values) / len(values)
    return result


def percent(log_ratio: float) -> float:
    """A log-ratio as per cent, as shown to people: 0.1 -> 10.5."""
    try:
        return 100.0 * math.expm1(log_ratio)
    except OverflowError:
        return math.inf


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _read_goal(number: int, goal: Any, metrics: Sequence[str] | None, faults: list[Fault]) -> Goal | None:
    where = f"evolve_goals[{number}]"
    before = len(faults)
    if not isinstance(goal, Mapping):
        faults.append(Fault(where, f"found {goal!r}, expected a mapping with metric and direction"))
        return None
    for key in goal:
        if key not in _KEYS:
            faults.append(
                Fault(f"{where}.{key}", f"unknown key; accepted: {listing(_KEYS)}.{suggestion(str(key), _KEYS)}")
            )
    metric = goal.get("metric")
    if not isinstance(metric, str) or not metric:
        faults.append(Fault(f"{where}.metric", f"found {metric!r}, expected the name of a metric"))
    elif metrics is not None and metric not in metrics:
        faults.append(
            Fault(
                f"{where}.metric",
                f"unknown metric {metric!r}; this study measures: {listing(metrics)}.{suggestion(metric, metrics)}",
            )
        )
    direction = goal.get("direction")
    if direction not in DIRECTIONS:
        faults.append(
            Fault(
                f"{where}.direction",
                f"found {direction!r}, expected {listing(DIRECTIONS)}.{suggestion(str(direction), DIRECTIONS)}",
            )
        )
    weight = goal.get("weight", 1)
    if not is_number(weight) or weight < 0:
        faults.append(Fault(f"{where}.weight", f"found {weight!r}, expected a number of 0 or more"))
    limit, span = goal.get("limit"), goal.get("span")
    if limit is not None and not is_number(limit):
        faults.append(Fault(f"{where}.limit", f"found {limit!r}, expected a number"))
    if span is not None and (not is_number(span) or span <= 0):
        faults.append(Fault(f"{where}.span", f"found {span!r}, expected a number above 0"))
    if len(faults) > before:
        return None
    return Goal(
        str(metric),
        str(direction),
        float(weight),
        None if limit is None else float(limit),
        None if span is None else float(span),
    )
