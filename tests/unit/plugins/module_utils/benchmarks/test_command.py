# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any command as a benchmark: the expressions that find its metrics, and everything that is not one."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import command_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import (
    BenchmarkError,
    DefinitionError,
    InfrastructureError,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, read, survive_damage

TEXT = "starting\nrate: 1250.5 requests/s\np95: 12 ms\nerrors: 0\n"
BY_REGEX = {
    "throughput_per_second": {"regex": r"^rate: (\S+)"},
    "latency_p95_ms": {"regex": r"p95: (\d+) ms"},
    "errors_total": {"regex": r"errors: (\d+)"},
}
LATENCIES = [{"q": 50, "us": 9000}, {"q": 95, "us": 12000}]
JSON = json.dumps({"summary": {"rate": 1250.5, "errors": 0}, "latency": LATENCIES})
BY_PATH = {
    "throughput_per_second": {"jmespath": "summary.rate"},
    "latency_p95_ms": {"jmespath": "latency[?q==`95`].us | [0]", "factor": 0.001},
    "errors_total": {"jmespath": "summary.errors"},
}
EXPECTED = {"throughput_per_second": 1250.5, "latency_p95_ms": 12.0, "errors_total": 0.0}


def job(metrics, command="./bench"):
    return job_of({"name": "command", "command": command, "metrics": metrics})


@pytest.mark.parametrize(("metrics", "output"), [(BY_REGEX, TEXT), (BY_PATH, JSON)], ids=["regex", "jmespath"])
def test_metrics_are_found_as_said(metrics, output):
    assert read(job(metrics), output) == pytest.approx(EXPECTED)


@pytest.mark.parametrize(("metrics", "output"), [(BY_REGEX, TEXT), (BY_PATH, JSON)], ids=["regex", "jmespath"])
def test_damaged_outputs_give_metrics_or_a_benchmark_error(metrics, output):
    reader = job(metrics)
    assert survive_damage(lambda text: read(reader, text), [output], list(EXPECTED), zeros=["errors_total"])


@pytest.mark.parametrize(
    ("metrics", "output", "says"),
    [
        (BY_REGEX, "", "matches nothing in the output, expected one. Its output is empty"),
        (BY_REGEX, TEXT + TEXT, "matches 2 places in the output"),
        (
            BY_REGEX,
            TEXT.replace("1250.5", "1.250,5"),
            "has '1.250,5' there, expected a number of at least 0",
        ),
        (BY_REGEX, TEXT.replace("1250.5", "-3"), "the output has '-3' there"),
        (BY_REGEX, TEXT.replace("1250.5", "nan"), "the output has 'nan' there"),
        (BY_REGEX, TEXT.replace("1250.5", "0.0"), "is 0, expected a number above 0. If 0 is a good result"),
        (BY_PATH, TEXT, "the output is no JSON"),
        (BY_PATH, JSON[:-4], "the output is no JSON"),
        (BY_PATH, JSON.replace("rate", "rat"), "summary.rate gives 'None', expected a number"),
        (BY_PATH, JSON.replace("1250.5", "true"), "summary.rate gives 'True', expected a number"),
        (BY_PATH, JSON.replace("1250.5", "NaN"), "throughput_per_second is nan"),
        (BY_PATH, JSON.replace("1250.5", "-2"), "throughput_per_second is -2"),
        ({"x": {"jmespath": "max(summary)"}}, JSON, "max.summary. fails: "),
    ],
)
def test_what_is_no_number_is_a_failure(metrics, output, says):
    with pytest.raises(BenchmarkError, match=says):
        read(job(metrics), output)


def test_every_fault_is_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        parse_definition(
            {
                "name": "command",
                "command": "run 'it",
                "metrics": {
                    "Rate": {"regex": "(x)"},
                    "none": {},
                    "both": {"regex": "(x)", "jmespath": "x"},
                    "groups": {"regex": "a(b)(c)"},
                    "broken": {"regex": "a(b"},
                    "path": {"jmespath": "a[?"},
                    "negative": {"regex": "(x)", "factor": -1, "facto": 2},
                },
            }
        )
    assert [fault.where.removeprefix("evolve_benchmark.") for fault in caught.value.faults] == [
        "command",
        "metrics.name",
        "metrics.none",
        "metrics.both",
        "metrics.groups.regex",
        "metrics.broken.regex",
        "metrics.path.jmespath",
        "metrics.negative.facto",
        "metrics.negative.factor",
    ]
    with pytest.raises(DefinitionError, match=r"metrics: is missing(.|\n)*command: is missing"):
        parse_definition({"name": "command"})


def test_a_command_is_run_with_what_it_must_know(tmp_path):
    definition = parse_definition(
        {
            "name": "command",
            "prepare_command": ["sh", "-c", "echo {seed} > data"],
            "command": ["sh", "-c", "echo rate: $(cat data)000 on {target} for {seconds} with {cpus}"],
            "cleanup_command": ["sh", "-c", f"cp data {tmp_path}/kept"],
            "metrics": {"throughput_per_second": {"regex": "rate: ([0-9]+) on 10.0.0.9 for [23] with"}},
            "seconds": 2,
            "seed": 7,
        }
    )
    result = measure(definition, str(tmp_path / "bench"), target="10.0.0.9")
    assert result["metrics"] == {"throughput_per_second": 7000.0}
    assert result["version"] == "command"
    assert metric_names(definition) == ["throughput_per_second"]
    assert result["commands"] == planned_commands(definition, len(os.sched_getaffinity(0)), "10.0.0.9")
    assert (tmp_path / "kept").read_text() == "7\n"
    assert not (tmp_path / "bench").exists()


def test_a_command_that_is_not_there_is_told(tmp_path):
    definition = parse_definition({"name": "command", "command": "no-such-bench", "metrics": BY_REGEX})
    with pytest.raises(InfrastructureError, match=r"the program no-such-bench is not on this machine\. Install it"):
        measure(definition, str(tmp_path / "bench"))


def test_without_jmespath_on_the_machine_its_package_is_named(monkeypatch):
    monkeypatch.setattr(command_output, "HAS_JMESPATH", False)
    with pytest.raises(InfrastructureError, match="Install the package python3-jmespath"):
        read(job(BY_PATH), JSON)
