# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ping and sockperf, measured for real over loopback, compared with what the kernel counts."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import (
    BenchmarkError,
    DefinitionError,
    InfrastructureError,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.serving import start_servers, stop_servers
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import LOOPBACK, PlannedShell, online_cpus
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of


@pytest.fixture
def port():
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return listener.getsockname()[1]


def definition_of(**options):
    return parse_definition({"name": "latency", "seconds": 1, "warmup_seconds": 0, "repeats": 1, **options})


@pytest.mark.parametrize("options", [{}, {"method": "sockperf"}, {"method": "sockperf", "protocol": "tcp"}])
def test_the_real_tools_are_measured(tmp_path, port, options):
    if options:
        options = {**options, "port": port}
    definition = definition_of(warmup_seconds=1, repeats=2, **options)
    result = measure(definition, str(tmp_path / "bench"))
    assert list(result["metrics"]) == metric_names(definition)
    assert len(result["runs"]) == 2
    assert 0.001 < result["metrics"]["latency_p50_ms"] < 100
    assert result["version"].startswith("ping iputils ")
    assert result["commands"] == planned_commands(definition, online_cpus())
    assert list(tmp_path.iterdir()) == []
    assert not _is_running(port)


def test_answers_are_those_the_kernel_counts(tmp_path):
    before = _icmp("InEchoReps")
    result = measure(definition_of(probes_per_second=200), str(tmp_path / "bench"))
    assert _icmp("InEchoReps") - before >= 200
    assert result["metrics"]["lost_percent"] == 0


def test_messages_are_those_the_kernel_counts(tmp_path, port):
    before = _received_datagrams()
    definition = definition_of(method="sockperf", port=port, probes_per_second=500, seconds=2)
    result = measure(definition, str(tmp_path / "bench"))
    # Each is received once by the server and once by the client, for two seconds; a busy machine sends fewer.
    assert _received_datagrams() - before >= 2 * 2 * 500 * 0.5
    assert result["metrics"]["latency_mean_ms"] <= result["metrics"]["latency_maximum_ms"]


def test_what_is_lost_is_counted(tmp_path):
    """In a network where each fourth request is thrown away."""
    program = (
        "import sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import definition, measure\n"
        "parsed = definition.parse_definition({'name': 'latency', 'seconds': 1, 'warmup_seconds': 0, 'repeats': 1})\n"
        "print(measure.measure(parsed, sys.argv[1])['metrics']['lost_percent'])\n"
    )
    lossy = (
        "ip link set lo up && iptables -A INPUT -p icmp --icmp-type echo-request "
        '-m statistic --mode nth --every 4 --packet 0 -j DROP && exec "$@"'
    )
    lonely = ["unshare", "--user", "--map-root-user", "-n", "sh", "-c", lossy, "sh"]
    command = [*lonely, sys.executable, "-c", program, str(tmp_path / "bench")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("25.0\n", "")


def test_a_server_that_runs_elsewhere_is_used(tmp_path, port):
    """As the role does it; sockperf takes no names, and is given the address of this one."""
    definition = definition_of(method="sockperf", port=port, place="load-1")
    assert start_servers(definition, str(tmp_path / "servers"))
    try:
        result = measure(definition, str(tmp_path / "bench"), target="localhost")
    finally:
        assert stop_servers(str(tmp_path / "servers"))
    assert f"sockperf ping-pong -i 127.0.0.1 -p {port}" in result["commands"][-1]
    assert not _is_running(port)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_server_that_is_down_is_told(tmp_path, port, protocol):
    definition = definition_of(method="sockperf", host=LOOPBACK, port=port, protocol=protocol)
    with pytest.raises(BenchmarkError, match=r"Connection refused|No messages were received from the server"):
        measure(definition, str(tmp_path / "bench"))
    assert list(tmp_path.iterdir()) == []


def test_a_machine_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(BenchmarkError, match=r"ping: nowhere\.invalid"):
        measure(definition_of(host="nowhere.invalid"), str(tmp_path / "bench"))


def test_sockperf_is_needed_for_sockperf_only(tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("ping", "sh"):
        (programs / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(programs))
    assert measure(definition_of(), str(tmp_path / "bench"))["version"].startswith("ping iputils ")
    with pytest.raises(InfrastructureError, match="program sockperf is not on this machine"):
        measure(definition_of(method="sockperf"), str(tmp_path / "bench"))


def test_all_faults_are_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        definition_of(port=5, protocol="tcp", probes_per_second=1000, message_size_bytes=8, host="-f", mehtod="ping")
    text = str(caught.value)
    assert "6 faults" in text
    assert "Did you mean method?" in text
    assert "option of method: sockperf" in text
    with pytest.raises(DefinitionError, match=r"Did you mean sockperf\?"):
        definition_of(method="sokperf")


def test_ping_asks_as_often_as_it_is_told_to():
    command = job_of({"name": "latency", "probes_per_second": 300}).run_command(PlannedShell("10.0.0.5", 1, 2), 2)
    assert " ".join(command) == "ping -n -c 600 -i 0.003333 -W 1 -s 64 10.0.0.5"


def _icmp(name):
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line[:5] == "Icmp:")
    return int(values[names.index(name)])


def _received_datagrams():
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line[:4] == "Udp:")
    return int(values[names.index("InDatagrams")])


def _is_running(port):
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return f"sockperf server -i 0.0.0.0 -p {port}" in running
