# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run gave: a measurement, or a failure and whose fault it was.

Classes of failure (DESIGN.md 5): configuration (it broke the machine or the application; learnt from), infrastructure
(the machine or the way to it; run again elsewhere), measurement (no trustworthy number; run again once).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import MetricError, typical
from ansible_collections.evolve.vm.plugins.plugin_utils.study import prices, schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study, StudyError

FAILURE_CLASSES = ("configuration", "infrastructure", "measurement")

# Infrastructure failures in a row after which a slot is no longer trusted, and after which a trial is given up.
_TROUBLE_BEFORE_QUARANTINE = 3
_ATTEMPTS_PER_TRIAL = 3
_RUNS_PER_BLOCK = 4


class ResultError(RuntimeError):
    """The result of a run cannot be used; `failure_class` says whose fault that is."""

    def __init__(self, message: str, failure_class: str) -> None:
        super().__init__(message)
        self.failure_class = failure_class


def tell_measured(
    study: Study,
    run: int,
    *,
    metrics: Mapping[str, float],
    runs: list[Any],
    readback: Mapping[str, Any],
    tier: str = "none",
) -> Row:
    """Record a measurement; returns its row. ResultError where the result is not fit to be a datum."""
    row = _running(study, run)
    trial = study.trial(row["trial"])
    _check_readback(study.to_apply(trial["configuration"]), readback)
    complete = {name: float(value) for name, value in metrics.items()}
    if prices.METRIC in study.definition.scoring.metrics:
        cost = prices.vm_cost({**trial["configuration"], **readback}, study.definition.prices)
        if cost is None:
            raise ResultError(
                f"{prices.METRIC} needs the sizes of the machine, which were not read back", "infrastructure"
            )
        complete[prices.METRIC] = cost
    _check_metrics(study, row, complete)
    changes = {
        "status": "measured",
        "metrics": complete,
        "runs": runs,
        "readback": dict(readback),
        "tier": tier,
        "finished_at": study.clock(),
    }
    study.records.update(schema.measurements, changes, id=run)
    if row["purpose"] != "verification":
        study.records.update(schema.trials, {"status": "measured"}, study=study.name, number=row["trial"])
    elif row["position"] == _RUNS_PER_BLOCK - 1:
        study.records.update(schema.blocks, {"status": "complete"}, study=study.name, number=row["block"])
    study.records.update(schema.slots, {"trouble": 0}, study=study.name, host=row["slot"])
    return {**row, **changes}


def tell_failed(study: Study, run: int, *, failure_class: str | None, message: str, lost: bool, restored: bool) -> Row:
    """Record a failure; returns the measurement's row, with the class that was decided and what follows from it.

    `failure_class` is what the failing step said, if anything; `lost` that the machine stopped answering while it was
    measured; `restored` that the slot answers again on its baseline.
    """
    row = _running(study, run)
    decided = _classify(study, row, failure_class, lost=lost, restored=restored)
    changes = {"status": "failed", "failure_class": decided, "message": message, "finished_at": study.clock()}
    study.records.update(schema.measurements, changes, id=run)
    if decided == "infrastructure" or row["trial"] == BASELINE_TRIAL:
        _note_trouble(study, row["slot"], message, lost=not restored)
    if row["purpose"] == "verification":
        study.records.update(schema.blocks, {"status": "abandoned"}, study=study.name, number=row["block"])
        follows = "its block is run again"
    else:
        follows = _settle_trial(study, row, decided, message)
    return {**row, **changes, "follows": follows}


def _running(study: Study, run: int) -> Row:
    row = next((m for m in study.measurements if m["id"] == run), None)
    if row is None:
        raise StudyError(f"study {study.name!r} has no run {run}")
    if row["status"] != "running":
        raise StudyError(f"run {run} of study {study.name!r} is {row['status']} already")
    return row


def _check_readback(wanted: Mapping[str, Any], readback: Mapping[str, Any]) -> None:
    """What was applied must be what is in force."""
    wrong = [
        f"{name} should be {value!r} but " + (f"is {readback[name]!r}" if name in readback else "was not read back")
        for name, value in wanted.items()
        if name not in readback or not _same(value, readback[name])
    ]
    if wrong:
        raise ResultError("the machine is not in the configuration of the trial: " + "; ".join(wrong), "configuration")


def _same(wanted: Any, found: Any) -> bool:
    return bool(wanted == found or str(wanted) == str(found))


def _check_metrics(study: Study, row: Row, metrics: dict[str, float]) -> None:
    """Refuse what could not be scored, so that every stored measurement can be."""
    baseline = study.baseline_metrics
    if row["trial"] == BASELINE_TRIAL and not baseline:
        baseline = typical([metrics])
    try:
        study.definition.scoring.score(metrics, baseline)
    except MetricError as error:
        raise ResultError(str(error), "measurement") from None


def _classify(study: Study, row: Row, said: str | None, *, lost: bool, restored: bool) -> str:
    if said == "measurement":
        return said
    if not restored or said == "infrastructure" or row["trial"] == BASELINE_TRIAL:
        return "infrastructure"
    if lost and not any(m["trial"] == row["trial"] and m["status"] == "failed" for m in study.measurements):
        # One machine lost may be chance; the same configuration losing a second one is not.
        return "infrastructure"
    return "configuration"


def _note_trouble(study: Study, slot: str, message: str, *, lost: bool) -> None:
    trouble = next(s["trouble"] for s in study.slots if s["host"] == slot) + 1
    changes: dict[str, Any] = {"trouble": trouble, "message": message}
    if lost or trouble >= _TROUBLE_BEFORE_QUARANTINE:
        changes["status"] = "quarantined"
    study.records.update(schema.slots, changes, study=study.name, host=slot)


def _settle_trial(study: Study, row: Row, decided: str, message: str) -> str:
    """Run the trial again, or close it; returns what follows, in words."""
    if row["trial"] == BASELINE_TRIAL:
        return "the baseline is measured again"
    earlier = sum(m["trial"] == row["trial"] and m["failure_class"] == decided for m in study.measurements)
    allowed = {"measurement": 2, "infrastructure": _ATTEMPTS_PER_TRIAL, "configuration": 1}[decided]
    again = earlier + 1 < allowed
    changes = {"status": "pending"} if again else {"status": "failed", "failure_class": decided, "message": message}
    study.records.update(schema.trials, changes, study=study.name, number=row["trial"])
    if again:
        return "it is run again"
    return "learnt from" if decided == "configuration" else "given up"
