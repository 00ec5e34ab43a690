# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a search ends before its trials are spent: its time is up, or the next trial is not worth its while."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import percent, typical
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import seconds_between
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study

# Before so many trials, or twice as many as there are parameters, too little is known to say what the next would gain.
LEAST_TRIALS = 20
# What is expected is a model's word: the latest trials must bear it out.
_LATEST_TRIALS = 10
# A slot that is between two runs is at work; one that was left alone for longer is not.
_PAUSE_SECONDS = 60.0


def stop_reason(study: Study, *, fresh: bool) -> str | None:
    """Why the search hands out nothing more, or None. The reason is kept in the store and stands from then on.

    `fresh` says that a new trial would be handed out, not one that came back from trouble.
    """
    if study.row["stopped"] is not None:
        return str(study.row["stopped"]["sentence"])
    budget = study.definition.limits
    by = why = None
    if budget.hours is not None and searched_seconds(study.measurements, study.clock()) >= 3600 * budget.hours:
        by, why = "hours", f"the {budget.hours:g} h of the budget are spent"
    elif fresh and (gain := _pointless(study)) is not None:
        threshold = f"below the threshold of {budget.threshold_percent:g} %"
        by, why = "threshold", f"the next trial is expected to gain {percent(gain):.2g} %, {threshold}"
    if by is None:
        return None
    done = sum(trial["number"] != BASELINE_TRIAL and trial["status"] != "pending" for trial in study.trials)
    sentence = f"stopped after {done} of {budget.trials} trials: {why}"
    study.records.update(schema.studies, {"stopped": {"by": by, "sentence": sentence}}, name=study.name)
    return sentence


def least_trials(study: Study) -> int:
    """How many trials must have been measured before a search may stop for want of gain."""
    return max(LEAST_TRIALS, 2 * len(study.definition.space.parameters))


def searched_seconds(measurements: Iterable[Row], until: str) -> float:
    """How long a study has searched: the time during which at least one of its trials was under way.

    Slots at work side by side count once, the time between two sessions does not count, and neither does a run that
    was cut short with its controller, because nobody knows when that was. `until` is the present.
    """
    spans = sorted(
        (run["started_at"], run["finished_at"] or until)
        for run in measurements
        if run["purpose"] == "search" and run["status"] != "abandoned"
    )
    total = 0.0
    first = last = None
    for start, finish in spans:
        if last is None or seconds_between(last, start) > _PAUSE_SECONDS:
            total += seconds_between(first, last)
            first, last = start, finish
        else:
            last = max(last, finish)
    return total + seconds_between(first, last)


def _pointless(study: Study) -> float | None:
    """What the next trial is expected to gain in log units, where that is too little; else None."""
    threshold = study.definition.limits.threshold
    if threshold is None:
        return None
    measured = [t["number"] for t in study.trials if t["number"] != BASELINE_TRIAL and t["status"] == "measured"]
    if len(measured) < least_trials(study) or _latest_gain(study, measured) >= threshold:
        return None
    gain = study.evolution.expected_improvement()
    return gain if gain is not None and gain < threshold else None


def _latest_gain(study: Study, measured: Sequence[int]) -> float:
    """By how much the latest trials raised the best fitness, in log units; 0.0 where they did not."""
    scores = {
        number: study.score(typical([m["metrics"] for m in study.measured(number)]))
        for number in (BASELINE_TRIAL, *measured)
    }
    sound = {number: score.fitness for number, score in scores.items() if not score.violation}
    latest = set(measured[-_LATEST_TRIALS:])
    before = max((fitness for number, fitness in sound.items() if number not in latest), default=-math.inf)
    return max(max(sound.values(), default=-math.inf) - before, 0.0) if sound else 0.0
