# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who works on a study: each controller holds a lease on its slots and on what runs on them.

A controller renews its lease while it lives. When the lease has run out, or its process is known to be gone, what it
held goes back: its runs to the pool, its slots to whoever opens the study next.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import later, seconds_between
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Row
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study

_NEVER_FINISHED = "the controller stopped before it was finished"


@dataclass(frozen=True)
class Controller:
    """An ansible-playbook at work. `started` tells its process from a later one with the same number."""

    host: str
    pid: int
    started: str | None

    @classmethod
    def present(cls) -> Controller:
        """The controller that this process is, or that it was forked from as a worker."""
        pid = os.getpid() if multiprocessing.parent_process() is None else os.getppid()
        return cls(platform.node(), pid, _process_start(pid))

    @property
    def id(self) -> str:
        return f"{self.host}:{self.pid}:{self.started}"

    @property
    def gone(self) -> bool:
        """Whether it is known to have ended; of another machine's processes nothing is known."""
        known = self.host == platform.node() and self.started is not None
        return known and _process_start(self.pid) != self.started


def join(study: Study, controller: Controller, seconds: float, *, stopping: bool = False) -> None:
    """Take a lease that ends in `seconds` unless it is renewed."""
    present = study.clock()
    row: Row = {"seen_at": present, "lease_seconds": seconds, "lease_until": later(present, seconds)}
    row |= {"ended_at": None, "stopping": stopping}
    if not study.records.update(schema.controllers, row, id=controller.id, study=study.name):
        identity = {"id": controller.id, "host": controller.host, "pid": controller.pid, "started": controller.started}
        study.records.insert(schema.controllers, study=study.name, begun_at=present, **identity, **row)


def renew(study: Study, controller: Controller) -> float | None:
    """Say that the controller lives; returns the length of its lease in seconds, or None where it has none any more."""
    row = _row(study, controller)
    if row is None or row["ended_at"] is not None:
        return None
    present = study.clock()
    changes = {"seen_at": present, "lease_until": later(present, row["lease_seconds"])}
    study.records.update(schema.controllers, changes, id=controller.id, study=study.name)
    return float(row["lease_seconds"])


def come_back(study: Study, controller: Controller) -> None:
    """Take a new lease where the old one was ended by others, who took this controller for dead."""
    row = _row(study, controller)
    if row is not None and row["ended_at"] is not None:
        join(study, controller, row["lease_seconds"], stopping=row["stopping"])


def stop(study: Study, controller: Controller, *, give_back: bool) -> None:
    """Hand out nothing more to this controller; with `give_back` what it runs is done again later."""
    study.records.update(schema.controllers, {"stopping": True}, id=controller.id, study=study.name)
    if give_back:
        give_back_runs(study, controller.id, "cut short on request")


def is_stopping(study: Study, controller: Controller) -> bool:
    """Whether the controller was asked to stop."""
    row = _row(study, controller)
    return bool(row and row["stopping"])


def leave(study: Study, controller: Controller) -> int:
    """End the lease and give back what it held; returns how many runs were under way."""
    return _end(study, controller.id)


def give_up_lost(study: Study) -> int:
    """End the leases that have run out, and those of processes that are gone; returns how many runs were under way."""
    present = study.clock()
    lost = [
        row["id"]
        for row in living(study)
        if row["lease_until"] < present or Controller(row["host"], row["pid"], row["started"]).gone
    ]
    return sum(_end(study, controller) for controller in lost)


def living(study: Study) -> list[Row]:
    """The controllers whose lease was not ended."""
    return study.records.all(schema.controllers, order_by="begun_at", study=study.name, ended_at=None)


def give_back_runs(study: Study, controller: str, message: str, slot: str | None = None) -> int:
    """Put what a controller runs (on one slot, or on all) back into the pool; returns how many runs that were."""
    runs = [m for m in study.reread().running if m["controller"] == controller and slot in (None, m["slot"])]
    records, name = study.records, study.name
    changes = {"status": "abandoned", "finished_at": study.clock(), "message": message}
    for run in runs:
        records.update(schema.measurements, changes, id=run["id"])
        records.update(schema.trials, {"status": "pending"}, study=name, number=run["trial"], status="running")
    for host in {run["slot"] for run in runs}:
        records.update(schema.blocks, {"status": "abandoned"}, study=name, slot=host, status="open")
    return len(runs)


def seconds_left(study: Study, controller: str) -> float:
    """How long the lease of a controller lasts unless it is renewed; 0.0 where it has none."""
    row = study.records.first(schema.controllers, id=controller, study=study.name)
    return 0.0 if row is None or row["ended_at"] else max(0.0, seconds_between(study.clock(), row["lease_until"]))


def _row(study: Study, controller: Controller) -> Row | None:
    return study.records.first(schema.controllers, id=controller.id, study=study.name)


def _end(study: Study, controller: str) -> int:
    records, name = study.records, study.name
    runs = give_back_runs(study, controller, _NEVER_FINISHED)
    for slot in study.reread().slots:
        if slot["controller"] == controller:
            records.update(schema.blocks, {"status": "abandoned"}, study=name, slot=slot["host"], status="open")
    records.update(schema.slots, {"controller": None, "waiting": False}, study=name, controller=controller)
    records.update(schema.controllers, {"ended_at": study.clock()}, id=controller, study=name)
    return runs


def _process_start(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; None where there is none, or no /proc."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
