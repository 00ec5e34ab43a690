# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""collectd as the role runs it: into a real InfluxDB 1.6.7 by its listener, and asked by a real Prometheus."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.evolve.vm.tests.agent_points import AgentPoints
from ansible_collections.evolve.vm.tests.application_servers import MariaDBServer, folder_of
from ansible_collections.evolve.vm.tests.influxdb_server import InfluxServer, influxdb_server
from ansible_collections.evolve.vm.tests.kernel_counters import KernelCounters
from ansible_collections.evolve.vm.tests.monitored_machine import NAME, MonitoredMachine
from ansible_collections.evolve.vm.tests.prometheus_servers import prometheus_server
from ansible_collections.evolve.vm.tests.servers import (
    free_port,
    java_service,
    nginx_server,
    program,
    redis_server,
    wait_until,
)

from .test_node_exporter import NGINX, PATIENCE_SECONDS, REDIS

# What collectd counts as held is not what the kernel calls not available; measured here: 1.5 % of all memory apart.
MEMORY_SHARE = 0.1
USER, PASSWORD = "slot", 'ge"heim'


@pytest.fixture
def influxdb(machine: MonitoredMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InfluxServer]:
    """One that listens for collectd, and takes nothing that is not encrypted."""
    (tmp_path / "auth").write_text(f"{USER}: {PASSWORD}\n")
    for name, value in {
        "ENABLED": "true",
        "BIND_ADDRESS": f"127.0.0.1:{machine.ports['influxdb_collectd']}",
        "DATABASE": "evolve",
        "SECURITY_LEVEL": "encrypt",
        "AUTH_FILE": f"{tmp_path}/auth",
        "BATCH_TIMEOUT": "1s",
    }.items():
        monkeypatch.setenv(f"INFLUXDB_COLLECTD_{name}", value)
    with influxdb_server(tmp_path / "influxdb") as server:
        yield server


def connection(server: InfluxServer) -> dict[str, Any]:
    return {"kind": "influxdb", "url": server.url, "database": "evolve"}


def install(machine: MonitoredMachine, server: InfluxServer, **variables: Any) -> AgentPoints:
    machine.install(
        monitoring_agent="collectd",
        monitoring_interval=1,
        monitoring_database=connection(server),
        monitoring_collectd_security="encrypt",
        monitoring_collectd_username=USER,
        monitoring_collectd_password=PASSWORD,
        **variables,
    )
    return AgentPoints("collectd", connection(server))


def test_influxdb_has_what_the_kernel_sees(
    machine: MonitoredMachine, influxdb: InfluxServer, application, written_disk: None
):
    probes = [
        {"name": "web", "kind": "http", "target": application.url},
        {"name": "loop", "kind": "icmp", "target": "127.0.0.1"},
    ]
    points = install(machine, influxdb, monitoring_probes=probes)
    with KernelCounters() as kernel, machine.running():
        begin_ms = int(time.time() * 1000)
        wait_until(lambda: len(points.of("memory_used_mib", begin_ms)) >= 9, PATIENCE_SECONDS)
        end_ms = int(time.time() * 1000)
        wait_until(lambda: len(points.of("response_time_ms", probe="web")) >= 4, PATIENCE_SECONDS)
        wait_until(lambda: len(points.of("network_latency_ms", probe="127.0.0.1")) >= 3, PATIENCE_SECONDS)
        assert 150 <= points.middle("response_time_ms", 0, "web") < 400
        assert 0 < points.middle("network_latency_ms", 0, "127.0.0.1") < 20
        assert {value for dummy, value in points.of("network_lost_percent", probe="127.0.0.1")} == {0.0}
        application.status = 503
        changed_ms = int(time.time() * 1000) + 1000
        codes = "SELECT COUNT(value) FROM curl_value WHERE type = 'response_code' AND value = 503 AND instance = 'web'"
        wait_until(lambda: bool(influxdb.ask(codes, db="evolve")), PATIENCE_SECONDS)
        assert points.of("response_time_ms", changed_ms, "web") == []
    points.agree_with(kernel, begin_ms, end_ms, memory_share=MEMORY_SHARE)


