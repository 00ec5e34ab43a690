# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring simulated machines."""

from __future__ import annotations

import json
import statistics
import time

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.arguments import ARGUMENT_SPEC
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation import surface
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import (
    MachineLostError,
    SimulatedMachine,
    SimulationError,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.measuring import measure_machine
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.noise import run_seconds

DEFINITION = {"name": "sysbench", "tests": ["fileio", "cpu"], "repeats": 3}
BEHAVIOUR = {key: option.get("default") for key, option in ARGUMENT_SPEC["simulation"]["options"].items()}
SILENT = {"noise": 0.0, "slot_effect": 0.0, "outlier_share": 0.0}


@pytest.fixture
def measure(tmp_path):
    def call(definition=None, name="sim-01", check_mode=False, early_abort=None, **behaviour):
        options = {
            "simulation_directory": str(tmp_path),
            "definition": definition or DEFINITION,
            "simulation": {**BEHAVIOUR, **behaviour},
            "state": "measured",
            "early_abort": early_abort,
        }
        return measure_machine(options, name, check_mode)

    return call


def test_the_result_is_that_of_the_real_module(measure):
    result = measure()
    assert list(result) == [
        "changed",
        "metrics",
        "runs",
        "seconds",
        "window_seconds_ago",
        "version",
        "commands",
        "cut_short",
    ]
    assert result["changed"] is False
    assert list(result["metrics"]) == metric_names(parse_definition(DEFINITION))
    assert len(result["runs"]) == 3
    for name, mean in result["metrics"].items():
        assert mean == pytest.approx(statistics.fmean(run[name] for run in result["runs"]))
    assert result["version"] == "simulated"
    assert any("--threads=2" in command for command in result["commands"])


def test_results_are_plain_values(measure):
    def check(value):
        assert type(value) in (dict, list, str, int, float, bool)
        for part in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []:
            check(part)

    check(measure())


def test_without_noise_it_is_the_surface_at_what_is_in_force(measure, tmp_path):
    machine = SimulatedMachine(tmp_path, "sim-01")
    machine.values["vm.vcpus"] = 5
    machine.sysctls["vm.swappiness"] = 15
    machine.save()
    expected = surface.metrics({"vm.vcpus": 5, "kernel.sysctl.vm.swappiness": 15})
    found = measure(**SILENT)["metrics"]
    assert found == pytest.approx({name: expected[name] for name in found})
    assert expected["cpu_events_per_second"] > 1.3 * surface.metrics({})["cpu_events_per_second"]


def test_a_machine_measures_differently_each_time_and_reproducibly(measure, tmp_path):
    first, second = measure(seed=3)["metrics"], measure(seed=3)["metrics"]
    assert first != second
    SimulatedMachine(tmp_path, "sim-01").path.unlink()
    assert measure(seed=3)["metrics"] == first
    assert measure(seed=3)["metrics"] == second
    assert measure(seed=3, name="sim-02")["metrics"] != first
    SimulatedMachine(tmp_path, "sim-01").path.unlink()
    assert measure(seed=4)["metrics"] != first


def test_check_mode_says_what_would_run_and_counts_nothing(measure, tmp_path):
    result = measure(check_mode=True)
    assert result["metrics"] == {}
    assert result["runs"] == []
    assert len(result["commands"]) == 1 + 2 + 3 * 2
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_definition_fails_as_in_the_module(measure):
    result = measure(definition={"name": "sysbench", "tests": ["disk"]})
    assert result["failed"]
    assert result["failure_class"] == "measurement"
    assert "definition.tests: found 'disk'" in result["msg"]


def test_a_deadly_configuration_is_a_failed_measurement(measure, tmp_path):
    machine = SimulatedMachine(tmp_path, "sim-01")
    machine.sysctls["vm.min_free_kbytes"] = 900000
    machine.save()
    result = measure()
    assert result["failed"]
    assert result["failure_class"] == "measurement"
    assert "killed by signal 9" in result["msg"]
    assert SimulatedMachine(tmp_path, "sim-01").measurements == 1


def test_junk_after_some_measurements_is_refused_by_the_real_parser(measure):
    assert "metrics" in measure(junk_after=1)
    result = measure(junk_after=1)
    assert result["failed"]
    assert result["failure_class"] == "measurement"
    assert "simulated nonsense: 42 parrots per second" in result["msg"]
    assert "metrics" in measure()


def test_a_machine_lost_after_some_measurements_stays_lost(measure, tmp_path):
    measure(lost_after=2)
    measure(lost_after=2)
    for behaviour in ({"lost_after": 2}, {}):
        with pytest.raises(MachineLostError, match="lost after 2 measurements"):
            measure(**behaviour)
    measure(name="sim-02", lost_after=2)
    SimulatedMachine(tmp_path, "sim-01").path.unlink()
    assert "metrics" in measure()


def test_runs_can_take_real_time(measure):
    started = time.monotonic()
    result = measure(seconds_per_run=0.1)
    assert time.monotonic() - started >= 0.3
    assert result["seconds"] >= 0.3


def test_the_time_varies_with_machine_and_history_and_not_by_chance(measure):
    for name, number in (("sim-01", 0), ("sim-01", 1), ("sim-02", 0)):
        planned = 3 * run_seconds(name, number, 4, 0.02, 0.2)
        seconds = measure(name=name, seed=4, seconds_per_run=0.02, seconds_spread=0.2)["seconds"]
        assert planned - 0.001 <= seconds <= planned + 0.1


def test_the_time_of_measurements_lies_evenly_in_its_spread():
    drawn = sorted(run_seconds("sim-01", number, 1, 20.0, 80.0) for number in range(1000))
    assert drawn[0] >= 20.0
    assert drawn[-1] <= 100.0
    assert [drawn[250], drawn[500], drawn[750]] == pytest.approx([40.0, 60.0, 80.0], abs=3.0)
    assert run_seconds("sim-01", 3, 1, 20.0, 80.0) != run_seconds("sim-02", 3, 1, 20.0, 80.0)
    assert run_seconds("sim-01", 3, 1, 20.0, 80.0) != run_seconds("sim-01", 3, 2, 20.0, 80.0)


def test_what_it_measures_does_not_depend_on_the_time_it_takes(measure, tmp_path):
    quick = measure()["metrics"]
    SimulatedMachine(tmp_path, "sim-01").path.unlink()
    assert measure(seconds_per_run=0.001, seconds_spread=0.01)["metrics"] == quick


def test_a_log_says_when_which_machine_was_busy(measure, tmp_path):
    log = tmp_path / "log" / "busy.jsonl"
    with pytest.raises(SimulationError, match=r"busy\.jsonl: No such file"):
        measure(log=str(log))
    log.parent.mkdir()
    before = time.time()
    result = measure(name="sim-02", log=str(log), seconds_per_run=0.02)
    measure(name="sim-01", log=str(log))
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert [first["machine"], first["measurement"]] == ["sim-02", 0]
    assert before - 0.001 <= first["began"] <= before + 1
    assert 0.06 <= first["seconds"] <= result["seconds"]
    # The one that could not be logged has been a measurement, too.
    assert [second["machine"], second["measurement"]] == ["sim-01", 1]


def test_metrics_of_other_tools_are_made_up_by_their_units(measure):
    metrics = {name: {"regex": "(x)"} for name in ("throughput_per_second", "latency_p95_ms", "errors_total")}
    definition = [{"name": "command", "label": "shop", "command": "ab", "metrics": metrics}, DEFINITION]
    found = measure(definition, **SILENT)["metrics"]
    assert list(found) == metric_names(parse_definition(definition))
    assert found["shop.throughput_per_second"] == found["sysbench.fileio_operations_per_second"]
    assert found["shop.latency_p95_ms"] == found["sysbench.fileio_latency_p95_ms"]
    assert found["shop.errors_total"] == 0.0


def test_a_hopeless_measurement_is_cut_short(measure):
    limit = {"metric": "cpu_latency_p95_ms", "direction": "minimize", "limit": 0.001}
    given = {"limits": [limit], "beyond": 2.0, "seconds": None, "errors_percent": 50.0}
    result = measure(early_abort=given)
    assert len(result["runs"]) == 1
    assert result["cut_short"].startswith("after run 1 of 3: cpu_latency_p95_ms is ")
