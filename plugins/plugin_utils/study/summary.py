# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a report says about a study, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import typical
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import seconds_between
from ansible_collections.evolve.vm.plugins.plugin_utils.study.folder import StudyFolder
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study


def summarise(study: Study, folder: StudyFolder, store: str) -> dict[str, Any]:
    """The study as the report reads it. Fitness and intervals are in log units."""
    definition = study.definition
    trials = [trial_summary(study, trial) for trial in study.trials]
    times = [t for m in study.measurements for t in (m["started_at"], m["finished_at"]) if t]
    return {
        "study": study.name,
        "simulated": definition.simulated,
        "state": _state(study),
        "created_at": study.row["created_at"],
        "seconds": seconds_between(min(times, default=None), max(times, default=None)),
        "seed": definition.seed,
        "algorithm": definition.algorithm,
        "collection_version": study.row["collection_version"],
        "forked_from": study.row["forked_from"],
        "benchmark": definition.benchmark,
        "goals": [
            {"metric": g.metric, "direction": g.direction, "weight": g.weight, "limit": g.limit, "span": g.span}
            for g in definition.scoring.goals
        ],
        "parameters": definition.parameters,
        "constraints": definition.constraints,
        "baseline": _baseline(study),
        "trials": trials,
        "best": _best(study),
        "verdict": study.row["verdict"],
        "slots": [{"host": s["host"], "status": s["status"], "message": s["message"]} for s in study.slots],
        "files": {
            "best": str(folder.best),
            "report": str(folder.report),
            "store": store,
            "population": str(folder.population),
        },
    }


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs from one configuration to another: [{parameter, before, after}]."""
    names = [*after, *(name for name in before if name not in after)]
    return [
        {"parameter": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]


def trial_summary(study: Study, trial: Row) -> dict[str, Any]:
    """One trial: where it comes from, what it is, what it gave."""
    runs = [m for m in study.measurements if m["trial"] == trial["number"] and m["purpose"] != "verification"]
    measured = study.measured(trial["number"])
    metrics = typical([m["metrics"] for m in measured])
    score = study.score(metrics) if metrics and study.baseline_metrics else None
    return {
        "number": trial["number"],
        "origin": trial["origin"],
        "generation": trial["generation"],
        "parents": trial["parents"],
        "slot": runs[-1]["slot"] if runs else None,
        "status": trial["status"],
        "configuration": trial["configuration"],
        "metrics": metrics,
        "fitness": score.fitness if score else None,
        "violation": score.violation if score else 0.0,
        "measurements": len(measured),
        "seconds": sum(seconds_between(m["started_at"], m["finished_at"]) for m in runs),
        "failure_class": trial["failure_class"],
        "message": trial["message"],
    }


def _state(study: Study) -> str:
    if study.row["verdict"] is not None:
        return "finished"
    return "running" if any(trial["number"] != BASELINE_TRIAL for trial in study.trials) else "no_trials"


def _baseline(study: Study) -> dict[str, Any]:
    harvested = study.row["harvest"] is not None
    measured = study.measured(BASELINE_TRIAL, ["baseline"])
    return {
        "configuration": study.trial(BASELINE_TRIAL)["configuration"] if harvested else {},
        "metrics": study.baseline_metrics,
        "measurements": len(measured),
        "spread": study.evolution.noise if len(measured) > 1 else None,
    }


def _best(study: Study) -> dict[str, Any] | None:
    """The winner, or while there is none the configuration the engine would recommend now."""
    number = study.row["winner"]
    if number is None and study.baseline_metrics:
        recommended = study.evolution.recommend()
        number = None if recommended is None else recommended.number
    if number is None or number == BASELINE_TRIAL:
        return None
    configuration = study.trial(number)["configuration"]
    changes = changes_between(study.trial(BASELINE_TRIAL)["configuration"], configuration)
    return {"trial": number, "configuration": configuration, "changes": changes}
