# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small study in a store of its own, and hands to play it through without Ansible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Answer, Run, ask
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import now
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import Definition, read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.leases import Controller
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import Opened, open_study, take_baseline
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study
from ansible_collections.evolve.vm.plugins.plugin_utils.study.telling import tell_failed, tell_measured

VARIABLES: dict[str, Any] = {
    "name": "small",
    "parameters": {
        "vm.vcpus": {"type": "int", "range": [1, 8]},
        "vm.disk.cache": {"type": "choice", "values": ["none", "writeback"]},
        "kernel.sysctl.vm.swappiness": {"type": "int", "range": [0, 100]},
    },
    "constraints": ["vm.vcpus >= 2 or vm.disk.cache == 'none'"],
    "goals": [
        {"metric": "cpu_events_per_second", "direction": "maximize", "weight": 3},
        {"metric": "vm_cost", "direction": "minimize"},
    ],
    "benchmark": {"name": "sysbench", "tests": ["cpu"]},
    "budget": {"trials": 12},
    "algorithm_options": {"population": 5},
    "verification": {"blocks": 2},
}
BASELINE = {"vm.vcpus": 2, "vm.disk.cache": "writeback", "kernel.sysctl.vm.swappiness": 60}
SIZES = {"vm.memory_mib": 1024}


def speed(configuration: dict[str, Any]) -> float:
    """A noise-free benchmark: four vCPUs without swapping are best."""
    return 1000.0 * math.exp(
        -0.05 * abs(configuration["vm.vcpus"] - 4) - configuration["kernel.sysctl.vm.swappiness"] / 400
    )


# Runs a test once on each database that a store may live in.
on_both = pytest.mark.parametrize("store_url", ["sqlite", "postgresql"], indirect=True)


# Of a machine that is not this one, so that nothing is known of its process.
CONTROLLER = Controller("elsewhere", 1, "1")


class Player:
    """Plays slots against a store, one transaction an act, as the actions do."""

    def __init__(
        self,
        store: Store,
        definition: Definition,
        hosts: tuple[str, ...] = ("s1", "s2"),
        controller: Controller = CONTROLLER,
    ) -> None:
        self.store = store
        self.definition = definition
        self.hosts = hosts
        self.controller = controller
        self.clock = now

    def open(self, founders: dict[str, dict[str, Any]] | None = None, **options: Any) -> Opened:
        with self.store.transaction(self.definition.name) as records:
            opened = self.create(records, **options)
        if opened.study.row["harvest"] is None:
            with self.store.transaction(self.definition.name) as records:
                readings = {host: {**BASELINE, **SIZES} for host in self.hosts}
                take_baseline(Study(records, self.definition.name, self.clock), readings, founders=founders)
        return opened

    def create(self, records: Records, **options: Any) -> Opened:
        """Open the study within a transaction, and leave its baseline to others."""
        given = {"version": "0.0.0", "lease_seconds": 60.0, **options}
        return open_study(records, self.definition, self.hosts, self.controller, **given)

    def ask(self, slot: str = "s1", phase: str = "search") -> Answer:
        with self.store.transaction(self.definition.name) as records:
            return ask(Study(records, self.definition.name, self.clock), slot, phase, self.controller)

    def measure(self, run: Run, factor: float = 1.0, **changes: Any) -> dict[str, Any]:
        given: dict[str, Any] = {
            "metrics": {"cpu_events_per_second": factor * speed(run.configuration)},
            "runs": [{}],
            "readback": {**run.configuration, **SIZES},
            **changes,
        }
        with self.store.transaction(self.definition.name) as records:
            return tell_measured(Study(records, self.definition.name, self.clock), run.id, **given)

    def fail(
        self, run: Run, failure_class: str | None = None, *, lost: bool = False, restored: bool = True
    ) -> dict[str, Any]:
        with self.store.transaction(self.definition.name) as records:
            study = Study(records, self.definition.name, self.clock)
            return tell_failed(
                study, run.id, failure_class=failure_class, message="it broke", lost=lost, restored=restored
            )

    def play(self, phase: str, factor: float = 1.0) -> list[Run]:
        """Let all slots run in turn until the phase has nothing left."""
        runs: list[Run] = []
        busy = True
        while busy:
            busy = False
            for host in self.hosts:
                run = self.ask(host, phase)
                if isinstance(run, Run):
                    self.measure(run, factor)
                    runs.append(run)
                    busy = True
        return runs

    def study(self) -> Study:
        """A view for looking at; its transaction is over."""
        with self.store.transaction() as records:
            study = Study(records, self.definition.name, self.clock)
            for name in (
                "trials",
                "measurements",
                "slots",
                "hosts",
                "hypervisors",
                "blocks",
                "baseline_metrics",
                "size_limits",
            ):
                getattr(study, name)
        return study


@pytest.fixture
def variables() -> dict[str, Any]:
    return {**VARIABLES}


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: SQLite, but where the test is marked `on_both`."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return str(request.getfixturevalue("postgresql_database"))
    return f"sqlite:///{tmp_path}/evolve.sqlite"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = Store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def player(store: Store, variables: dict[str, Any]) -> Player:
    return Player(store, read_definition(variables))
