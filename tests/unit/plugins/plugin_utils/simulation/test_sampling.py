# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module sampler returns for simulated machines."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.evolve.vm.plugins.module_utils.sampling.arguments import ARGUMENT_SPEC
from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import BY_NAME
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation import sampling
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.baseline import BASELINE
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine, SimulationError

ROOT = Path(__file__).parents[5]
PROBES = [{"kind": "icmp"}, {"kind": "tcp", "port": 80}]


@pytest.fixture
def sample(tmp_path, monkeypatch):
    """Calls the sampler as the action does, at 10 minutes past some hour."""
    monkeypatch.setattr(sampling.time, "time", lambda: 1_764_000_600.0)

    def sample(name="sim-01", **options):
        given = {"name": "s", "state": "collected", "hypervisor": "simulated", "interval": 10, "probes": PROBES}
        given["simulation_directory"] = str(tmp_path)
        checked = ArgumentSpecValidator(ARGUMENT_SPEC).validate({**given, **options})
        assert checked.error_messages == []
        return sampling.sample_machines(checked.validated_parameters, name)

    return sample


def values(result, field, host="sim-01"):
    return [
        value
        for each in result["series"]
        if (each["host"], each["field"]) == (host, field)
        for dummy, value in each["points"]
    ]


def test_a_window_has_all_points_and_only_once(sample):
    since = 1_764_000_000_000
    result = sample(since_ms=since)
    assert json.loads(json.dumps(result)) == result
    for each in result["series"]:
        assert [at_ms for at_ms, dummy in each["points"]] == list(range(since + 10_000, since + 600_001, 10_000))
    assert result["newest_ms"] == since + 600_000
    assert sample(since_ms=result["newest_ms"])["series"] == []
    assert sample(since_ms=since) == result
    assert sample(since_ms=since, simulation={"seed": 1}) != result
    later = sample(since_ms=since + 300_000)
    assert values(later, "response_time_ms") == values(result, "response_time_ms")[30:]


def test_all_metrics_are_there_and_plausible(sample):
    result = sample()
    fields = {each["field"] for each in result["series"]}
    assert fields == {name for name, metric in BY_NAME.items() if metric.source != "guest"}
    for field in fields:
        found = values(result, field)
        assert len(found) == 60
        assert all(value >= 0 for value in found)
        if field.endswith("_percent"):
            assert all(value <= 100 for value in found)


def test_a_better_configuration_is_seen_from_outside(sample, tmp_path):
    machine = SimulatedMachine(tmp_path, "sim-01")
    before = sample()
    machine.values.update({"vm.vcpus": 4, "vm.disk.io": "io_uring", "vm.disk.class": "ssd"})
    machine.save()
    after = sample()
    for field in ("response_time_ms", "cpu_utilisation_percent", "disk_read_latency_ms"):
        assert statistics.mean(values(after, field)) < 0.9 * statistics.mean(values(before, field))


def test_a_machine_that_was_lost_is_not_available(sample, tmp_path):
    machine = SimulatedMachine(tmp_path, "sim-01")
    machine.lost = True
    machine.save()
    result = sample()
    assert set(values(result, "availability_percent")) == {0.0}
    assert set(values(result, "network_lost_percent")) == {100.0}
    assert values(result, "response_time_ms") == values(result, "cpu_utilisation_percent") == []
    assert result["gaps"][0]["reason"] == "the machine was lost"


def test_machines_hosts_and_states(sample):
    machines = [{"name": "sim-01", "host": "one"}, {"name": "sim-02"}]
    assert {each["host"] for each in sample(machines=machines)["series"]} == {"one", "sim-02"}
    assert {each["host"] for each in sample(machines=machines, hosts=["one"])["series"]} == {"one"}
    assert sample(state="started")["series"] == sample(state="stopped")["series"] == []
    assert sample(state="stopped", since_ms=1_764_000_500_000)["running"] is False
    long = sample(since_ms=1_764_000_600_000 - 400 * 24 * 3600 * 1000)
    assert long["more"]
    assert sum(len(each["points"]) for each in long["series"]) <= 200_000


def test_faults_are_told(sample):
    with pytest.raises(SimulationError, match="interval: found '2h'"):
        sample(interval="2h")


def test_points_are_pure():
    arguments = (BASELINE, "sim-01", 3, 1000, 0, 5000)
    assert list(sampling.points(*arguments)) == list(sampling.points(*arguments))


def test_ansible_answers_without_a_connection(tmp_path):
    options = {"name": "s", "state": "collected", "hypervisor": "simulated", "simulation_directory": str(tmp_path)}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "adhoc", "sim-01", "-i", "sim-01,", "-m", "evolve.vm.sampler"),
            *("-a", json.dumps(options), "-e", "ansible_host=192.0.2.1"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert '"simulated": true' in done.stdout, done.stdout + done.stderr
    assert "cpu_utilisation_percent" in done.stdout
