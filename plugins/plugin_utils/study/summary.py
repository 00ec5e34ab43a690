# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a report says about a study, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.changes import TIERS
from ansible_collections.evolve.vm.plugins.plugin_utils.catalogue.catalogue import catalogue
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import typical
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.pareto import pareto_set
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.watched import understood
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import seconds_between
from ansible_collections.evolve.vm.plugins.plugin_utils.study.folder import StudyFolder
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study


def summarise(study: Study, folder: StudyFolder, store: str) -> dict[str, Any]:
    """The study as the report reads it. Fitness and intervals are in log units."""
    definition = study.definition
    trials = [trial_summary(study, trial) for trial in study.trials]
    best = _best(study)
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
        "budget": definition.budget,
        "stopped": _stopped(study),
        "parameters": definition.parameters,
        "constraints": definition.constraints,
        "learned": _learned(study),
        "baseline": _baseline(study),
        "watched": _watched(study),
        "trials": trials,
        "pareto": pareto(study, trials),
        "applying": _applying(study),
        "risks": _risks(study, best),
        "best": best,
        "verdict": study.row["verdict"],
        "slots": [{"host": s["host"], "status": s["status"], "message": s["message"]} for s in study.slots],
        "files": {
            # Written with the verdict.
            "best": str(folder.best) if study.row["verdict"] else None,
            "report": str(folder.report),
            "store": store,
            "population": str(folder.population),
        },
    }


def _watched(study: Study) -> list[str]:
    """The metrics of the baseline that follow from what was watched."""
    probes = [name.rpartition(".")[0] for name in study.baseline_metrics]
    return [name for name in study.baseline_metrics if understood(name, probes)]


def _risks(study: Study, best: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What the best configuration gives up beside speed: [{parameter, value, risk, today}]."""
    return risks_of(best["configuration"], study.trial(BASELINE_TRIAL)["configuration"]) if best else []


def risks_of(configuration: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The values of a configuration that cost more than speed; `today` where the baseline has them as well."""
    return [
        {
            "parameter": name,
            "value": configuration[name],
            "risk": risk,
            "today": baseline.get(name) == configuration[name],
        }
        for name, risk in catalogue().risks_in(configuration).items()
    ]


def _applying(study: Study) -> list[dict[str, Any]]:
    """What applying configurations took, by tier, cheapest first: [{tier, runs, seconds}]."""
    timed = [m for m in study.measurements if m["apply_seconds"] is not None and m["tier"] in TIERS]
    return [
        {"tier": tier, "runs": len(seconds), "seconds": sum(seconds)}
        for tier in TIERS
        if (seconds := [m["apply_seconds"] for m in timed if m["tier"] == tier])
    ]


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs from one configuration to another: [{parameter, before, after}]."""
    names = [*after, *(name for name in before if name not in after)]
    return [
        {"parameter": name, "before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]


def trial_summary(study: Study, trial: Row) -> dict[str, Any]:
    """One trial: where it comes from, what it is, what it gave.

    Metrics, fitness and violation are the typical ones over all its readings and those of trials that repeat it; a
    trial that repeats another has its own only.
    """
    runs = [m for m in study.runs(trial["number"]) if m["purpose"] != "verification"]
    measured = study.evidence(trial["number"])
    metrics = typical([m["metrics"] for m in measured])
    score = study.score(metrics) if metrics and study.baseline_metrics else None
    return {
        "number": trial["number"],
        "origin": trial["origin"],
        "generation": trial["generation"],
        "parents": trial["parents"],
        "repeat_of": trial["repeat_of"],
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


def _stopped(study: Study) -> dict[str, str] | None:
    """Why the search ended: {by: trials, hours or threshold, sentence}; None while it has not."""
    if study.row["stopped"] is not None:
        return dict(study.row["stopped"])
    searched = [trial["status"] for trial in study.trials if trial["number"] != BASELINE_TRIAL]
    if len(searched) < study.definition.trials or not set(searched) <= {"measured", "failed"}:
        return None
    return {"by": "trials", "sentence": f"all {len(searched)} trials of the budget are done"}


def _learned(study: Study) -> dict[str, Any] | None:
    """What the study was given by others when it was created; None where it was nothing."""
    learned = study.row["learned"]
    if learned is None:
        return None
    return {
        "studies": [{key: s[key] for key in ("study", "taken", "note")} for s in learned.get("studies", ())],
        "founders": learned.get("founders", []),
        "left_out": learned.get("left_out", []),
    }


def pareto(study: Study, trials: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The configurations that no other beats on every goal, best fitness first.

    None with fewer than two goals, or with nothing to compare. Only measured configurations that hold every limit take
    part; the baseline is one of them.
    """
    goals = [goal for goal in study.definition.scoring.goals if goal.weight]
    sound = [
        trial
        for trial in trials
        if trial["status"] == "measured"
        and trial["repeat_of"] is None
        and trial["fitness"] is not None
        and not trial["violation"]
    ]
    if len(goals) < 2 or len(sound) < 2:
        return None
    table = [[trial["metrics"][goal.metric] for goal in goals] for trial in sound]
    unbeaten = pareto_set(table, [goal.sign for goal in goals])
    found = [trial for trial, keep in zip(sound, unbeaten, strict=True) if keep]
    found.sort(key=lambda trial: (-trial["fitness"], trial["number"]))
    return {"metrics": [goal.metric for goal in goals], "trials": [trial["number"] for trial in found]}


def _baseline(study: Study) -> dict[str, Any]:
    harvested = study.row["harvest"] is not None
    measured = study.evidence(BASELINE_TRIAL)
    return {
        "configuration": study.trial(BASELINE_TRIAL)["configuration"] if harvested else {},
        "metrics": study.baseline_metrics,
        "measurements": len(measured),
        "spread": study.evolution.noise if len(measured) > 1 else None,
    }


def recommended(study: Study) -> int | None:
    """The trial that won, or while there is none the one the engine would recommend now; None for the baseline."""
    number = study.row["winner"]
    if number is None and study.baseline_metrics:
        found = study.evolution.recommend()
        number = None if found is None else found.number
    return None if number == BASELINE_TRIAL else number


def _best(study: Study) -> dict[str, Any] | None:
    number = recommended(study)
    if number is None:
        return None
    configuration = study.trial(number)["configuration"]
    changes = changes_between(study.trial(BASELINE_TRIAL)["configuration"], configuration)
    return {"trial": number, "configuration": configuration, "changes": changes}
