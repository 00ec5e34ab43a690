# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""iperf3, measured for real over loopback, its bytes compared with those that the kernel counts on the interface."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, DefinitionError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.serving import start_servers, stop_servers
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import LOOPBACK, PlannedShell, online_cpus
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of


@pytest.fixture
def port():
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return listener.getsockname()[1]


def definition_of(port, **options):
    return parse_definition(
        {"name": "iperf3", "port": port, "seconds": 1, "warmup_seconds": 0, "repeats": 1, **options}
    )


@pytest.mark.parametrize(
    "options",
    [{}, {"streams": 2, "reverse": True}, {"protocol": "udp"}, {"protocol": "udp", "block_size_bytes": 1200}],
)
def test_the_real_iperf3_is_measured(tmp_path, port, options):
    definition = definition_of(port, warmup_seconds=1, repeats=2, **options)
    result = measure(definition, str(tmp_path / "bench"))
    assert list(result["metrics"]) == metric_names(definition)
    assert len(result["runs"]) == 2
    assert result["version"].startswith("iperf 3.")
    assert result["commands"] == planned_commands(definition, online_cpus())
    assert list(tmp_path.iterdir()) == []
    assert not _is_running(port)


@pytest.mark.parametrize("options", [{}, {"reverse": True}, {"protocol": "udp", "rate_mbit_per_second": 400}])
def test_bytes_are_those_the_kernel_counts_on_the_interface(tmp_path, port, options):
    before = _received_on_loopback()
    result = measure(definition_of(port, **options), str(tmp_path / "bench"))
    counted = _received_on_loopback() - before
    reported = result["metrics"]["throughput_mbit_per_second"] * 1e6 / 8
    # Headers and acknowledgements come on top, and what else this machine says to itself.
    assert reported < counted * 1.01
    assert counted < 1.3 * reported + 20e6


def test_a_rate_is_kept_by_all_streams_together(tmp_path, port):
    definition = definition_of(port, streams=4, rate_mbit_per_second=40)
    assert measure(definition, str(tmp_path / "bench"))["metrics"]["throughput_mbit_per_second"] == pytest.approx(
        40, rel=0.2
    )


def test_a_server_that_runs_elsewhere_is_used(tmp_path, port):
    """As the role does it: the server is started on the measured machine, the benchmark runs on another one."""
    definition = definition_of(port, place="load-1")
    assert start_servers(definition, str(tmp_path / "servers"))
    try:
        result = measure(definition, str(tmp_path / "bench"), target="localhost")
    finally:
        assert stop_servers(str(tmp_path / "servers"))
    assert result["metrics"]["throughput_mbit_per_second"] > 1
    assert f"iperf3 -c localhost -p {port}" in result["commands"][-1]
    assert not _is_running(port)


def test_a_server_that_is_down_is_told(tmp_path, port):
    with pytest.raises(BenchmarkError, match="unable to connect to server"):
        measure(definition_of(port, host="127.0.0.1"), str(tmp_path / "bench"))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_busy_is_waited_for(tmp_path, port):
    """Somebody else's run of two seconds ends before patience does."""
    with subprocess.Popen(["iperf3", "-s", "-p", str(port)], stdout=subprocess.DEVNULL) as server:
        try:
            _await(port)
            other = ["iperf3", "-c", LOOPBACK, "-p", str(port), "-t", "2", "-b", "1M"]
            with subprocess.Popen(other, stdout=subprocess.DEVNULL):
                result = measure(definition_of(port, host=LOOPBACK), str(tmp_path / "bench"))
        finally:
            server.kill()
    assert result["metrics"]["throughput_mbit_per_second"] > 1


def test_all_faults_are_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        parse_definition(
            {
                "name": "iperf3",
                "port": 70000,
                "streams": 0,
                "protocol": "upd",
                "reverse": 3,
                "host": "-oProxy",
                "rate_mbits_per_second": 5,
            }
        )
    text = str(caught.value)
    assert "6 faults" in text
    assert "Did you mean udp?" in text
    assert "Did you mean rate_mbit_per_second?" in text


@pytest.mark.parametrize("size", [8, 65508])
def test_a_packet_that_udp_cannot_carry_is_refused(size):
    with pytest.raises(DefinitionError, match="from 16 to 65507 bytes"):
        job_of({"name": "iperf3", "protocol": "udp", "block_size_bytes": size})


def test_udp_is_not_left_at_iperf3_s_one_megabit():
    command = job_of({"name": "iperf3", "protocol": "udp", "streams": 4}).run_command(PlannedShell("10.0.0.5", 1, 2), 3)
    assert " ".join(command).endswith("-t 3 -P 4 --connect-timeout 10000 -b 25000000 -u")
    assert command[:3] == ["iperf3", "-c", "10.0.0.5"]


def _received_on_loopback():
    (line,) = (line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.partition(":")[2].split()[0])


def _is_running(port):
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return f"iperf3 -s -p {port}" in running


def _await(port):
    """Until the server listens, without a connection, which it would take for a client."""
    for dummy in range(100):
        if f":{port:04X} " in Path("/proc/net/tcp6").read_text() + Path("/proc/net/tcp").read_text():
            return
        subprocess.run(["sleep", "0.05"], check=True)
    raise AssertionError("iperf3 does not listen")
