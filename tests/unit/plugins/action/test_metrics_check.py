# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook monitor and the action metrics_check: whether points really arrive, in real databases of real agents."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.tests.influxdb_server import influxdb_server
from ansible_collections.evolve.vm.tests.monitored_machine import NAME, ROOT, MonitoredMachine
from ansible_collections.evolve.vm.tests.prometheus_servers import prometheus_server
from ansible_collections.evolve.vm.tests.servers import free_port

PLAYBOOK = ROOT / "playbooks" / "monitor.yml"
SECRET = "never-shown"


@pytest.fixture
def machine(tmp_path: Path) -> MonitoredMachine:
    return MonitoredMachine(tmp_path)


def check(machine: MonitoredMachine, **options: Any) -> tuple[int, str]:
    """The action alone."""
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{"evolve.vm.metrics_check": options}]}]
    path = machine.folder / "check.yml"
    path.write_text(json.dumps(play))
    return machine.run(path)


def test_the_playbook_installs_and_sees_points_arrive(machine: MonitoredMachine, tmp_path: Path):
    port = free_port()
    given = {
        "evolve_monitored": "all",
        "monitoring_interval": 1,
        "monitoring_database": {"kind": "prometheus", "url": f"http://127.0.0.1:{port}"},
        "monitoring_probes": [{"name": "loop", "kind": "icmp", "target": "127.0.0.1"}],
    }
    code, output = machine.run(PLAYBOOK, **given, evolve_monitoring_check=False)
    assert code == 0, output
    config = (machine.scrape / "prometheus.yml").read_text()
    with machine.running(), prometheus_server(tmp_path / "prometheus", config=config) as server:
        given["monitoring_database"] = {"kind": "prometheus", "url": server.url}
        code, output = machine.run(PLAYBOOK, **given)
        assert code == 0, output
        assert f"{NAME}: 15 metrics of node_exporter arrive in Prometheus at {server.url}." in output
    code, output = machine.run(PLAYBOOK, **given, monitoring_state="absent")
    assert code == 0, output
    assert not machine.settings.exists()


def test_what_does_not_arrive_is_named_with_what_to_look_at(machine: MonitoredMachine, tmp_path: Path):
    with prometheus_server(tmp_path / "prometheus") as server:
        connection = {"kind": "prometheus", "url": server.url}
        code, output = check(machine, connection=connection, agent="node_exporter", timeout_seconds=0)
    assert code != 0
    assert f"{NAME}: 0 of 13 metrics of node_exporter arrive" in output
    assert "Missing: cpu_utilisation_percent" in output
    assert "(there is no series node_cpu_seconds_total, " in output
    assert "Look at: the page /targets of Prometheus" in output


def test_stale_points_and_those_of_the_future_are_told_apart_from_none(machine: MonitoredMachine, tmp_path: Path):
    now = time.time_ns()
    lines = []
    for state in ("idle", "wait", "steal"):
        lines.append(f"cpu_value,host={NAME},type=percent,type_instance={state} value=1 {now - 300 * 10**9}")
    for kind in ("used", "slab_unrecl", "free", "buffered", "cached", "slab_recl"):
        lines.append(f"memory_value,host={NAME},type=memory,type_instance={kind} value=1 {now + 3600 * 10**9}")
    with influxdb_server(tmp_path / "influxdb") as server:
        server.put("\n".join(lines))
        connection = {"kind": "influxdb", "url": server.url, "database": "evolve"}
        code, output = check(machine, connection=connection, agent="collectd", interval_seconds=10, timeout_seconds=0)
    assert code != 0
    assert f"{NAME}: 0 of 11 metrics of collectd arrive in InfluxDB at {server.url}." in output
    assert "Missing: disk_read_operations_per_second" in output
    assert "Stale: cpu_utilisation_percent, cpu_steal_percent, cpu_wait_percent (the newest points are 3" in output
    assert "In the future: memory_used_mib, memory_used_percent (by up to 3" in output
    assert "the section [[collectd]]" in output


def test_a_database_that_is_not_there_is_said_without_its_secret(machine: MonitoredMachine):
    connection = {
        "kind": "influxdb",
        "url": f"http://127.0.0.1:{free_port()}",
        "database": "evolve",
        "username": "reader",
        "password": SECRET,
        "retries": 0,
    }
    code, output = check(machine, connection=connection, agent="collectd", timeout_seconds=60)
    assert code != 0
    assert "does not answer" in output
    assert SECRET not in output


def test_a_clock_that_is_ahead_is_told(machine: MonitoredMachine, tmp_path: Path):
    # On the way to the machine's `date` lies one that is wrong by a known time.
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "date").write_text('#!/bin/sh\nPATH=/usr/bin:/bin exec date --date="37 seconds" "$@"\n')
    (programs / "date").chmod(0o755)
    (programs / "shell").write_text(f'#!/bin/sh\nPATH={programs}:$PATH exec /bin/sh "$@"\n')
    (programs / "shell").chmod(0o755)
    with influxdb_server(tmp_path / "influxdb") as server:
        connection = {"kind": "influxdb", "url": server.url, "database": "evolve"}
        play = [
            {
                "hosts": "all",
                "gather_facts": False,
                "vars": {"ansible_shell_executable": str(programs / "shell")},
                "tasks": [
                    {"evolve.vm.metrics_check": {"connection": connection, "agent": "telegraf", "timeout_seconds": 0}}
                ],
            }
        ]
        (tmp_path / "check.yml").write_text(json.dumps(play))
        code, output = machine.run(tmp_path / "check.yml")
    assert code != 0
    assert f"The clock of {NAME} is 37." in output or f"The clock of {NAME} is 36." in output
    assert "s ahead of the controller's; points of it lie in the future" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"connection": {"kind": "graphite", "url": "http://a"}, "agent": "collectd"}, "connection.kind"),
        (
            {"connection": {"kind": "influxdb", "url": "http://a", "database": "b"}, "agent": "node_exporter"},
            "not known",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused(machine: MonitoredMachine, options: dict[str, Any], message: str):
    code, output = check(machine, **options)
    assert code != 0
    assert message in output
