# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies whose fitness is what was watched of real machines, from each kind of database; and agents in real guests."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling.libvirt_source import LibvirtSource
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Window, tagged
from ansible_collections.evolve.vm.plugins.plugin_utils.study.embedded import Embedded
from ansible_collections.evolve.vm.tests.influxdb_server import influxdb_server
from ansible_collections.evolve.vm.tests.prometheus_servers import prometheus_server, victoriametrics_server

from .conftest import NAME, REPOSITORY, ansible

USED = "memory_used_percent"
# The same four configurations whoever measures them: the initial population knows no measurement yet.
STUDY: dict[str, Any] = {
    "evolve_parameters": {"vm.memory_mib": {"type": "int", "range": [448, 1024], "step": 192}},
    "evolve_constraints": [],
    "evolve_goals": [
        {"metric": USED, "direction": "minimize", "weight": 3},
        {"metric": "availability_percent", "direction": "maximize"},
    ],
    "evolve_benchmark": {"name": "sysbench", "tests": ["cpu"], "seconds": 5, "warmup_seconds": 0, "repeats": 1},
    "evolve_budget": {"trials": 4},
    "evolve_algorithm_options": {"population": 4},
    "evolve_baseline_repeats": 2,
    "evolve_verification": {"blocks": 1},
    "evolve_monitoring": {"interval": 1, "probes": [{"kind": "tcp", "port": 22}]},
    "evolve_early_abort": False,
}
SOURCES = ("embedded", "influxdb", "prometheus", "victoriametrics")


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """Options that connect to a real server of each kind."""
    folder = tmp_path_factory.mktemp("databases")
    with ExitStack() as stack:
        influxdb = stack.enter_context(influxdb_server(folder / "influxdb")).url
        prometheus = stack.enter_context(prometheus_server(folder / "prometheus")).url
        victoriametrics = stack.enter_context(victoriametrics_server(folder / "victoriametrics")).url
        yield {
            "embedded": {},
            "influxdb": {"kind": "influxdb", "url": influxdb, "database": "evolve"},
            "prometheus": {"kind": "prometheus", "url": prometheus},
            "victoriametrics": {"kind": "victoriametrics", "url": victoriametrics},
        }


def study(home: Path, source: str, database: dict[str, Any]) -> str:
    """Runs the study; returns what it printed."""
    variables = {
        **STUDY,
        "evolve_study": f"watched-{source}",
        "evolve_home": str(home),
        "evolve_monitoring_database": database,
    }
    playbook = str(REPOSITORY / "playbooks" / "evolve.yml")
    run = ansible("ansible-playbook", playbook, "-e", json.dumps(variables), timeout=600)
    assert run.returncode == 0, run.stdout
    return run.stdout


def readings(home: Path, source: str) -> list[dict[str, Any]]:
    query = (
        "select t.number, t.configuration, m.metrics, m.slot from measurements m"
        " join trials t on t.study = m.study and t.number = m.trial"
        " where m.study = ? and m.purpose != 'verification' and m.status = 'measured' and t.repeat_of is null"
    )
    with sqlite3.connect(home / "evolve.sqlite") as connection:
        rows = connection.execute(query, (f"watched-{source}",)).fetchall()
    return [
        {
            "trial": trial,
            "memory_mib": json.loads(configuration)["vm.memory_mib"],
            "slot": slot,
            **json.loads(metrics),
        }
        for trial, configuration, metrics, slot in rows
    ]


@pytest.fixture(scope="module")
def home(lab: Path, databases: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study with each source of fitness, one after the other."""
    folder = tmp_path_factory.mktemp("home")
    for source in SOURCES:
        printed = study(folder, source, databases[source])
        assert "wait on this controller" not in printed, printed
    return folder


def test_every_source_of_fitness_ranks_alike(home: Path) -> None:
    used: dict[str, dict[int, list[float]]] = {source: {} for source in SOURCES}
    for source in SOURCES:
        for each in readings(home, source):
            # Where this host is busy an answer may come too late, and sometimes a reading is left out.
            assert each["availability_percent"] >= 50
            assert each["network_latency_ms"] > 0
            assert each["memory_used_mib"] > 50
            assert each["cpu_utilisation_percent"] > 10
            used[source].setdefault(each["memory_mib"], []).append(each[USED])

    def ranking(found: dict[int, list[float]]) -> list[int]:
        return sorted(found, key=lambda memory_mib: mean(found[memory_mib]))

    # What the guest uses is the same, so that its share falls with what it has.
    largest_first = sorted(used["embedded"], reverse=True)
    assert [ranking(found) for found in used.values()] == [largest_first] * len(SOURCES), used
    assert len(largest_first) >= 3


def test_a_metric_is_the_mean_of_the_points_of_the_run(home: Path) -> None:
    store = Embedded(f"sqlite:///{home}/evolve.sqlite")
    for each in readings(home, "embedded"):
        tags = tagged(host=each["slot"], trial=str(each["trial"]), study="watched-embedded")
        (series,) = store.read(Selector("evolve_vm", USED, tags), Window(0, 10**14))
        times = [at_ms for at_ms, _value in series.points]
        values = [value for _at_ms, value in series.points]
        assert times
        # A tick is left out where this host is busy, and never moved.
        assert all(round((later - earlier) / 1000) >= 1 for earlier, later in pairwise(times))
        assert min(values) <= each[USED] <= max(values)


def test_the_sampler_ends_with_the_study(home: Path) -> None:
    folder = "paths=/run/evolve.vm/sampling file_type=any"
    listing = ansible("ansible", "lab-hypervisor", "-b", "-m", "ansible.builtin.find", "-a", folder)
    assert listing.returncode == 0, listing.stdout
    assert not any(f"watched-{source}" in listing.stdout for source in SOURCES), listing.stdout


def test_one_call_for_all_machines_counts_what_a_call_for_each_does(lab: Path) -> None:
    names = [f"{NAME}-slot-1", f"{NAME}-slot-2"]
    at_once, one_by_one = LibvirtSource("qemu:///system", 1.0), LibvirtSource("qemu:///system", 1.0)
    at_once.open()
    one_by_one.open()
    assert at_once._in_bulk, "QEMU has bulk statistics"
    one_by_one._in_bulk = 0
    try:
        first, second, third = at_once.read(names), one_by_one.read(names), at_once.read(names)
    finally:
        at_once.close()
        one_by_one.close()
    for name in names:
        before, between, after = (Counted(each.machines[name]) for each in (first, second, third))
        assert set(before.values) == set(after.values)
        # Nobody but the bulk statistics knows how long a vCPU waited for the host.
        assert set(before.values) - set(between.values) <= {key for key in before.values if "delay" in key}
        for key, value in between.values.items():
            assert before.values[key] <= value <= after.values[key], key


class Counted:
    """The counters of a reading, by what they count. Memory is none: it rises and falls."""

    def __init__(self, reading: Any) -> None:
        parts = {"processor": reading.processors, "disk": reading.disks, "interface": reading.interfaces}
        self.values = {
            f"{part} {name} {field}": value
            for part, found in parts.items()
            for name, counters in found.items()
            for field, value in counters._asdict().items()
            if value is not None
        }
