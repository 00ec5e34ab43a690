# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies that are watched: goals of what was seen, points in real databases, and what becomes of them in trouble."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import Backend
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.factory import backend_for
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Window
from ansible_collections.evolve.vm.plugins.plugin_utils.study.embedded import Embedded
from ansible_collections.evolve.vm.tests.influxdb_server import PASSWORD, USER, influxdb_server
from ansible_collections.evolve.vm.tests.prometheus_servers import prometheus_server, victoriametrics_server
from ansible_collections.evolve.vm.tests.servers import free_port

from .conftest import Estate, said, warnings

GOALS = [
    {"metric": "response_time_p95_ms", "direction": "minimize", "weight": 2},
    {"metric": "availability_percent", "direction": "maximize", "limit": 99},
    {"metric": "vm_cost", "direction": "minimize"},
]
WATCHED = {"interval": "1s", "probes": [{"kind": "http", "url": "http://{target}/"}]}
_NOW_MS = time.time_ns() // 1_000_000
# Everything that a test may make.
ALWAYS = Window(_NOW_MS - 3_600_000, _NOW_MS + 3_600_000)


def watched(estate: Estate, **more: Any) -> Estate:
    estate.variables |= {"evolve_goals": GOALS, "evolve_monitoring": WATCHED, **more}
    return estate


def measured(estate: Estate) -> list[dict[str, Any]]:
    rows = estate.rows("select trial, slot, metrics from measurements where status = 'measured'")
    return [{"trial": trial, "slot": slot, **json.loads(metrics)} for trial, slot, metrics in rows]


def kept(estate: Estate, measurement: str, field: str) -> set[tuple[Any, ...]]:
    return points(Embedded(f"sqlite:///{estate.home}/evolve.sqlite"), measurement, field)


def points(backend: Backend, measurement: str, field: str) -> set[tuple[Any, ...]]:
    """(host, trial, at_ms, value) of everything there is."""
    found = backend.read(Selector(measurement, field), ALWAYS)
    return {(each.tags["host"], each.tags["trial"], *point) for each in found for point in each.points}


