# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell a study what a run gave."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.module_utils.changes import costliest
from ansible_collections.evolve.vm.plugins.plugin_utils.controller_action import (
    STUDY_OPTIONS,
    ControllerAction,
    folder_of,
    stored_study,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import InputError
from ansible_collections.evolve.vm.plugins.plugin_utils.files import FileError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.spool import SpoolError, spool_for
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import plain
from ansible_collections.evolve.vm.plugins.plugin_utils.study.individuals import write_individual
from ansible_collections.evolve.vm.plugins.plugin_utils.study.progress import failed_line, measured_line
from ansible_collections.evolve.vm.plugins.plugin_utils.study.run_points import run_points
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study
from ansible_collections.evolve.vm.plugins.plugin_utils.study.telling import (
    FAILURE_CLASSES,
    ResultError,
    tell_failed,
    tell_measured,
    tell_restored,
)


class ActionModule(ControllerAction):
    """Records a measurement, or a failure with the class it belongs to."""

    PATIENT = True
    OPTIONS: ClassVar[Mapping[str, Any]] = {
        **STUDY_OPTIONS,
        "run": {"type": "int"},
        "slot": {"type": "str"},
        "applied": {"type": "list", "elements": "dict", "default": []},
        "benchmark": {"type": "dict", "default": {}},
        "watched": {"type": "dict", "default": {}},
        "database": {"type": "dict", "no_log": True},
        "failure": {"type": "dict"},
        "restored": {"type": "bool", "default": False},
    }

    def act(self, options: dict[str, Any]) -> dict[str, Any]:
        if (options["run"] is None) == (options["slot"] is None):
            return {"failed": True, "msg": "give either run, the result of which is told, or slot, which was restored"}
        if options["slot"] is not None:
            return self._restored(options)
        if options["failure"] is not None:
            return self._failed(options)
        try:
            return self._measured(options)
        except ResultError as error:
            return {"failed": True, "msg": str(error), "failure_class": error.failure_class}

    @staticmethod
    def _measured(options: dict[str, Any]) -> dict[str, Any]:
        steps = [step for step in options["applied"] if not step.get("skipped")]
        benchmark = options["benchmark"]
        if benchmark.get("unreachable") and benchmark.get("place"):
            # The load generator is at fault, and neither the slot nor its configuration.
            said = f"{benchmark['place']} stopped answering: {benchmark.get('msg', 'unreachable')}"
            return {"failed": True, "msg": said, "failure_class": "infrastructure"}
        for step in [*steps, benchmark]:
            if step.get("unreachable"):
                return {
                    "failed": True,
                    "lost": True,
                    "msg": f"the slot stopped answering: {step.get('msg', 'unreachable')}",
                }
        metrics = benchmark.get("metrics")
        if not isinstance(metrics, Mapping) or not metrics:
            return {"failed": True, "msg": "the benchmark gave no metrics", "failure_class": "measurement"}
        readback = {name: value for step in steps for name, value in step.get("readback", {}).items()}
        tier = costliest(step.get("tier", "none") for step in steps)
        watched = options["watched"]
        with stored_study(options) as study:
            row = tell_measured(
                study,
                options["run"],
                metrics={**watched.get("metrics", {}), **metrics},
                runs=list(benchmark.get("runs", [])),
                readback=readback,
                tier=tier,
                benchmark_seconds=_seconds(benchmark.get("seconds"), watched.get("seconds", 0.0)),
                cut_short=str(benchmark.get("cut_short") or ""),
                trouble=list(watched.get("problems", ())),
            )
            after = study.reread()
            line = measured_line(after, row)
            points = run_points(after, row, metrics, _ended_ms(benchmark)) if options["database"] else []
        problems = [*_spool(options, points), *_write_files(options, after, row)]
        warnings = {"warnings": problems} if problems else {}
        return {"changed": True, "metrics": row["metrics"], "progress": line, **warnings}

    @staticmethod
    def _failed(options: dict[str, Any]) -> dict[str, Any]:
        failure = options["failure"]
        said = failure.get("failure_class")
        with stored_study(options) as study:
            row = tell_failed(
                study,
                options["run"],
                failure_class=said if said in FAILURE_CLASSES else None,
                message=str(failure.get("msg") or "no message"),
                lost=bool(failure.get("lost") or failure.get("unreachable")),
                restored=options["restored"],
            )
            after = study.reread()
            line = failed_line(after, row)
        told = {"changed": True, "failure_class": row["failure_class"], "progress": line}
        problems = _write_files(options, after, row)
        return {**told, **({"warnings": problems} if problems else {})}

    @staticmethod
    def _restored(options: dict[str, Any]) -> dict[str, Any]:
        slot, message = options["slot"], str((options["failure"] or {}).get("msg") or "it does not answer")
        with stored_study(options) as study:
            before = study.slot(slot)
            row = tell_restored(study, slot, restored=options["restored"], message=message)
        if row["status"] == "quarantined":
            return {"changed": True, "progress": f"{slot} is still in quarantine: {message}"}
        back = before is not None and before["status"] == "quarantined"
        return {"changed": True, **({"progress": f"{slot} answers again and is taken back"} if back else {})}


def _seconds(benchmark: Any, watched: Any) -> float | None:
    """How long the measuring took, with the collecting of what was watched meanwhile."""
    return float(benchmark) + float(watched) if is_number(benchmark) else None


def _ended_ms(benchmark: Mapping[str, Any]) -> int:
    """When its last run ended; the present where it does not say so."""
    return int(benchmark.get("ended_ms") or time.time_ns() // 1_000_000)


def _spool(options: dict[str, Any], points: list[Point]) -> list[str]:
    """Leave points for whoever sends next. What was told must not be undone by that: trouble is a warning."""
    try:
        if points:
            spool_for(options["home"], read_connection(plain(options["database"]), "database")).add(points)
    except (SpoolError, InputError) as error:
        return [str(error)]
    return []


def _write_files(options: dict[str, Any], study: Study, row: Row) -> list[str]:
    """Bring the trial's file up to date, and that of the one it repeats.

    Only after the transaction: nobody should wait for the store meanwhile, and a file that fails must not undo what was
    told. It is a warning.
    """
    again = study.trial(row["trial"])["repeat_of"]
    try:
        for number in (row["trial"], *([] if again is None else [again])):
            write_individual(folder_of(options), study, number)
    except FileError as error:
        return [str(error)]
    return []
