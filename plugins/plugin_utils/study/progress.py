# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line for each thing that happens in a study, for people who watch it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import percent
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import changes_between

_MOST_CHANGES = 6
_LONGEST_MESSAGE = 200


def measured_line(study: Study, row: Row) -> str:
    """A measurement that was just taken; `study` must have been read after it."""
    if row["purpose"] == "search":
        trial = study.trial(row["trial"])
        baseline = study.trial(BASELINE_TRIAL)["configuration"]
        score = study.score(row["metrics"])
        broken = "  breaks a limit" if score.violation else ""
        broken += f"  {row['message'][:_LONGEST_MESSAGE]}" if row["message"] else ""
        again = f"trial {trial['repeat_of']} again: " if trial["repeat_of"] is not None else ""
        changes = _changes(baseline, trial["configuration"])
        return f"{_head(study, row)}  {_gain(score.fitness)}{broken}   {again}{changes}"
    goals = "  ".join(f"{name} {row['metrics'][name]:.4g}" for name in study.definition.scoring.metrics)
    return f"{_head(study, row)}  {goals}"


def failed_line(study: Study, row: Row) -> str:
    """A run that failed; `row` says by whose fault and what follows."""
    why = " ".join(row["message"].split())[:_LONGEST_MESSAGE]
    return f"{_head(study, row)}  failed ({row['failure_class']}; {row['follows']}): {why}"


def _head(study: Study, row: Row) -> str:
    slot = f"{row['slot']:<{max(map(len, study.hosts), default=0)}}"
    if row["purpose"] == "search":
        width = len(str(study.definition.trials))
        return f"[trial {row['trial']:>{width}}/{study.definition.trials}] {slot}"
    if row["purpose"] == "baseline":
        return f"[baseline] {slot}"
    arm = "baseline" if row["trial"] == BASELINE_TRIAL else "winner"
    blocks = sorted(block["number"] for block in study.blocks if block["status"] != "abandoned")
    place = blocks.index(row["block"]) + 1 if row["block"] in blocks else "-"
    return f"[verify block {place}, run {row['position'] + 1}/4] {slot}  {arm:<8}"


def _gain(fitness: float) -> str:
    return f"{percent(fitness):+7.1f} %"


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    changes = [f"{c['parameter']}={_shown(c['after'])}" for c in changes_between(before, after)]
    more = f" and {len(changes) - _MOST_CHANGES} more" if len(changes) > _MOST_CHANGES else ""
    return " ".join(changes[:_MOST_CHANGES]) + more or "as the baseline"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "inactive" if value is None else str(value)