@pytest.fixture(params=["influxdb", "prometheus", "victoriametrics"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Options that connect to a real server, which is stopped after the test."""
    with ExitStack() as stack:
        if request.param == "influxdb":
            server = stack.enter_context(influxdb_server(tmp_path / "database"))
            yield {"kind": "influxdb", "url": server.url, "database": "evolve"}
        else:
            start = {"prometheus": prometheus_server, "victoriametrics": victoriametrics_server}[request.param]
            yield {"kind": request.param, "url": stack.enter_context(start(tmp_path / "database")).url}


def test_goals_can_name_what_was_watched(estate: Estate) -> None:
    ended = watched(estate).run()

    assert ended.returncode == 0, said(ended)
    assert warnings(ended) == []
    readings = measured(estate)
    assert len(readings) >= 3 * 3 + 8
    assert all(
        {"response_time_p95_ms", "availability_percent", "cpu_utilisation_percent"} <= set(each) for each in readings
    )
    assert "response_time_p95_ms" in ended.stdout
    assert "availability_percent" in (estate.study / "report.html").read_text()


def test_every_point_and_result_comes_into_the_database(estate: Estate, database: dict[str, Any]) -> None:
    ended = watched(estate, evolve_monitoring_database=database).run()

    assert ended.returncode == 0, said(ended)
    assert warnings(ended) == []
    backend = backend_for(read_connection(database, "database"))
    for field in ("cpu_utilisation_percent", "response_time_ms", "network_lost_percent"):
        assert points(backend, "evolve_vm", field) == kept(estate, "evolve_vm", field), field
        assert len(kept(estate, "evolve_vm", field)) > 100
    results = points(backend, "evolve_run", "fileio_operations_per_second")
    measured_values = sorted(each["fileio_operations_per_second"] for each in measured(estate))
    assert sorted(each[-1] for each in results) == pytest.approx(measured_values, rel=1e-9)
    assert len(points(backend, "evolve_run", "fitness")) >= 8


def test_a_database_that_is_down_holds_up_nothing_and_gets_everything_later(estate: Estate, tmp_path: Path) -> None:
    port = free_port()
    gone = {"kind": "influxdb", "url": f"http://127.0.0.1:{port}", "database": "evolve", "retries": 0}
    ended = watched(estate, evolve_monitoring_database=gone).run()

    assert ended.returncode == 0, said(ended)
    assert len(measured(estate)) >= 3 * 3 + 8
    assert "points wait on this controller and are sent later" in said(ended)
    assert "still wait, and are sent by the next run: InfluxDB at http://127.0.0.1:" in said(ended)

    with influxdb_server(tmp_path / "database", port=port) as server:
        again = estate.run()
        assert again.returncode == 0, said(again)
        assert warnings(again) == []
        backend = backend_for(read_connection({**gone, "url": server.url}, "database"))
        for field in ("cpu_utilisation_percent", "response_time_ms"):
            assert points(backend, "evolve_vm", field) == kept(estate, "evolve_vm", field)
    (spool,) = (estate.home / "spool").glob("*.sqlite")
    with sqlite3.connect(spool) as connection:
        assert connection.execute("select count(*) from waiting").fetchone() == (0,)


def test_a_killed_controller_loses_no_point(estate: Estate, database: dict[str, Any]) -> None:
    watched(estate, evolve_monitoring_database=database)
    estate.run_until("trial 3/8")
    ended = estate.run()

    assert ended.returncode == 0, said(ended)
    backend = backend_for(read_connection(database, "database"))
    for field in ("cpu_utilisation_percent", "response_time_ms"):
        assert points(backend, "evolve_vm", field) >= kept(estate, "evolve_vm", field)
    results = points(backend, "evolve_run", "fileio_operations_per_second")
    assert {trial for dummy, trial, *dummy in results} == {str(each["trial"]) for each in measured(estate)}


def test_a_secret_stands_nowhere(estate: Estate, tmp_path: Path) -> None:
    with influxdb_server(tmp_path / "database", authentication=True) as server:
        connection = {"kind": "influxdb", "url": server.url, "database": "evolve", "username": USER}
        watched(estate, evolve_monitoring_database=connection, evolve_monitoring_database_password=PASSWORD)
        ended = estate.run("evolve", "-vvv")
        assert ended.returncode == 0, said(ended)
        assert points(
            backend_for(read_connection({**connection, "password": PASSWORD}, "database")), "evolve_run", "fitness"
        )
        estate.variables["evolve_monitoring_database_password"] = "wr0ng-secret"
        estate.variables["evolve_budget"] = {"trials": 10}
        refused = estate.run("evolve", "-vvv")

    assert refused.returncode == 0, said(refused)
    assert "does not accept the credentials" in said(refused)
    for run in (ended, refused):
        assert PASSWORD not in run.stdout + run.stderr
        assert "wr0ng-secret" not in run.stdout + run.stderr
    for path in (path for path in estate.home.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert PASSWORD.encode() not in content, path
        assert b"wr0ng-secret" not in content, path


def test_everything_wrong_with_it_is_said_at_once_and_nothing_is_touched(estate: Estate) -> None:
    watched(
        estate,
        evolve_monitoring={"interval": "2 hours", "probes": [{"kind": "htp"}], "source": "nod_exporter", "retain": 3},
        evolve_monitoring_database={"kind": "influx", "url": "metrics:8086"},
    )
    ended = estate.run()

    assert ended.returncode != 0
    for fault in (
        "evolve_monitoring.interval: found '2 hours', expected 1 s to 60 min",
        "evolve_monitoring.probes[0].kind: found 'htp'",
        "evolve_monitoring.source: found 'nod_exporter', expected one of sampler, node_exporter",
        "evolve_monitoring.retain: unknown",
        "evolve_monitoring_database.kind: found 'influx'",
        "evolve_monitoring_database.url: found 'metrics:8086'",
    ):
        assert fault in said(ended), fault
    assert not estate.home.exists()


def test_a_goal_that_nothing_can_give_is_refused(estate: Estate) -> None:
    estate.variables["evolve_goals"] = [{"metric": "response_time_ms", "direction": "minimize"}]
    without_probe = estate.run()
    assert without_probe.returncode != 0
    assert "unknown metric 'response_time_ms'" in said(without_probe)

    estate.variables["evolve_monitoring"] = False
    estate.variables["evolve_goals"] = [{"metric": "cpu_utilisation_percent", "direction": "minimize"}]
    ended = estate.run()
    assert ended.returncode != 0
    assert "unknown metric 'cpu_utilisation_percent'" in said(ended)


def test_nothing_is_watched_where_nobody_wants_it(estate: Estate) -> None:
    estate.variables["evolve_monitoring"] = False
    ended = estate.run()

    assert ended.returncode == 0, said(ended)
    assert estate.rows("select count(*) from samples") == [(0,)]
    assert "cpu_utilisation_percent" not in measured(estate)[0]
