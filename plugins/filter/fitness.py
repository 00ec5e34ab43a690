# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter fitness: how much better than the baseline something measured is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import (
    Goals,
    GoalsError,
    MetricError,
    percent,
    typical,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.filter_arguments import (
    ArgumentsError,
    read_choice,
    template_filter,
)

RESULTS = ("fitness", "percent", "violation")


@template_filter
def fitness(metrics: Any, goals: Any, baseline: Any, result: str = "fitness") -> float:
    """The fitness in log units over the baseline or as per cent, or by how much limits are broken."""
    faults: list[Fault] = []
    scoring = _read_goals(goals, faults)
    _check_metrics("metrics", metrics, scoring, faults)
    several = isinstance(baseline, list) and len(baseline) > 0
    for number, reading in enumerate(baseline if several else [baseline], start=1):
        _check_metrics(f"baseline[{number}]" if several else "baseline", reading, scoring, faults)
    read_choice("result", result, RESULTS, faults)
    if scoring is None or faults:
        raise ArgumentsError(faults)
    try:
        score = scoring.score(metrics, typical(baseline) if several else baseline)
    except MetricError as error:
        raise ArgumentsError([Fault("metrics", str(error))]) from None
    value = {"fitness": score.fitness, "percent": percent(score.fitness), "violation": score.violation}[result]
    if not math.isfinite(value):
        raise ArgumentsError([Fault("metrics", f"the {result} is beyond what can be counted; look at the metrics")])
    return float(value)


def _read_goals(goals: Any, faults: list[Fault]) -> Goals | None:
    try:
        return Goals.from_list(goals)
    except GoalsError as error:
        faults += error.faults
        return None


def _check_metrics(where: str, metrics: Any, scoring: Goals | None, faults: list[Fault]) -> None:
    if not isinstance(metrics, Mapping):
        faults.append(Fault(where, f"found {metrics!r}, expected a mapping of metric to number"))
        return
    for name in scoring.metrics if scoring is not None else ():
        value = metrics.get(name)
        if name not in metrics:
            faults.append(Fault(f"{where}.{name}", f"is missing; there are: {', '.join(map(str, metrics)) or 'none'}"))
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            faults.append(Fault(f"{where}.{name}", f"found {value!r}, expected a number"))


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"fitness": fitness}
