# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definition of a benchmark: what is accepted, and that every fault is told at once."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, DefinitionError

ALL_METRICS = [
    "fileio_operations_per_second",
    "fileio_read_mib_per_second",
    "fileio_written_mib_per_second",
    "fileio_fsyncs_per_second",
    "fileio_latency_mean_ms",
    "fileio_latency_p95_ms",
    "memory_operations_per_second",
    "memory_mib_per_second",
    "memory_latency_p95_ms",
    "cpu_events_per_second",
    "cpu_latency_mean_ms",
    "cpu_latency_p95_ms",
]


def faults(content):
    with pytest.raises(DefinitionError) as caught:
        parse_definition(content)
    assert isinstance(caught.value, BenchmarkError)
    assert str(caught.value).startswith(f"{len(caught.value.faults)} fault")
    assert all(str(fault) in str(caught.value) for fault in caught.value.faults)
    return {fault.where: fault.problem for fault in caught.value.faults}


def test_a_name_alone_measures_everything_with_the_defaults():
    definition = parse_definition({"name": "sysbench"})
    assert metric_names(definition) == ALL_METRICS
    assert (definition.seconds, definition.warmup_seconds, definition.repeats) == (10, 3, 2)
    assert definition.timeout_seconds == 2 * 3 * (3 + 2 * 10) + 120


def test_tests_are_run_in_the_order_given():
    definition = parse_definition({"name": "sysbench", "tests": ["cpu", "fileio"]})
    assert [job.name for job in definition.jobs] == ["cpu", "fileio"]


def test_every_option_reaches_the_command():
    definition = parse_definition(
        {
            "name": "sysbench",
            "fileio": {
                "total_size_mib": 128,
                "mode": "rndwr",
                "fsync_every": 7,
                "block_size_kib": 8,
                "threads": 3,
                "file_count": 2,
            },
            "memory": {"block_size_kib": 64, "total_size_mib": 512, "operation": "read", "threads": 4},
            "cpu": {"max_prime": 500, "threads": 5},
        }
    )
    fileio, memory, cpu = (job.run_command(online_cpus=2, seconds=6) for job in definition.jobs)
    assert {
        "fileio",
        "--time=6",
        "--threads=3",
        "--file-total-size=128M",
        "--file-num=2",
        "--file-block-size=8192",
        "--file-test-mode=rndwr",
        "--file-fsync-freq=7",
    } <= set(fileio)
    assert {
        "memory",
        "--threads=4",
        "--memory-block-size=64K",
        "--memory-total-size=512M",
        "--memory-oper=read",
    } <= set(memory)
    assert {"cpu", "--threads=5", "--cpu-max-prime=500"} <= set(cpu)


def test_threads_follow_the_cpus_of_the_machine():
    definition = parse_definition({"name": "sysbench", "tests": ["cpu"]})
    assert "--threads=6" in definition.jobs[0].run_command(online_cpus=6, seconds=1)


def test_files_are_prepared_as_they_are_run():
    fileio = parse_definition({"name": "sysbench", "tests": ["fileio"], "fileio": {"file_count": 9}}).jobs[0]
    prepared, run = fileio.prepare_command(), fileio.run_command(1, 1)
    assert {option for option in run if option.startswith("--file-")} == set(prepared[2:-1])
    assert fileio.disk_mib == 64


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"mode": "rndrd"}, {"fileio_written_mib_per_second", "fileio_fsyncs_per_second"}),
        ({"mode": "seqrd"}, {"fileio_written_mib_per_second", "fileio_fsyncs_per_second"}),
        ({"mode": "rndwr"}, {"fileio_read_mib_per_second"}),
        ({"mode": "seqwr"}, {"fileio_read_mib_per_second"}),
        ({"mode": "seqrewr"}, {"fileio_read_mib_per_second"}),
        ({"mode": "rndrw"}, set()),
        ({"fsync_every": 0}, {"fileio_fsyncs_per_second"}),
    ],
)
def test_metrics_that_a_mode_cannot_have_are_not_promised(options, missing):
    definition = parse_definition({"name": "sysbench", "tests": ["fileio"], "fileio": options})
    assert set(ALL_METRICS[:6]) - set(metric_names(definition)) == missing


