# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What playbooks ask of a study: its trials, its best, who is unbeaten, how good a configuration is. Plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import percent
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study, StudyError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.summary import pareto, recommended, trial_summary

Answer = list[dict[str, Any]]


def _trials(study: Study) -> Answer:
    """All of them, the baseline among them, best first; those without a fitness last."""
    return sorted((_trial(study, number) for number in study.ledger.trials), key=_rank)


def _best(study: Study) -> Answer:
    """The winner, or what the search would recommend by now; nothing where that is the baseline."""
    number = recommended(study)
    if number is None:
        return []
    verdict = study.row["verdict"]
    is_verified = verdict is not None and verdict["trial"] == number
    return [{**_trial(study, number), "verdict": verdict["verdict"] if is_verified else None}]


def _pareto(study: Study) -> Answer:
    """What no other configuration beats on every goal, best fitness first."""
    found = pareto(study, [trial_summary(study, trial) for trial in study.trials])
    return [_trial(study, number) for number in found["trials"]] if found else []


def _baseline(study: Study) -> Answer:
    return [_trial(study, BASELINE_TRIAL)] if study.row["harvest"] is not None else []


def _verdict(study: Study) -> Answer:
    return [dict(study.row["verdict"])] if study.row["verdict"] is not None else []


ANSWERS: Mapping[str, Callable[[Study], Answer]] = {
    "trials": _trials,
    "best": _best,
    "pareto": _pareto,
    "baseline": _baseline,
    "verdict": _verdict,
}


def fitness_of(study: Study, configuration: Mapping[str, Any]) -> Answer:
    """The trials that measured this configuration, in what the study varies; other values are passed over.

    Nothing where it was not measured. StudyError where it lacks a parameter of the study.
    """
    names = list(study.definition.parameters)
    if missing := [name for name in names if name not in configuration]:
        raise StudyError(f"the configuration lacks {', '.join(missing)}, which study {study.name!r} varies")
    wanted = {name: configuration[name] for name in names}
    same = [trial["number"] for trial in study.trials if _applied(study, trial["configuration"]) == wanted]
    return sorted((_trial(study, number) for number in same), key=_rank)


def configuration_on(study: Study, host: str) -> dict[str, Any]:
    """What a slot was last told to be. StudyError where it is no slot of the study, or was told nothing."""
    row = study.slot(host)
    if row is None:
        raise StudyError(f"{host} is not a slot of study {study.name!r}; it has: {', '.join(study.hosts) or 'none'}")
    if row["applied"] is None:
        return dict(study.row["harvest"] or {})
    return dict(row["applied"])


def _applied(study: Study, configuration: Mapping[str, Any]) -> dict[str, Any]:
    complete = study.to_apply(dict(configuration))
    return {name: complete.get(name) for name in study.definition.parameters}


def _trial(study: Study, number: int) -> dict[str, Any]:
    trial = trial_summary(study, study.trial(number))
    fitness = trial.pop("fitness")
    return {**trial, "fitness_percent": None if fitness is None else percent(fitness)}


def _rank(trial: Mapping[str, Any]) -> tuple[bool, float, float, int]:
    """What holds every limit first, then by fitness."""
    fitness = trial["fitness_percent"]
    return fitness is None, trial["violation"], -(fitness or 0.0), trial["number"]