def test_prometheus_has_what_the_kernel_sees(
    machine: MonitoredMachine, tmp_path: Path, application, written_disk: None
):
    machine.install(
        monitoring_agent="collectd",
        monitoring_interval=1,
        monitoring_database={"kind": "prometheus", "url": "http://127.0.0.1:1"},
        monitoring_probes=[{"name": "web", "kind": "http", "target": application.url}],
    )
    config = (machine.scrape / "prometheus.yml").read_text()
    with machine.running(), prometheus_server(tmp_path / "prometheus", config=config) as server:
        points = AgentPoints("collectd", {"kind": "prometheus", "url": server.url})
        with KernelCounters() as kernel:
            begin_ms = int(time.time() * 1000)
            wait_until(lambda: len(points.of("memory_used_mib", begin_ms)) >= 9, PATIENCE_SECONDS)
            end_ms = int(time.time() * 1000)
        points.agree_with(kernel, begin_ms, end_ms, memory_share=MEMORY_SHARE)
        wait_until(lambda: len(points.of("response_time_ms", probe="web")) >= 3, PATIENCE_SECONDS)
        assert 150 <= points.middle("response_time_ms", 0, "web") < 400


def test_applications_are_asked_by_plugins(
    machine: MonitoredMachine, influxdb: InfluxServer, postgresql: str, tmp_path: Path
):
    sql, redis_port, jmx_port = urlsplit(postgresql), free_port(), free_port()
    folders = [tmp_path / name for name in ("redis", "nginx", "java")]
    for folder in folders:
        folder.mkdir()
    jmx = f"-Dcom.sun.management.jmxremote.port={jmx_port} -Dcom.sun.management.jmxremote.host=127.0.0.1"
    jmx += f" -Dcom.sun.management.jmxremote.rmi.port={jmx_port} -Djava.rmi.server.hostname=127.0.0.1"
    jmx += " -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false"
    with (
        folder_of(MariaDBServer.USER) as mysql_folder,
        MariaDBServer(mysql_folder).running() as mysql,
        redis_server(folders[0], REDIS.replace("@port@", str(redis_port))),
        nginx_server(folders[1], NGINX) as nginx_config,
        java_service(folders[2], f"exec @java@ -Xmx32m {jmx} @run@"),
    ):
        mysql.sql("CREATE USER watcher IDENTIFIED BY 'it_s'; GRANT PROCESS, REPLICATION CLIENT ON *.* TO watcher")
        page = nginx_config.read_text().partition("listen ")[2].partition(";")[0]
        install(
            machine,
            influxdb,
            monitoring_applications={
                "postgresql": {"host": "127.0.0.1", "port": sql.port, "user": sql.username},
                "mysql": {"host": f"{mysql_folder}/socket", "user": "watcher"},
                "redis": {"port": redis_port},
                "nginx": {"url": f"http://{page}/status"},
                "jvm": {"url": f"service:jmx:rmi:///jndi/rmi://127.0.0.1:{jmx_port}/jmxrmi"},
            },
            monitoring_application_passwords={"postgresql": "p@ss/word", "mysql": "it_s", "redis": "its-geheim"},
        )
        with machine.running():
            for name in ("postgresql_value", "mysql_value", "redis_value", "nginx_value", "GenericJMX_value"):
                text = f"SELECT COUNT(value) FROM \"{name}\" WHERE host = '{NAME}'"
                wait_until(lambda text=text: bool(influxdb.ask(text, db="evolve")), PATIENCE_SECONDS)


def test_the_settings_are_what_collectd_understands(machine: MonitoredMachine, influxdb: InfluxServer):
    install(machine, influxdb, monitoring_probes=[{"name": 'a "b"', "kind": "http", "target": "http://127.0.0.1/"}])
    settings = machine.settings / "collectd.conf"
    assert settings.stat().st_mode & 0o777 == 0o600
    done = subprocess.run(
        [program("collectd", "collectd-core"), "-t", "-C", settings], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