def test_every_fault_is_told_at_once():
    found = faults(
        {
            "name": "sysbench",
            "tests": ["fileoi", "cpu", "cpu"],
            "seconds": 0,
            "warmup_seconds": -1,
            "repeats": 1.5,
            "timeout_seconds": "soon",
            "repeat": 3,
            "fileio": {"mode": "rndx", "total_size_mb": 4, "fsync_every": True, "threads": 0},
            "memory": 3,
            "cpu": {"max_prime": "1e4"},
        }
    )
    assert set(found) == {
        "evolve_benchmark.tests",
        "evolve_benchmark.seconds",
        "evolve_benchmark.warmup_seconds",
        "evolve_benchmark.repeats",
        "evolve_benchmark.timeout_seconds",
        "evolve_benchmark.repeat",
        "evolve_benchmark.fileio.mode",
        "evolve_benchmark.fileio.total_size_mb",
        "evolve_benchmark.fileio.fsync_every",
        "evolve_benchmark.fileio.threads",
        "evolve_benchmark.memory",
        "evolve_benchmark.cpu.max_prime",
    }
    assert "found 0, expected a whole number from 1" in found["evolve_benchmark.seconds"]
    assert "Did you mean repeats?" in found["evolve_benchmark.repeat"]
    assert "Did you mean total_size_mib?" in found["evolve_benchmark.fileio.total_size_mb"]
    assert "rndrw" in found["evolve_benchmark.fileio.mode"]


def test_each_wrong_test_name_is_its_own_fault():
    with pytest.raises(DefinitionError) as caught:
        parse_definition({"name": "sysbench", "tests": ["fileoi", "cpu", "cpu"]})
    problems = [fault.problem for fault in caught.value.faults]
    assert len(problems) == 2
    assert "Did you mean fileio?" in problems[0]
    assert "listed twice" in problems[1]


@pytest.mark.parametrize("content", [None, [], "sysbench", 3, True])
def test_a_definition_is_a_mapping(content):
    assert "expected a mapping" in faults(content)["evolve_benchmark"]


def test_the_tool_is_named():
    assert "is missing" in faults({})["evolve_benchmark.name"]
    assert "Did you mean sysbench?" in faults({"name": "sysbnech"})["evolve_benchmark.name"]
    assert "found ['sysbench']" in faults({"name": ["sysbench"]})["evolve_benchmark.name"]


@pytest.mark.parametrize("tests", [[], "fileio", {"fileio": 1}, 3])
def test_tests_are_a_list_that_is_not_empty(tests):
    assert "expected a list" in faults({"name": "sysbench", "tests": tests})["evolve_benchmark.tests"]


def test_a_timeout_shorter_than_the_runs_is_refused():
    content = {"name": "sysbench", "tests": ["cpu"], "seconds": 5, "warmup_seconds": 3, "repeats": 2}
    assert "the runs alone take 13 s" in faults({**content, "timeout_seconds": 13})["evolve_benchmark.timeout_seconds"]
    assert parse_definition({**content, "timeout_seconds": 14}).timeout_seconds == 14


def test_sizes_that_do_not_fit_each_other_are_refused():
    found = faults(
        {
            "name": "sysbench",
            "fileio": {"total_size_mib": 1, "file_count": 100},
            "memory": {"block_size_kib": 2048, "total_size_mib": 1},
        }
    )
    assert set(found) == {"evolve_benchmark.fileio.total_size_mib", "evolve_benchmark.memory.total_size_mib"}


def test_numbers_may_be_text_because_templates_give_text():
    definition = parse_definition({"name": "sysbench", "seconds": "5", "cpu": {"threads": "2"}, "tests": ["cpu"]})
    assert definition.seconds == 5
    assert "--threads=2" in definition.jobs[0].run_command(8, 1)
