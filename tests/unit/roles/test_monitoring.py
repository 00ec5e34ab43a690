# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role monitoring, run by Ansible on this machine with its files in a folder to throw away."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.tests.monitored_machine import NAME, MonitoredMachine

INFLUXDB = {"kind": "influxdb", "url": "http://metrics.example.org:8086", "database": "evolve/week"}
PROBES = [
    {"name": "web", "kind": "http", "target": "http://127.0.0.1/a?b=%20c"},
    {"name": "port", "kind": "tcp", "target": "127.0.0.1:6379", "send": "PING"},
    {"name": "gate", "kind": "icmp", "target": "192.0.2.1"},
]
APPLICATIONS: dict[str, Any] = {"postgresql": {}, "mysql": {}, "redis": {}, "nginx": {}}
SECRET = "sec'r\\et"


@pytest.fixture
def machine(tmp_path: Path) -> MonitoredMachine:
    return MonitoredMachine(tmp_path)


def files_below(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("interval", [0, "61min", "often"])
def test_an_interval_out_of_range_is_refused(machine: MonitoredMachine, interval: int | str):
    code, output = machine.run(monitoring_interval=interval)
    assert code != 0
    assert f"monitoring_interval: found {interval}, expected whole seconds from 1 to 3600 (60 minutes)" in output


@pytest.mark.parametrize(("interval", "seconds"), [("5m", 300), (3600, 3600)])
def test_an_interval_may_have_a_unit(machine: MonitoredMachine, interval: int | str, seconds: int):
    machine.install(monitoring_interval=interval)
    (target,) = json.loads((machine.scrape / "targets" / f"{NAME}.json").read_text())
    assert target["labels"]["__scrape_interval__"] == f"{seconds}s"
    assert target["labels"]["__scrape_timeout__"] == f"{min(seconds, 10)}s"


def test_all_that_is_wrong_is_said_at_once(machine: MonitoredMachine):
    code, output = machine.run(
        monitoring_agent="collectd",
        monitoring_interval=9999,
        monitoring_database={**INFLUXDB, "version": 2},
        monitoring_probes=[PROBES[1], {**PROBES[0], "expect": "x"}],
        monitoring_collectd_security="encrypt",
    )
    assert code != 0
    for part in (
        "monitoring_interval: found 9999",
        "InfluxDB 2 does not take what collectd sends; choose telegraf",
        "port asks over TCP, which collectd cannot",
        "web has `expect`",
        "monitoring_collectd_username and monitoring_collectd_password: are needed",
    ):
        assert part in output
    assert not machine.settings.exists()


@pytest.mark.parametrize(
    ("agent", "variables", "message"),
    [
        ("collectd", {}, "has to know where to write"),
        ("node_exporter", {"monitoring_database": INFLUXDB}, "writes to no InfluxDB"),
        ("node_exporter", {"monitoring_applications": {"jvm": {}}}, "nobody packages an exporter of JMX"),
        ("node_exporter", {"monitoring_probes": [PROBES[0], PROBES[0]]}, "each needs a name of its own"),
        ("node_exporter", {"monitoring_applications": {"oracle": {}}}, "oracle"),
        ("node_exporter", {"monitoring_service": True}, "Its services are not kept by systemd (found: "),
        ("node_exporter", {"monitoring_take_over": False}, "prometheus-node-exporter is installed already"),
        ("nagios", {}, "value of monitoring_agent must be one of"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    machine: MonitoredMachine, agent: str, variables: dict[str, Any], message: str
):
    code, output = machine.run(monitoring_agent=agent, **variables)
    assert code != 0
    assert message in output
    assert not machine.settings.exists()
    assert not machine.units.exists()


def test_nothing_listens_beyond_loopback_unless_told(machine: MonitoredMachine):
    machine.install(monitoring_probes=PROBES, monitoring_applications=APPLICATIONS)
    lines = [line for text in files_below(machine.units).values() for line in text.decode().splitlines()]
    starts = [line for line in lines if line.startswith("ExecStart=/")]
    assert len(starts) == 6
    assert all("listen-address=127.0.0.1:" in line for line in starts)
    machine.install(monitoring_listen_address="192.0.2.7")
    texts = [text.decode() for text in files_below(machine.units).values()]
    assert [f"listen-address=192.0.2.7:{machine.ports['node']}" in text for text in texts] == [True]
    (target,) = json.loads((machine.scrape / "targets" / f"{NAME}.json").read_text())
    assert target["targets"] == [f"192.0.2.7:{machine.ports['node']}"]


def test_secrets_are_for_root_alone_and_in_no_output(machine: MonitoredMachine):
    passwords = dict.fromkeys(APPLICATIONS, SECRET)
    code, output = machine.run(
        None, "-vvv", "--diff", monitoring_applications=APPLICATIONS, monitoring_application_passwords=passwords
    )
    assert code == 0, output
    assert SECRET not in output
    assert json.dumps(SECRET)[1:-1] not in output
    held = {Path(name) for name, text in files_below(machine.folder).items() if b"sec" in text and b"et" in text}
    secret = {path for path in held if path.suffix == ".env"}
    assert len(secret) == 3
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in secret)
    assert "password='sec\\\\'r\\\\\\\\et'" in (machine.settings / "prometheus-postgres-exporter.env").read_text()


def test_a_second_run_changes_nothing_and_absent_leaves_nothing(machine: MonitoredMachine):
    theirs = machine.units / "prometheus-node-exporter.service.d" / "local.conf"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"[Service]\nNice=5 \n")
    before = files_below(machine.folder)
    machine.install(monitoring_probes=PROBES)
    first = files_below(machine.settings, machine.units, machine.scrape)
    assert len(first) > 5
    machine.install(monitoring_probes=PROBES)
    assert files_below(machine.settings, machine.units, machine.scrape) == first
    machine.install(monitoring_probes=PROBES, monitoring_state="absent")
    left = {name: text for name, text in files_below(machine.folder).items() if not name.endswith("play.yml")}
    assert left == before
    assert [path.name for path in machine.units.iterdir()] == ["prometheus-node-exporter.service.d"]
    assert not machine.settings.exists()
    assert shutil.which("prometheus-node-exporter")


def test_another_agent_takes_the_place_of_the_first(machine: MonitoredMachine):
    machine.install(monitoring_probes=PROBES)
    machine.install(monitoring_agent="collectd", monitoring_database=INFLUXDB)
    assert [path.name for path in machine.units.iterdir()] == ["collectd.service.d"]
    assert sorted(path.name for path in machine.settings.iterdir()) == ["collectd.conf", "record.json"]
    assert not (machine.scrape / "targets" / f"{NAME}.json").exists()


def test_absent_where_nothing_was_put_is_no_change(machine: MonitoredMachine):
    code, output = machine.run(monitoring_state="absent")
    assert code == 0, output
    assert files_below(machine.settings, machine.units, machine.scrape) == {}


def test_a_package_that_no_repository_holds_is_said_to_come_from_its_maker(machine: MonitoredMachine):
    code, output = machine.run(monitoring_agent="telegraf", monitoring_database=INFLUXDB)
    assert code != 0
    assert f"telegraf cannot be installed on {NAME}" in output
    assert "https://repos.influxdata.com, which has to be set up before" in output


# The names of the options are those of Telegraf's own samples (plugins/*/*/sample.conf of influxdata/telegraf). It is
# not in Debian, and not run here.
TELEGRAF_OPTIONS = {
    "cpu": {"percpu", "totalcpu"},
    "mem": set(),
    "diskio": set(),
    "net": {"ignore_protocol_stats"},
    "http_response": {"name_override", "urls", "response_timeout", "response_status_code", "tags"},
    "net_response": {"name_override", "protocol", "address", "timeout", "send", "tags"},
    "ping": {"urls", "method", "count", "tags"},
    "postgresql": {"address"},
    "mysql": {"servers"},
    "redis": {"servers", "password"},
    "nginx": {"urls"},
}


@pytest.mark.parametrize(
    ("database", "output", "expected"),
    [
        (
            {**INFLUXDB, "username": "agent"},
            "influxdb",
            {"database": "evolve", "retention_policy": "week", "username": "agent", "password": SECRET},
        ),
        (
            {**INFLUXDB, "version": 2, "organisation": "lab", "database": "evolve"},
            "influxdb_v2",
            {"bucket": "evolve", "organization": "lab", "token": 'to"ken'},
        ),
        ({"kind": "prometheus", "url": "http://metrics.example.org:9090"}, "prometheus_client", {"metric_version": 1}),
    ],
)
def test_the_settings_of_telegraf_are_toml_with_options_that_it_has(
    machine: MonitoredMachine, database: dict[str, Any], output: str, expected: dict[str, Any]
):
    # Only what is rendered: no repository here holds the package.
    (machine.folder / "play.yml").write_text(
        json.dumps(
            [
                {
                    "hosts": "all",
                    "gather_facts": False,
                    "tasks": [
                        {
                            "ansible.builtin.include_role": {
                                "name": "evolve.vm.monitoring",
                                "tasks_from": "scrape",
                                "public": True,
                            }
                        },
                        {
                            "ansible.builtin.template": {
                                "src": str(Path(__file__).parents[3] / "roles/monitoring/templates/telegraf.conf.j2"),
                                "dest": str(machine.folder / "telegraf.conf"),
                                "mode": "0600",
                            }
                        },
                    ],
                }
            ]
        )
    )
    code, said = machine.run(
        machine.folder / "play.yml",
        monitoring_agent="telegraf",
        monitoring_interval=30,
        monitoring_database=database,
        monitoring_database_password=SECRET,
        monitoring_database_token='to"ken',
        monitoring_probes=PROBES,
        monitoring_applications=APPLICATIONS,
        monitoring_application_passwords={"redis": SECRET, "postgresql": SECRET},
    )
    assert code == 0, said
    found = tomllib.loads((machine.folder / "telegraf.conf").read_text())
    assert found["agent"]["interval"] == "30s"
    assert found["agent"]["hostname"] == NAME
    assert {name: set(entry) for name, entries in found["inputs"].items() for entry in entries} == TELEGRAF_OPTIONS
    assert found["inputs"]["redis"][0]["password"] == SECRET
    assert found["inputs"]["net_response"][0]["send"] == "PING\n"
    assert list(found["outputs"]) == [output]
    (written,) = found["outputs"][output]
    assert expected.items() <= written.items()
