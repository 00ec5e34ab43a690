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
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.capacity import size_limits
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.engine import Engine
from ansible_collections.evolve.vm.plugins.plugin_utils.study.ledger import Ledger
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Row

BASELINE_TRIAL = 0


class StudyError(RuntimeError):
    """What was asked of the study is not possible in its present state; the message says what to do."""


class Study:
    """One study within one transaction. Rows are read once; whoever changes them calls `reread`.

    `clock` tells the present as the store writes it. `ledger` holds what this process has read in earlier transactions.
    """

    def __init__(
        self, records: Records, name: str, clock: Callable[[], str] | None = None, ledger: Ledger | None = None
    ) -> None:
        row = records.first(schema.studies, name=name)
        if row is None:
            names = ", ".join(sorted(r["name"] for r in records.all(schema.studies))) or "none"
            raise StudyError(f"the store holds no study {name!r}; it holds: {names}")
        self.records = records
        self.name = name
        self.clock = clock or records.now
        self.row = row
        self.ledger = ledger if ledger is not None else Ledger()
        self.ledger.refresh(records, row)
        self.definition = self.ledger.definition(row["definition"])

    def reread(self) -> Study:
        """The same study with its rows read afresh."""
        return Study(self.records, self.name, self.clock, self.ledger)

    def with_definition(self, definition: Definition) -> Study:
        """The same study as it would be with another definition; nothing is written."""
        other = Study(self.records, self.name, self.clock)
        other.definition = definition
        return other

    @cached_property
    def trials(self) -> list[Row]:
        return list(self.ledger.trials.values())

    @cached_property
    def measurements(self) -> list[Row]:
        return list(self.ledger.measurements.values())

    @cached_property
    def slots(self) -> list[Row]:
        return self.records.all(schema.slots, order_by="host", study=self.name)

    @cached_property
    def hosts(self) -> list[str]:
        """The names of the slots."""
        return self.records.column(schema.slots, "host", study=self.name)

    @cached_property
    def hypervisors(self) -> list[Row]:
        return self.records.all(schema.hypervisors, order_by="name", study=self.name)

    @cached_property
    def blocks(self) -> list[Row]:
        """The verification blocks of the present winner."""
        return self.records.all(schema.blocks, order_by="number", study=self.name, winner=self.row["winner"])

    @property
    def ready_slots(self) -> list[Row]:
        return [slot for slot in self.slots if slot["status"] == "ready"]

    def trial(self, number: int) -> Row:
        return self.ledger.trials[number]

    def measurement(self, identifier: int) -> Row | None:
        return self.ledger.measurements.get(identifier)

    def slot(self, host: str) -> Row | None:
        """The slot of this name."""
        if "slots" in self.__dict__:  # all of them were read
            return next((slot for slot in self.slots if slot["host"] == host), None)
        return self.records.first(schema.slots, study=self.name, host=host)

    def neighbours(self, slot: Row) -> list[Row]:
        """The slots on the same hypervisor, itself among them; none where that is not known."""
        hypervisor = slot["hypervisor"]
        return [] if hypervisor is None else self.records.all(schema.slots, study=self.name, hypervisor=hypervisor)

    def is_held(self, host: str, controller: str) -> bool:
        """Whether a slot is this controller's."""
        slot = self.slot(host)
        return slot is not None and slot["controller"] == controller

    def measured(self, trial: int, purposes: Iterable[str] = ("baseline", "search")) -> list[Row]:
        """The successful measurements of a trial."""
        wanted = tuple(purposes)
        return [m for m in self.runs(trial) if m["status"] == "measured" and m["purpose"] in wanted]

    def evidence(self, trial: int) -> list[Row]:
        """The successful measurements of a trial's configuration: its own, then those of trials that repeat it."""
        return [m for number in (trial, *self.ledger.repeats.get(trial, ())) for m in self.measured(number)]

    def runs(self, trial: int) -> list[Row]:
        """The measurements of a trial, whatever became of them."""
        return list(self.ledger.runs.get(trial, {}).values())

    @property
    def running(self) -> list[Row]:
        """The runs that are under way."""
        return [m for m in self.measurements if m["status"] == "running"]

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
        if self.ledger.engine is None or not self.ledger.engine.serves(self):
            self.ledger.engine = Engine(self)
        return self.ledger.engine.update(self)

    @cached_property
    def size_limits(self) -> list[str]:
        """Constraints on the size of a machine that follow from what the hypervisors can hold."""
        # What is applied to the slots does not matter here, and of a thousand it takes long to read.
        places = self.records.column(schema.slots, "hypervisor", study=self.name)
        slots = [{"hypervisor": place} for place in places]
        return size_limits(self.definition.overcommit, self.hypervisors, slots, self.row["harvest"] or {})

    def to_apply(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """What is applied for a configuration: parameters inactive in it are put back to the harvested values."""
        return {**(self.row["harvest"] or {}), **configuration}
