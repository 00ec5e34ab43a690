# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases are started, changed and removed by the playbook, with the real servers."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import yaml

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import read_connection
from ansible_collections.evolve.vm.tests.servers import end_process, free_port, wait_until
from ansible_collections.evolve.vm.tests.tsdb_labs import SERVERS, TsdbLab, alive, tsdb_lab

PASSWORD = "pa'ss\\w\"ord"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TsdbLab]:
    """All three servers, as they are when nothing is said."""
    with tsdb_lab(tmp_path_factory.mktemp("shared")) as lab:
        yield lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[TsdbLab]:
    """None yet."""
    lab = TsdbLab(tmp_path / "databases")
    yield lab
    done = lab.play(tsdb_lab_state="absent")
    assert done.returncode == 0, done.stdout


def page(url: str, user: str = "", password: str = "", **parameters: str) -> str:
    request = Request(f"{url}?{urlencode(parameters)}" if parameters else url)
    if user:
        request.add_header("Authorization", f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}")
    with urlopen(request, timeout=30) as answer:
        return answer.read().decode()


def listening(pid: int) -> set[tuple[str, str]]:
    """Protocol and address, without the port, of what a process listens on."""
    found = subprocess.run(["ss", "-Hltunp"], capture_output=True, text=True, check=True).stdout.splitlines()
    lines = [line.split() for line in found if f"pid={pid}," in line]
    return {(words[0], words[4].rpartition(":")[0]) for words in lines}


def influx_series(lab: TsdbLab, query: str) -> list[Any]:
    answer = page(f"{lab.url('influxdb')}/query", db="evolve", q=query)
    return json.loads(answer)["results"][0].get("series", [])


def test_servers_answer_on_loopback_alone(shared: TsdbLab) -> None:
    assert "evolve" in page(f"{shared.url('influxdb')}/query", q="SHOW DATABASES")
    flags = json.loads(page(f"{shared.url('prometheus')}/api/v1/status/flags"))["data"]
    assert flags["web.enable-remote-write-receiver"] == "true"
    assert page(f"{shared.url('victoriametrics')}/health") == "OK"
    for server in SERVERS:
        assert listening(shared.pid(server)) == {("tcp", "127.0.0.1")}


def test_second_run_changes_nothing_and_says_how_to_connect(shared: TsdbLab) -> None:
    before = [shared.pid(server) for server in SERVERS]
    done = shared.play()
    assert "changed=0" in done.stdout
    assert [shared.pid(server) for server in SERVERS] == before
    lines = re.findall(r"(evolve_monitoring_database: \{.*?\})", done.stdout)
    connections = [yaml.safe_load(line.replace("''", "'"))["evolve_monitoring_database"] for line in lines]
    assert [read_connection(each, "database").kind for each in connections] == list(SERVERS)
    assert [each["url"] for each in connections] == [shared.url(server) for server in SERVERS]


def test_the_play_leaves_no_process_but_the_servers(shared: TsdbLab) -> None:
    """They are children of nobody who could take them along."""
    for server in SERVERS:
        fields = Path(f"/proc/{shared.pid(server)}/stat").read_text().rpartition(")")[2].split()
        assert fields[3] == str(shared.pid(server))  # leads a session of its own


@pytest.mark.long
def test_two_labs_live_side_by_side(shared: TsdbLab, lab: TsdbLab) -> None:
    """On the same port even, where the address is another."""
    lab.ports.update(shared.ports)
    lab.made(tsdb_lab_servers=["victoriametrics"], tsdb_lab_address="127.0.0.2")
    assert listening(lab.pid("victoriametrics")) == {("tcp", "127.0.0.2")}
    assert lab.made(tsdb_lab_state="absent") > 0
    assert all(shared.runs(server) for server in SERVERS)


