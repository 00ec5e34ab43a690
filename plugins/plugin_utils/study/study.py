# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A study as the store holds it: its rows, and what follows from them (baseline, scores, the engine's state).

Fitness is never stored: it follows from the measurements and the goals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.evolution import Evolution
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.fitness import Score, typical
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import now
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.earlier import earlier_of
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Row

BASELINE_TRIAL = 0


class StudyError(RuntimeError):
    """What was asked of the study is not possible in its present state; the message says what to do."""


class Study:
    """One study within one transaction. Rows are read once; whoever changes them calls `reread`.

    `clock` tells the present as the store writes it.
    """

    def __init__(self, records: Records, name: str, clock: Callable[[], str] = now) -> None:
        row = records.first(schema.studies, name=name)
        if row is None:
            names = ", ".join(sorted(r["name"] for r in records.all(schema.studies))) or "none"
            raise StudyError(f"the store holds no study {name!r}; it holds: {names}")
        self.records = records
        self.name = name
        self.clock = clock
        self.row = row
        self.definition = Definition(**row["definition"])

    def reread(self) -> Study:
        """The same study with its rows read afresh."""
        return Study(self.records, self.name, self.clock)

    def with_definition(self, definition: Definition) -> Study:
        """The same study as it would be with another definition; nothing is written."""
        other = self.reread()
        other.definition = definition
        return other

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
        return [m for m in self.runs(trial) if m["status"] == "measured" and m["purpose"] in wanted]

    def evidence(self, trial: int) -> list[Row]:
        """The successful measurements of a trial's configuration: its own, then those of trials that repeat it."""
        return [m for number in (trial, *self._repeats.get(trial, ())) for m in self.measured(number)]

    def runs(self, trial: int) -> list[Row]:
        """The measurements of a trial, whatever became of them."""
        return self._runs_by_trial.get(trial, [])

    @cached_property
    def _runs_by_trial(self) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = {}
        for measurement in self.measurements:
            found.setdefault(measurement["trial"], []).append(measurement)
        return found

    @cached_property
    def _repeats(self) -> dict[int, list[int]]:
        """For each trial that was measured again, the numbers of the trials that did."""
        found: dict[int, list[int]] = {}
        for trial in self.trials:
            if trial["repeat_of"] is not None:
                found.setdefault(trial["repeat_of"], []).append(trial["number"])
        return found

    @cached_property
    def baseline_metrics(self) -> dict[str, float]:
        """The typical metrics of the baseline, over everything the search read of it; empty until it was measured."""
        return typical([m["metrics"] for m in self.evidence(BASELINE_TRIAL)])

    def score(self, metrics: dict[str, float]) -> Score:
        """Fitness over the baseline, and violation of limits."""
        return self.definition.scoring.score(metrics, self.baseline_metrics)

    @cached_property
    def evolution(self) -> Evolution:
        """The engine with everything asked and told so far."""
        if self.row["harvest"] is None:
            raise StudyError(f"study {self.name!r} has no baseline configuration yet")
        learned = self.row["learned"] or {}
        evolution = self.definition.evolution(
            self.row["harvest"],
            founders=[founder["values"] for founder in learned.get("founders", ())],
            earlier=earlier_of(learned, self.definition.scoring),
        )
        for trial in self.trials:
            candidate = candidate_of(trial)
            evolution.restore(candidate)
            for measurement in self.measured(trial["number"]):
                score = self.score(measurement["metrics"])
                evolution.tell(candidate, score.fitness, violation=score.violation, slot=measurement["slot"])
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
