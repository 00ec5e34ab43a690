# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study as the store holds it: its rows, and what follows from them (baseline, scores, the engine's state).

Fitness is never stored: it follows from the measurements and the goals.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import Score, typical
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Row

BASELINE_TRIAL = 0


class StudyError(RuntimeError):
    """What was asked of the study is not possible in its present state; the message says what to do."""


class Study:
    """One study within one transaction. Rows are read once; whoever changes them calls `reread`."""

    def __init__(self, records: Records, name: str) -> None:
        row = records.first(schema.studies, name=name)
        if row is None:
            names = ", ".join(sorted(r["name"] for r in records.all(schema.studies))) or "none"
            raise StudyError(f"the store holds no study {name!r}; it holds: {names}")
        self.records = records
        self.name = name
        self.row = row
        self.definition = Definition(**row["definition"])

    def reread(self) -> Study:
        """The same study with its rows read afresh."""
        return Study(self.records, self.name)

    @cached_property
    def trials(self) -> list[Row]:
        return self.records.all(schema.trials, order_by="number", study=self.name)

    @cached_property
    def measurements(self) -> list[Row]:
        return self.records.all(schema.measurements, order_by="id", study=self.name)

    @cached_property
    def slots(self) -> list[Row]:
        return self.records.all(schema.slots, order_by="host", study=self.name)

    @cached_property
    def blocks(self) -> list[Row]:
        """The verification blocks of the present winner."""
        return self.records.all(schema.blocks, order_by="number", study=self.name, winner=self.row["winner"])

    @property
    def ready_slots(self) -> list[Row]:
        return [slot for slot in self.slots if slot["status"] == "ready"]

    def trial(self, number: int) -> Row:
        return next(trial for trial in self.trials if trial["number"] == number)

    def measured(self, trial: int, purposes: Iterable[str] = ("baseline", "search")) -> list[Row]:
        """The successful measurements of a trial."""
        wanted = tuple(purposes)
        return [m for m in self._measured_by_trial.get(trial, []) if m["purpose"] in wanted]

    @cached_property
    def _measured_by_trial(self) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = {}
        for measurement in self.measurements:
            if measurement["status"] == "measured":
                found.setdefault(measurement["trial"], []).append(measurement)
        return found

    @cached_property
    def baseline_metrics(self) -> dict[str, float]:
        """The typical metrics of the baseline; empty until it has been measured."""
        return typical([m["metrics"] for m in self.measured(BASELINE_TRIAL, ["baseline"])])

    def score(self, metrics: dict[str, float]) -> Score:
        """Fitness over the baseline, and violation of limits."""
        return self.definition.scoring.score(metrics, self.baseline_metrics)

    @cached_property
    def evolution(self) -> Evolution:
        """The engine with everything asked and told so far."""
        if self.row["harvest"] is None:
            raise StudyError(f"study {self.name!r} has no baseline configuration yet")
        evolution = self.definition.evolution(self.row["harvest"])
        for trial in self.trials:
            candidate = candidate_of(trial)
            evolution.restore(candidate)
            for measurement in self.measured(trial["number"]):
                score = self.score(measurement["metrics"])
                evolution.tell(candidate, score.fitness, violation=score.violation)
            # A trial given up because machines failed says nothing about its configuration.
            if trial["status"] == "failed" and trial["failure_class"] != "infrastructure":
                evolution.tell(candidate, None, failure=trial["failure_class"])
        return evolution

    def to_apply(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """What is applied for a configuration: parameters inactive in it are put back to the harvested values."""
        return {**(self.row["harvest"] or {}), **configuration}


def candidate_of(trial: Row) -> Candidate:
    """The engine's view of a stored trial."""
    return Candidate(
        trial["number"],
        trial["configuration"],
        trial["origin"],
        trial["generation"],
        tuple(trial["parents"]),
        trial["repeat_of"],
    )