def test_taken_ports_are_all_named_before_anything_is_started(lab: TsdbLab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("0.0.0.0", 0))
        lab.ports["prometheus"] = tcp.getsockname()[1]
        said = lab.refused(tsdb_lab_collectd_port=udp.getsockname()[1])
        assert f"Port {lab.ports['prometheus']}, which prometheus is to have, is taken by" in said
        assert f"process {os.getpid()}." in said
        assert f"Port {udp.getsockname()[1]}, which influxdb is to have" in said
    assert not lab.directory.exists()


def test_a_server_that_dies_at_its_start_shows_the_end_of_its_log(lab: TsdbLab) -> None:
    began = time.monotonic()
    said = lab.refused(tsdb_lab_servers=["prometheus"], tsdb_lab_scrape_interval="often")
    assert "not a valid duration string" in said
    assert "prometheus has ended." in said
    # It does not wait for one that is dead.
    assert time.monotonic() - began < 120


@pytest.mark.long
def test_changed_settings_start_a_server_anew_with_its_data(lab: TsdbLab) -> None:
    lab.made(tsdb_lab_servers=["influxdb", "prometheus"])
    pids = {server: lab.pid(server) for server in ("influxdb", "prometheus")}
    write = Request(f"{lab.url('influxdb')}/write?db=evolve", data=b"evolve_vm,host=a cpu=1")
    with urlopen(write, timeout=30) as answer:
        assert answer.status == 204
    port = free_port()
    assert lab.made(tsdb_lab_servers=["influxdb"], tsdb_lab_collectd_port=port) > 0
    # Prometheus is not among the servers any more.
    assert not alive(pids["prometheus"])
    assert (lab.directory / "prometheus" / "data").exists()
    assert lab.pid("influxdb") != pids["influxdb"]
    assert listening(lab.pid("influxdb")) == {("tcp", "127.0.0.1"), ("udp", "127.0.0.1")}
    assert influx_series(lab, "SELECT cpu FROM evolve_vm")[0]["values"][0][1] == 1


@pytest.mark.long
def test_influxdb_takes_what_collectd_sends(lab: TsdbLab) -> None:
    port = free_port()
    lab.made(tsdb_lab_servers=["influxdb"], tsdb_lab_collectd_port=port)

    def text(number: int, value: str) -> bytes:
        encoded = value.encode() + b"\0"
        return number.to_bytes(2, "big") + (4 + len(encoded)).to_bytes(2, "big") + encoded

    # The binary protocol: host, time, plugin, type, and one gauge.
    packet = (
        text(0, "guest-1") + b"\0\1\0\14" + int(time.time()).to_bytes(8, "big") + text(2, "load") + text(4, "gauge")
    )
    packet += b"\0\6\0\17\0\1\1" + b"\0\0\0\0\0\0\xf0\x3f"
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.sendto(packet, ("127.0.0.1", port))
    wait_until(lambda: bool(influx_series(lab, "SELECT value FROM load_value WHERE host = 'guest-1'")), 60)


def test_influxdb_asks_for_the_password_that_nothing_shows(lab: TsdbLab) -> None:
    given = {"tsdb_lab_servers": ["influxdb"], "tsdb_lab_username": "eve", "tsdb_lab_password": PASSWORD}
    done = lab.play(**given)
    assert done.returncode == 0, done.stdout
    assert lab.made(**given) == 0
    for text in (done.stdout, *(path.read_text(errors="replace") for path in lab.directory.glob("influxdb/[li]*"))):
        assert 'w"ord' not in text
        assert 'w\\"ord' not in text
    assert "username: eve}  # and its password as evolve_monitoring_database_password" in done.stdout
    query = f"{lab.url('influxdb')}/query"
    assert "evolve" in page(query, "eve", PASSWORD, q="SHOW DATABASES")
    with pytest.raises(HTTPError, match="401"):
        page(query, "eve", "another", q="SHOW DATABASES")
    with pytest.raises(HTTPError, match="401"):
        page(query, q="SHOW DATABASES")
    assert "InfluxDB does not accept the password of eve" in lab.refused(**{**given, "tsdb_lab_password": "another"})


