# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights after the fact: fitness follows from stored metrics, so goals can be weighed anew without new trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, InputError, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import Goals, MetricError
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import trial_summary

_WHERE = "evolve_weights"
_RANKED = 10


class WeightsError(InputError):
    """The weights cannot be used; `faults` lists everything that is wrong."""

    subject = "the weights (nothing was changed)"


def reweighed(definition: Definition, weights: Any) -> Definition:
    """The definition with other weights: {metric: weight}. Goals that are not named keep theirs.

    WeightsError lists every fault at once.
    """
    given = plain(weights)
    known = definition.scoring.metrics
    if not isinstance(given, Mapping) or not given:
        raise WeightsError([Fault(_WHERE, f"found {given!r}, expected a mapping such as {{{known[0]}: 5}}")])
    faults = []
    for name, weight in given.items():
        where = f"{_WHERE}.{name}"
        if name not in known:
            faults.append(Fault(where, f"no goal of this study; goals are: {listing(known)}.{suggestion(name, known)}"))
        if not is_number(weight) or weight < 0:
            faults.append(Fault(where, f"found {weight!r}, expected a number of 0 or more"))
    goals = [{**goal, "weight": given.get(goal["metric"], goal.get("weight", 1))} for goal in definition.goals]
    if not faults and not any(goal["weight"] for goal in goals):
        faults.append(Fault(_WHERE, "all weights would be 0; at least one must be above"))
    if faults:
        raise WeightsError(faults)
    return replace(definition, goals=goals)


def weight_changes(old: Goals, new: Goals) -> list[str]:
    """What differs in the weights, as 'metric: 2 -> 5'."""
    before = {goal.metric: goal.weight for goal in old.goals}
    return [
        f"{goal.metric}: {before[goal.metric]:g} -> {goal.weight:g}"
        for goal in new.goals
        if goal.weight != before[goal.metric]
    ]


def check_scores(study: Study) -> None:
    """Make sure that everything measured can be scored; WeightsError where a goal that now counts forbids it.

    A metric whose weight was 0 may have been 0 itself, of which there is no ratio.
    """
    problems = set()
    for measurement in study.measurements:
        if measurement["status"] == "measured" and study.baseline_metrics:
            try:
                study.score(measurement["metrics"])
            except MetricError as error:
                problems.add(str(error))
    if problems:
        raise WeightsError([Fault("evolve_goals", problem) for problem in sorted(problems)])


def what_if(study: Study, weights: Any) -> dict[str, Any]:
    """How the trials of a study would rank, and what would win, with other weights. Changes nothing.

    Keys: study, simulated, weights ({metric: {before, after}}), winner and present (numbers of trials, 0 the baseline,
    None while nothing is measured), ranking (the best trials and the baseline, best first: trial, fitness and before in
    log units, violation, metrics), measured (how many trials are ranked).
    """
    other = study.with_definition(reweighed(study.definition, weights))
    check_scores(other)
    before = {goal.metric: goal.weight for goal in study.definition.scoring.goals}
    ranked = sorted(_ranked(other), key=lambda trial: (trial["violation"] == 0, trial["fitness"]), reverse=True)
    present = {trial["trial"]: trial["fitness"] for trial in _ranked(study)}
    baseline = [trial for trial in ranked[_RANKED:] if trial["trial"] == BASELINE_TRIAL]
    return {
        "study": study.name,
        "simulated": study.definition.simulated,
        "weights": {
            goal.metric: {"before": before[goal.metric], "after": goal.weight}
            for goal in other.definition.scoring.goals
        },
        "present": study.row["winner"] if study.row["winner"] is not None else _winner(study),
        "winner": _winner(other),
        "ranking": [{**trial, "before": present[trial["trial"]]} for trial in [*ranked[:_RANKED], *baseline]],
        "measured": len(ranked),
    }


def _winner(study: Study) -> int | None:
    recommended = study.evolution.recommend() if study.baseline_metrics else None
    return None if recommended is None else recommended.number


def _ranked(study: Study) -> Sequence[dict[str, Any]]:
    """Every configuration that was measured, with its score."""
    found = (trial_summary(study, trial) for trial in study.trials if trial["repeat_of"] is None)
    return [
        {
            "trial": trial["number"],
            "fitness": trial["fitness"],
            "violation": trial["violation"],
            "metrics": {name: trial["metrics"][name] for name in study.definition.scoring.metrics},
        }
        for trial in found
        if trial["fitness"] is not None and trial["status"] != "failed"
    ]
