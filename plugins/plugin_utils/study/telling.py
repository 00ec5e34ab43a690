# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run gave: a measurement, or a failure and whose fault it was.

Classes of failure (DESIGN.md 5): configuration (it broke the machine or the application; learnt from), infrastructure
(the machine or the way to it; run again elsewhere), measurement (no trustworthy number; run again once).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import MetricError, typical
from ansible_collections.evolve.vm.plugins.plugin_utils.study import prices, schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import later, seconds_between
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import BASELINE_TRIAL, Study, StudyError

FAILURE_CLASSES = ("configuration", "infrastructure", "measurement")

# Infrastructure failures in a row after which a slot is no longer trusted, and after which a trial is given up.
_TROUBLE_BEFORE_QUARANTINE = 3
_ATTEMPTS_PER_TRIAL = 3
# A slot in quarantine is probed after this time, then after twice as long each time.
_PROBE_SECONDS, _LONGEST_PROBE_SECONDS = 60.0, 1800.0
_GIVEN_BACK = "its lease had ended, so it was given back before"
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
    benchmark_seconds: float | None = None,
    cut_short: str = "",
    trouble: Sequence[str] = (),
) -> Row:
    """Record a measurement; returns its row. ResultError where the result is not fit to be a datum.

    `tier` is what applying really cost; `benchmark_seconds` how long the benchmark took, with all it prepared;
    `cut_short` why fewer runs were made than the study asks for; `trouble` why something may not have been seen that
    was to be watched meanwhile.
    """
    row = _told_run(study, run, "measured", runs=runs) or _open_run(study, run)
    if row["status"] == "measured":
        return row
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
    _check_metrics(study, row, complete, trouble)
    finished_at = study.clock()
    changes: dict[str, Any] = {
        "status": "measured",
        "metrics": complete,
        "runs": runs,
        "readback": dict(readback),
        "tier": tier,
        "finished_at": finished_at,
        "message": f"cut short {cut_short}" if cut_short else None,
    }
    if benchmark_seconds is not None:
        elapsed = seconds_between(row["started_at"], finished_at)
        changes["apply_seconds"] = max(0.0, round(elapsed - benchmark_seconds, 3))
    late = row["status"] == "abandoned"
    if late and row["purpose"] == "verification":
        # Its block was given up with it.
        return {**row, **changes}
    study.records.update(schema.measurements, changes, id=run)
    if row["purpose"] != "verification":
        # A late result counts; where the trial was handed out again meanwhile, that reading comes on top.
        status = {"status": ("pending", "measured")} if late else {}
        study.records.update(schema.trials, {"status": "measured"}, study=study.name, number=row["trial"], **status)
    elif row["position"] == _RUNS_PER_BLOCK - 1:
        study.records.update(schema.blocks, {"status": "complete"}, study=study.name, number=row["block"])
    study.records.update(schema.slots, {"trouble": 0}, study=study.name, host=row["slot"])
    return {**row, **changes}


def tell_failed(study: Study, run: int, *, failure_class: str | None, message: str, lost: bool, restored: bool) -> Row:
    """Record a failure; returns the measurement's row, with the class that was decided and what follows from it.

    `failure_class` is what the failing step said, if anything; `lost` that the machine stopped answering while it was
    measured; `restored` that the slot answers again on its baseline.
    """
    row = _told_run(study, run, "failed", message=message) or _open_run(study, run)
    if row["status"] == "failed":
        return {**row, "follows": "told before"}
    if row["status"] == "abandoned":
        return {**row, "message": message, "failure_class": "infrastructure", "follows": _GIVEN_BACK}
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


def tell_restored(study: Study, slot: str, *, restored: bool, message: str) -> Row:
    """Record whether a slot is back on its baseline and answers; returns its row."""
    row = study.slot(slot)
    if row is None:
        raise StudyError(f"{slot} is not a slot of study {study.name!r}")
    changes: dict[str, Any] = {"applied": None}
    if not restored:
        changes = {"message": message, **_quarantine(study, row["trouble"] + 1)}
    elif row["status"] != "ready":
        # It is trusted again, but not as one that was never in trouble.
        changes |= {"status": "ready", "trouble": _TROUBLE_BEFORE_QUARANTINE - 1, "probe_at": None}
    study.records.update(schema.slots, changes, study=study.name, host=slot)
    return {**row, **changes}


def _told_run(study: Study, run: int, status: str, **same: Any) -> Row | None:
    """A run of which just that was told before, by one who could not know whether it had been written."""
    row = study.measurement(run)
    told = row is not None and row["status"] == status and all(row[name] == value for name, value in same.items())
    return row if told else None


def _open_run(study: Study, run: int) -> Row:
    """A run that may be told of: one that is under way, or whose lease had ended while it was."""
    row = study.measurement(run)
    if row is None:
        raise StudyError(f"study {study.name!r} has no run {run}")
    if row["status"] not in ("running", "abandoned"):
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


def _check_metrics(study: Study, row: Row, metrics: dict[str, float], trouble: Sequence[str]) -> None:
    """Refuse what could not be scored, so that every stored measurement can be."""
    baseline = study.baseline_metrics
    if row["trial"] == BASELINE_TRIAL and not baseline:
        baseline = typical([metrics])
    try:
        study.definition.scoring.score(metrics, baseline)
    except MetricError as error:
        raise ResultError("; ".join([str(error), *trouble]), "measurement") from None


def _classify(study: Study, row: Row, said: str | None, *, lost: bool, restored: bool) -> str:
    if said == "measurement":
        return said
    if not restored or said == "infrastructure" or row["trial"] == BASELINE_TRIAL:
        return "infrastructure"
    if lost and not any(m["status"] == "failed" for m in study.runs(row["trial"])):
        # One machine lost may be chance; the same configuration losing a second one is not.
        return "infrastructure"
    return "configuration"


def _note_trouble(study: Study, slot: str, message: str, *, lost: bool) -> None:
    state = study.slot(slot)
    trouble = (state["trouble"] if state else 0) + 1
    changes: dict[str, Any] = {"trouble": trouble, "message": message}
    if lost or trouble >= _TROUBLE_BEFORE_QUARANTINE:
        changes |= _quarantine(study, max(trouble, _TROUBLE_BEFORE_QUARANTINE))
    study.records.update(schema.slots, changes, study=study.name, host=slot)


def _quarantine(study: Study, trouble: int) -> dict[str, Any]:
    """Nothing more for a slot until it is probed, later each time."""
    seconds = _PROBE_SECONDS * 2.0 ** (trouble - _TROUBLE_BEFORE_QUARANTINE)
    probe_at = later(study.clock(), min(seconds, _LONGEST_PROBE_SECONDS))
    return {"status": "quarantined", "trouble": trouble, "probe_at": probe_at}


def _settle_trial(study: Study, row: Row, decided: str, message: str) -> str:
    """Run the trial again, or close it; returns what follows, in words."""
    if row["trial"] == BASELINE_TRIAL:
        return "the baseline is measured again"
    earlier = sum(m["failure_class"] == decided for m in study.runs(row["trial"]))
    allowed = {"measurement": 2, "infrastructure": _ATTEMPTS_PER_TRIAL, "configuration": 1}[decided]
    again = earlier + 1 < allowed
    changes = {"status": "pending"} if again else {"status": "failed", "failure_class": decided, "message": message}
    study.records.update(schema.trials, changes, study=study.name, number=row["trial"])
    if again:
        return "it is run again"
    return "learnt from" if decided == "configuration" else "given up"
