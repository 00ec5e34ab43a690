# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definition of a benchmark: what is accepted, and that every fault is told at once."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, DefinitionError
from ansible_collections.evolve.vm.tests.benchmark_outputs import RecordedShell, job_of

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


def only(content):
    (benchmark,) = parse_definition(content).benchmarks
    return benchmark


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
    assert definition.places == ["guest"]
    (benchmark,) = definition.benchmarks
    assert (benchmark.seconds, benchmark.warmup_seconds, benchmark.repeats) == (10, 3, 2)
    assert (benchmark.seed, benchmark.cooldown_seconds) == (1, 0)
    assert benchmark.timeout_seconds == 2 * 3 * (3 + 2 * 10) + 120


def test_tests_are_run_in_the_order_given():
    benchmark = only({"name": "sysbench", "tests": ["cpu", "fileio"]})
    assert [job.name for job in benchmark.jobs] == ["cpu", "fileio"]


def test_every_option_reaches_the_command():
    benchmark = only(
        {
            "name": "sysbench",
            "seed": 9,
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
    fileio, memory, cpu = (job.run_command(RecordedShell(seed=benchmark.seed), 6) for job in benchmark.jobs)
    assert {
        "fileio",
        "--time=6",
        "--rand-seed=9",
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
    cpu = job_of({"name": "sysbench", "tests": ["cpu"]})
    assert "--threads=6" in cpu.run_command(RecordedShell(cpus=6), 1)


def test_files_are_prepared_as_they_are_run():
    fileio, shell = job_of({"name": "sysbench", "tests": ["fileio"], "fileio": {"file_count": 9}}), RecordedShell()
    fileio.prepare(shell)
    (prepared,) = shell.commands
    options = {option for option in fileio.run_command(shell, 1) if option.startswith(("--file-", "--rand-seed"))}
    assert options == set(prepared.split()[2:-1])
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
    assert only({**content, "timeout_seconds": 14}).timeout_seconds == 14


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
    benchmark = only({"name": "sysbench", "seconds": "5", "cpu": {"threads": "2"}, "tests": ["cpu"]})
    assert benchmark.seconds == 5
    assert "--threads=2" in benchmark.jobs[0].run_command(RecordedShell(cpus=8), 1)


def test_several_benchmarks_have_their_metrics_under_their_names():
    cpu = {"name": "sysbench", "tests": ["cpu"]}
    definition = parse_definition([cpu, {**cpu, "label": "generated", "place": "load-1", "repeats": 4}])
    assert definition.places == ["guest", "load-1"]
    assert [benchmark.repeats for benchmark in definition.benchmarks] == [2, 4]
    assert metric_names(definition) == [
        f"{label}.{name}" for label in ("sysbench", "generated") for name in ALL_METRICS if name.startswith("cpu_")
    ]
    assert metric_names(definition.on("load-1"))[0] == "generated.cpu_events_per_second"


def test_faults_of_several_benchmarks_are_told_at_once_and_say_where():
    found = faults([{"name": "sysbench", "seconds": 0}, {"name": "sysbensh"}, 3, {"name": "sysbench", "label": "a b"}])
    assert list(found) == [
        "evolve_benchmark[0].seconds",
        "evolve_benchmark[1].name",
        "evolve_benchmark[2]",
        "evolve_benchmark[3].label",
    ]
    assert "Did you mean sysbench?" in found["evolve_benchmark[1].name"]


def test_benchmarks_of_one_name_need_labels():
    found = faults([{"name": "sysbench"}, {"name": "sysbench"}])
    assert found == {"evolve_benchmark": "'sysbench' is there 2 times; tell them apart by a `label` each"}
    assert "the list is empty" in faults([])["evolve_benchmark"]
