# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role benchmark on a real guest: tools inside it and against it, what is left there, what is in the way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition

from .labs import REPOSITORY, Lab
from .proofs import SLOT

STUDIES = yaml.safe_load((REPOSITORY / "inventories/lab/group_vars/all.yml").read_text())["lab_studies"]
QUICK = {"seconds": 2, "warmup_seconds": 1, "repeats": 1}
Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def measure(applications_lab: Lab, tmp_path: Path) -> Measure:
    """Measures the slot; returns what the role says."""
    results = tmp_path / "results.json"

    def call(definition: Any, **variables: Any) -> dict[str, Any]:
        said = {"evolve_benchmark": definition, "results": str(results), **variables}
        playbook = str(Path(__file__).with_name("benchmarking.yml"))
        run = applications_lab.ansible("ansible-playbook", playbook, "--limit", SLOT, "-e", json.dumps(said))
        assert results.exists(), run.stdout
        found: dict[str, Any] = json.loads(results.read_text())
        return found

    return call


def labelled(name: str) -> dict[str, Any]:
    return {**STUDIES[name]["benchmark"], **QUICK, "label": name}


def left_behind(lab: Lab) -> str:
    """What benchmarks have left on the slot: folders, processes, databases."""
    return lab.shell(
        SLOT,
        "ls -d /var/tmp/evolve-benchmark* 2>/dev/null; pgrep -a 'fio|sysbench|pgbench|stress-ng|iperf3|sockperf';"
        " su postgres -c \"psql -Atc 'select datname from pg_database'\" | grep -x evolve_bench; true",
    )


def test_benchmarks_in_the_guest_and_against_it_are_one_measurement(measure: Measure, applications_lab: Lab) -> None:
    inside, outside = ("sysbench", "fio", "stress-ng", "redis", "command"), ("wrk", "iperf3", "latency")
    definition = [labelled(name) for name in (*inside, *outside)]
    found = measure(definition)
    parsed = parse_definition(definition)
    assert parsed.places == ["guest", "controller"]
    assert list(found["metrics"]) == metric_names(parsed)
    assert all(value > 0 for name, value in found["metrics"].items() if not name.endswith(("_total", "_percent")))
    assert found["runs"] == [found["metrics"]]
    # Each says what it is: nothing was measured by something else.
    assert all(name in found["version"] for name in ("sysbench", "fio", "stress-ng", "redis", "wrk", "iperf", "ping"))
    assert left_behind(applications_lab) == ""


def test_a_database_is_measured_by_its_own_user(measure: Measure, applications_lab: Lab) -> None:
    found = measure({**STUDIES["pgbench"]["benchmark"], "seconds": 4}, evolve_benchmark_user="postgres")
    assert found["metrics"]["throughput_per_second"] > 1
    assert found["metrics"]["latency_p99_ms"] >= found["metrics"]["latency_p50_ms"]
    assert found["metrics"]["errors_total"] == 0
    assert left_behind(applications_lab) == ""


def test_a_target_that_is_down_is_told(measure: Measure, applications_lab: Lab) -> None:
    applications_lab.shell(SLOT, "systemctl stop nginx")
    try:
        with pytest.raises(AssertionError, match="measurement"):
            measure(labelled("wrk"), installing=False)
    finally:
        applications_lab.shell(SLOT, "systemctl start nginx")


def test_a_timeout_kills_everything_in_the_guest(measure: Measure, applications_lab: Lab) -> None:
    hanging = {"name": "command", "command": ["sh", "-c", "sleep 300 & sleep 301"], "metrics": {"x": {"regex": "(x)"}}}
    began = time.monotonic()
    with pytest.raises(AssertionError, match="was stopped after timeout_seconds"):
        measure({**hanging, **QUICK, "timeout_seconds": 5}, installing=False)
    assert time.monotonic() - began < 60
    assert applications_lab.shell(SLOT, "pgrep -f 'sleep 30[01]'; true") == ""
    assert left_behind(applications_lab) == ""


def test_a_program_without_a_package_is_named(measure: Measure) -> None:
    no_such = {"name": "command", "command": "no-such-benchmark", "metrics": {"x": {"regex": "(x)"}}}
    with pytest.raises(AssertionError, match=f"Install it on {SLOT} by hand"):
        measure(no_such)
