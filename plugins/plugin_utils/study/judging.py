# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict: which configuration won, and whether it is really better than the baseline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import typical
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.verification import (
    BASELINE,
    WINNER,
    Interval,
    interval,
    pairs_of,
    verdict,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study, StudyError

# A winner that broke the machine this often while being verified is not one.
_TOLERATED_FAILURES = 1


def winner_failed(study: Study) -> bool:
    """Whether the winner broke the machine too often while being verified."""
    return len(_winner_failures(study)) > _TOLERATED_FAILURES


def choose_winner(study: Study) -> int | None:
    """The number of the trial the engine recommends, or None where that is the baseline or nothing was measured."""
    recommended = study.evolution.recommend()
    if recommended is None or recommended.number == BASELINE_TRIAL:
        return None
    return recommended.number


def judge(study: Study) -> dict[str, Any]:
    """The verdict as a plain dict, also kept in the store.

    Keys: verdict (better, worse, equivalent, inconclusive, no_improvement), sentence, trial, pairs, blocks, confidence,
    fitness and metrics (intervals in log units, see DESIGN.md 2).
    """
    if not study.baseline_metrics:
        reasons = sorted({f"{s['host']}: {s['message']}" for s in study.slots if s["message"]})
        raise StudyError(
            f"study {study.name!r} has no verdict: the baseline could not be measured on any slot. "
            + ("; ".join(reasons) or "Run the playbook again with -v to see why")
        )
    result = _no_improvement() if study.row["winner"] is None else _verified(study)
    study.records.update(schema.studies, {"verdict": result}, name=study.name)
    return result


def _no_improvement() -> dict[str, Any]:
    return {
        "verdict": "no_improvement",
        "sentence": (
            "No improvement found: no configuration measured looked better than the baseline, "
            "so there was nothing to verify."
        ),
        "trial": None,
        "pairs": 0,
        "blocks": 0,
        "confidence": None,
        "fitness": None,
        "metrics": {},
    }


def _verified(study: Study) -> dict[str, Any]:
    confidence = float(study.definition.verification["confidence"])
    blocks = [_runs(study, block) for block in study.blocks if block["status"] == "complete"]
    orders = [block["order"] for block in study.blocks if block["status"] == "complete"]

    def differences(reading: Callable[[dict[str, float]], float]) -> list[float]:
        found: list[float] = []
        for order, runs in zip(orders, blocks, strict=True):
            found += pairs_of(order, [reading(run["metrics"]) for run in runs])
        return found

    fitness = interval(differences(lambda metrics: study.score(metrics).fitness), confidence)
    means = {arm: typical(_metrics_of(orders, blocks, arm)) for arm in (BASELINE, WINNER)}
    metrics = {}
    for goal in study.definition.scoring.goals:
        name = goal.metric
        found = None
        if all(run["metrics"][name] > 0 for runs in blocks for run in runs):
            found = interval(differences(lambda values, name=name: math.log(values[name])), confidence)  # type: ignore[misc]
        metrics[name] = {"baseline": means[BASELINE].get(name), "winner": means[WINNER].get(name), **_plain(found)}
    outcome = verdict(fitness, float(study.definition.verification["equivalence"]))
    failures = _winner_failures(study)
    broken = [g.metric for g in study.definition.scoring.goals if blocks and g.excess(means[WINNER][g.metric]) > 0]
    if winner_failed(study) or broken:
        outcome = "worse"
    return {
        "verdict": outcome,
        "sentence": _sentence(study, outcome, fitness, len(blocks), failures, broken),
        "trial": study.row["winner"],
        "pairs": fitness.pairs if fitness else 2 * len(blocks),
        "blocks": len(blocks),
        "confidence": confidence,
        "fitness": _plain(fitness) if fitness else None,
        "metrics": metrics,
    }


def _runs(study: Study, block: Row) -> list[Row]:
    """A block's four measurements, in order."""
    own = [m for m in study.measurements if m["block"] == block["number"] and m["status"] == "measured"]
    return sorted(own, key=lambda m: int(m["position"]))


def _metrics_of(orders: Sequence[str], blocks: Sequence[list[Row]], arm: str) -> list[dict[str, float]]:
    return [
        run["metrics"]
        for order, runs in zip(orders, blocks, strict=True)
        for a, run in zip(order, runs, strict=True)
        if a == arm
    ]


def _winner_failures(study: Study) -> list[str]:
    return [
        m["message"]
        for m in study.measurements
        if m["purpose"] == "verification"
        and m["trial"] == study.row["winner"]
        and m["status"] == "failed"
        and m["failure_class"] == "configuration"
    ]


def _plain(found: Interval | None) -> dict[str, float | None]:
    if found is None:
        return {"estimate": None, "low": None, "high": None}
    return {"estimate": found.estimate, "low": found.low, "high": found.high}


def _sentence(
    study: Study, outcome: str, fitness: Interval | None, blocks: int, failures: Sequence[str], broken: Sequence[str]
) -> str:
    winner = f"trial {study.row['winner']}"
    keep = "Keep the baseline."
    if len(failures) > _TOLERATED_FAILURES:
        times = f"{len(failures)} verification runs (last: {failures[-1]})"
        return f"Worse: {winner} broke the machine in {times}. {keep}"
    if broken:
        return f"Worse: {winner} breaks the limit on {', '.join(broken)} when measured again. {keep}"
    if fitness is None:
        return f"Inconclusive: only {blocks} verification blocks of {winner} were completed, too few for an interval."
    source = f"{fitness.pairs} pairs of fresh runs in {blocks} random ABBA blocks"
    evidence = f"fitness {fitness} over the baseline, from {source}"
    meaning = {
        "better": "beats the baseline",
        "worse": "looked good in the search but loses when measured again",
        "equivalent": "and the baseline differ by less than what matters",
        "inconclusive": "may be better than the baseline or not",
    }[outcome]
    advice = {"better": "", "inconclusive": " More blocks would tell (evolve_verification)."}.get(outcome, f" {keep}")
    return f"{outcome.capitalize()}: {winner} {meaning}; {evidence}.{advice}"
