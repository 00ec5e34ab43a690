# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_exporter, blackbox_exporter and the exporters of applications, run as the role says, asked by a Prometheus."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import pytest

from ansible_collections.evolve.vm.tests.agent_points import AgentPoints
from ansible_collections.evolve.vm.tests.application_servers import MariaDBServer, folder_of
from ansible_collections.evolve.vm.tests.kernel_counters import KernelCounters
from ansible_collections.evolve.vm.tests.monitored_machine import NAME, MonitoredMachine
from ansible_collections.evolve.vm.tests.prometheus_servers import (
    MetricsServer,
    prometheus_server,
    victoriametrics_server,
)
from ansible_collections.evolve.vm.tests.servers import free_port, nginx_server, redis_server, wait_until

PATIENCE_SECONDS = 90
REDIS = "port @port@\nbind 127.0.0.1\nrequirepass its-geheim\ndir @folder@\n"
NGINX = """
worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log;
events {}
http {
  access_log off;
  server { listen 127.0.0.1:@port@; location /status { stub_status; } }
}
"""


def points_of(server: MetricsServer, kind: str = "prometheus") -> AgentPoints:
    return AgentPoints("node_exporter", {"kind": kind, "url": server.url})


@pytest.fixture
def prometheus(machine: MonitoredMachine, application, tmp_path: Path) -> Iterator[AgentPoints]:
    """A Prometheus that asks the agents of the machine each second, as the role says."""
    probes = [
        {"name": "web", "kind": "http", "target": application.url, "expect": "^hel+o$"},
        {"name": "port", "kind": "tcp", "target": f"127.0.0.1:{application.server_port}"},
        {"name": "loop", "kind": "icmp", "target": "127.0.0.1"},
    ]
    machine.install(monitoring_interval=1, monitoring_probes=probes)
    with (
        machine.running(),
        prometheus_server(tmp_path / "prometheus", config=(machine.scrape / "prometheus.yml").read_text()) as server,
    ):
        yield points_of(server)


def test_the_machine_is_seen_as_the_kernel_sees_it(prometheus: AgentPoints, written_disk: None):
    with KernelCounters() as kernel:
        begin_ms = int(time.time() * 1000)
        wait_until(lambda: len(prometheus.of("cpu_wait_percent", begin_ms)) >= 8, PATIENCE_SECONDS)
        end_ms = int(time.time() * 1000)
    prometheus.agree_with(kernel, begin_ms, end_ms, memory_share=0.02)
    writes = prometheus.of("disk_write_operations_per_second", begin_ms, "", end_ms)
    grown = kernel.between(writes[0][0], writes[-1][0])
    latencies = [value for dummy, value in prometheus.of("disk_write_latency_ms", begin_ms, "", end_ms)]
    truth = grown["write_ms"] / grown["writes"]
    assert min(latencies) - 1 <= truth <= max(latencies) + 1


def test_response_times_are_those_of_the_application(prometheus: AgentPoints, application):
    def answers() -> int:
        return len(prometheus.of("response_time_ms", probe="web"))

    wait_until(lambda: answers() >= 4, PATIENCE_SECONDS)
    assert 150 <= prometheus.middle("response_time_ms", 0, "web") < 400
    assert prometheus.middle("response_time_ms", 0, "port") < 100
    assert {value for dummy, value in prometheus.of("availability_percent", probe="port")} == {100.0}
    assert 0 < prometheus.middle("network_latency_ms", 0, "loop") < 20
    assert {value for dummy, value in prometheus.of("network_lost_percent", probe="loop")} == {0.0}

    application.status = 503
    changed_ms = int(time.time() * 1000) + 500
    wait_until(lambda: len(prometheus.of("availability_percent", changed_ms, "web")) >= 3, PATIENCE_SECONDS)
    assert {value for dummy, value in prometheus.of("availability_percent", changed_ms, "web")} == {0.0}
    assert prometheus.of("response_time_ms", changed_ms, "web") == []


def test_applications_are_asked_by_their_exporters(machine: MonitoredMachine, postgresql: str, tmp_path: Path):
    sql, redis_port = urlsplit(postgresql), free_port()
    folders = [tmp_path / name for name in ("redis", "nginx")]
    for folder in folders:
        folder.mkdir()
    with (
        folder_of(MariaDBServer.USER) as mysql_folder,
        MariaDBServer(mysql_folder).running() as mysql,
        redis_server(folders[0], REDIS.replace("@port@", str(redis_port))),
        nginx_server(folders[1], NGINX) as nginx_config,
    ):
        mysql.sql("CREATE USER watcher IDENTIFIED BY 'it_s'; GRANT PROCESS, SELECT ON *.* TO watcher")
        page = nginx_config.read_text().partition("listen ")[2].partition(";")[0]
        machine.install(
            monitoring_interval=1,
            monitoring_applications={
                "postgresql": {"host": "127.0.0.1", "port": sql.port, "user": sql.username},
                "mysql": {"host": f"{mysql_folder}/socket", "user": "watcher"},
                "redis": {"port": redis_port},
                "nginx": {"url": f"http://{page}/status"},
            },
            monitoring_application_passwords={"postgresql": "p@ss/word", "mysql": "it_s", "redis": "its-geheim"},
        )
        config = (machine.scrape / "prometheus.yml").read_text()
        with machine.running(), prometheus_server(tmp_path / "prometheus", config=config) as server:
            for name in ("pg_up", "mysql_up", "redis_up", "nginx_up"):
                wait_until(lambda name=name: up(server, name), PATIENCE_SECONDS)


def up(server: MetricsServer, name: str) -> bool:
    query = quote(f'{name}{{host="{NAME}"}} == 1')
    with urlopen(f"{server.url}/api/v1/query?query={query}", timeout=10) as answer:
        return bool(json.load(answer)["data"]["result"])


def test_victoriametrics_reads_the_same_configuration(machine: MonitoredMachine, application, tmp_path: Path):
    probes = [{"name": "web", "kind": "http", "target": application.url}]
    database = {"kind": "victoriametrics", "url": "http://127.0.0.1:1"}
    machine.install(monitoring_interval=1, monitoring_probes=probes, monitoring_database=database)
    options = [f"-promscrape.config={machine.scrape}/prometheus.yml"]
    with machine.running(), victoriametrics_server(tmp_path / "victoria", options=options) as server:
        points = points_of(server, "victoriametrics")
        wait_until(lambda: len(points.of("cpu_utilisation_percent")) >= 3, PATIENCE_SECONDS)
        wait_until(lambda: len(points.of("response_time_ms", probe="web")) >= 3, PATIENCE_SECONDS)
        times = [at for at, dummy in points.of("cpu_utilisation_percent")]
        assert 500 < median(after - before for before, after in pairwise(times)) < 1500