@pytest.mark.long
def test_prometheus_scrapes_what_a_file_in_the_folder_names(lab: TsdbLab) -> None:
    lab.made(tsdb_lab_servers=["prometheus"])
    target = [{"targets": [f"127.0.0.1:{lab.ports['prometheus']}"], "labels": {"host": "web-1"}}]
    (lab.directory / "prometheus" / "targets" / "web.yml").write_text(yaml.safe_dump(target))
    query = {"query": 'up{host="web-1"}'}
    wait_until(lambda: '"1"]' in page(f"{lab.url('prometheus')}/api/v1/query", **query), 120)


def test_absent_leaves_no_process_and_no_file(lab: TsdbLab) -> None:
    lab.made()
    pids = [lab.pid(server) for server in SERVERS]
    assert lab.made(tsdb_lab_state="absent") > 0
    assert not [pid for pid in pids if alive(pid)]
    assert not lab.directory.exists()
    assert lab.made(tsdb_lab_state="absent") == 0


def test_a_stranger_is_never_killed(lab: TsdbLab) -> None:
    """Whose number stands in a server's file: alone, with the start of another process, or from before a reboot."""
    records = dict(zip(SERVERS, ("{pid}", "{pid} 1 {boot} print", "{pid} {start} no-boot print"), strict=True))
    with subprocess.Popen(["sleep", "600"]) as stranger:
        start = Path(f"/proc/{stranger.pid}/stat").read_text().rpartition(")")[2].split()[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()

        def replace() -> None:
            for server, record in records.items():
                end_process(lab.pid(server))
                said = record.format(pid=stranger.pid, start=start, boot=boot)
                (lab.directory / server / "pid").write_text(said + "\n")

        try:
            lab.made()
            replace()
            lab.made()
            assert all(lab.runs(server) and lab.pid(server) != stranger.pid for server in SERVERS)
            replace()
            lab.made(tsdb_lab_state="absent")
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, state: str) -> None:
    lab = TsdbLab(tmp_path / "photographs")
    (lab.directory / "prometheus").mkdir(parents=True)
    (lab.directory / "prometheus" / "data").write_text("of somebody else")
    assert "holds something that is not of this role" in lab.refused(tsdb_lab_state=state)
    assert [path.name for path in lab.directory.rglob("*")] == ["prometheus", "data"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"tsdb_lab_address": "localhost"}, "tsdb_lab_address is localhost; expected an IPv4 address"),
        ({"tsdb_lab_directory": "data"}, "tsdb_lab_directory is data; expected a folder of its own"),
        ({"tsdb_lab_directory": "/"}, "tsdb_lab_directory is /; expected a folder of its own"),
        ({"tsdb_lab_ports": {"influxdb": 9090, "prometheus": 9090}}, "each server needs one of its own"),
        ({"tsdb_lab_ports": {"influxdb": 70000}}, "expected numbers up to 65535"),
        ({"tsdb_lab_ports": {"grafana": 3000}}, "grafana"),
        ({"tsdb_lab_servers": ["graphite"]}, "graphite"),
        ({"tsdb_lab_database": 'a"; DROP DATABASE b'}, "expected letters, digits"),
        ({"tsdb_lab_username": "eve"}, "expected both, or neither"),
    ],
)
def test_refused_with_a_reason(tmp_path: Path, variables: dict[str, object], message: str) -> None:
    lab = TsdbLab(tmp_path / "databases")
    assert message in lab.refused(**variables)
    assert not list(tmp_path.iterdir())


def test_missing_programs_are_all_named(lab: TsdbLab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in ("/usr/bin", "/bin"):
        for path in Path(folder).iterdir():
            if path.name not in ("prometheus", "victoria-metrics") and not (tools / path.name).exists():
                (tools / path.name).symlink_to(path)
    monkeypatch.setenv("PATH", str(tools))
    said = lab.refused()
    assert "The program prometheus is not installed. The program victoria-metrics is not installed." in said
    assert "influxd is not" not in said
