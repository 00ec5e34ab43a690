# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole measurement: with the real sysbench, and with programs in its place that misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import online_cpus
from ansible_collections.evolve.vm.tests.servers import is_alive, wait_until

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def impostor(tmp_path, monkeypatch):
    """Puts a shell script in the place of sysbench; it finds `log` and `fixtures` in its environment."""

    def put(script):
        program = tmp_path / "bin" / "sysbench"
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            '#!/bin/sh\necho "$@" >> "$log"\n[ "$1" = --version ] && { echo sysbench 1.0.20; exit; }\n'
            + textwrap.dedent(script)
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        monkeypatch.setenv("log", str(tmp_path / "log"))
        monkeypatch.setenv("fixtures", str(FIXTURES))

    return put


def test_the_real_sysbench_is_measured(tmp_path):
    definition = parse_definition(
        {"name": "sysbench", "seconds": 1, "warmup_seconds": 1, "repeats": 2, "fileio": {"total_size_mib": 8}}
    )
    result = measure(definition, str(tmp_path / "bench"))
    assert sorted(result["metrics"]) == sorted(metric_names(definition))
    assert len(result["runs"]) == 2
    for name, mean in result["metrics"].items():
        assert mean == pytest.approx(sum(run[name] for run in result["runs"]) / 2)
    assert result["version"].startswith("sysbench 1.0.")
    assert result["seconds"] > 9
    assert result["commands"] == planned_commands(definition, online_cpus())
    assert list(tmp_path.iterdir()) == []


def test_the_warm_up_is_run_first_and_thrown_away(impostor, tmp_path):
    impostor(
        """
        case "$*" in
          *--time=3*) echo junk;;
          *) cat "$fixtures/sysbench_cpu_1.txt";;
        esac
        """
    )
    definition = parse_definition({"name": "sysbench", "tests": ["cpu"], "seconds": 9, "repeats": 2})
    result = measure(definition, str(tmp_path / "bench"))
    assert len(result["runs"]) == 2
    times = [word for line in (tmp_path / "log").read_text().splitlines() for word in line.split() if "--time" in word]
    assert times == ["--time=3", "--time=9", "--time=9"]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 42", r"no 'total number of events:'(.|\n)*  42$"),
        ("exit 0", "output is empty"),
        ("head -c 3000 /dev/urandom", "no '"),
        ("sed 's/events per second: .*/events per second: nan/' $fixtures/sysbench_cpu_1.txt", "printed 'nan'"),
        ("cat $fixtures/sysbench_cpu_1.txt; echo trouble >&2; exit 1", "exit code 1"),
        ("kill -9 $$", "signal 9"),
    ],
)
def test_nonsense_is_a_failure_and_never_a_score(impostor, tmp_path, script, says):
    impostor(script)
    definition = parse_definition({"name": "sysbench", "tests": ["cpu"]})
    with pytest.raises(BenchmarkError, match=says) as caught:
        measure(definition, str(tmp_path / "bench"))
    assert caught.value.failure_class == "measurement"
    assert not (tmp_path / "bench").exists()


def test_one_bad_repeat_spoils_the_measurement(impostor, tmp_path):
    impostor(
        """
        echo run >> "$log.runs"
        [ "$(wc -l < "$log.runs")" = 4 ] || cat "$fixtures/sysbench_cpu_1.txt"
        """
    )
    definition = parse_definition({"name": "sysbench", "tests": ["cpu"], "repeats": 3})
    with pytest.raises(BenchmarkError, match="output is empty"):
        measure(definition, str(tmp_path / "bench"))


def test_a_run_that_hangs_is_stopped_and_its_files_are_removed(impostor, tmp_path):
    impostor('touch test_file.0; [ "$2" = --file-total-size=64M ] || exec sleep 60')
    definition = parse_definition(
        {"name": "sysbench", "tests": ["fileio"], "seconds": 1, "warmup_seconds": 0, "repeats": 1, "timeout_seconds": 2}
    )
    started = time.monotonic()
    with pytest.raises(BenchmarkError, match=r"stopped after timeout_seconds \(2 s\), during: sysbench fileio"):
        measure(definition, str(tmp_path / "bench"))
    assert time.monotonic() - started < 10
    assert not (tmp_path / "bench").exists()


def test_a_real_run_that_does_not_end_is_stopped(tmp_path):
    """sysbench looks at the time between events only; this one event takes minutes."""
    definition = parse_definition(
        {
            "name": "sysbench",
            "tests": ["cpu"],
            "seconds": 1,
            "warmup_seconds": 0,
            "repeats": 1,
            "timeout_seconds": 2,
            "cpu": {"max_prime": 2000000000, "threads": 1},
        }
    )
    with pytest.raises(BenchmarkError, match="stopped after timeout_seconds"):
        measure(definition, str(tmp_path / "bench"))
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "--cpu-max-prime=2000000000" not in running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_and_removes_the_files(impostor, tmp_path, number):
    impostor('echo $$ > "$log.pid"; touch test_file.0; exec sleep 60')
    program = (
        "import sys\n"
        "from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import definition, measure\n"
        "parsed = definition.parse_definition({'name': 'sysbench', 'tests': ['fileio']})\n"
        "measure.measure(parsed, sys.argv[1])\n"
    )
    directory = tmp_path / "bench"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", program, str(directory)], env=environment)
    try:
        for _attempt in range(200):
            if (directory / "files" / "test_file.0").exists():
                break
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(timeout=20) == 128 + number
    finally:
        process.kill()
    assert not directory.exists()
    wait_until(lambda: not is_alive(int((tmp_path / "log.pid").read_text())))


def test_a_missing_program_is_told_with_package_and_role(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InfrastructureError, match=r"package sysbench, or run the role evolve\.vm\.benchmark"):
        measure(parse_definition({"name": "sysbench"}), str(tmp_path / "bench"))
    assert list(tmp_path.iterdir()) == []


def test_files_too_large_for_the_disk_are_refused_before_anything_is_written(impostor, tmp_path):
    impostor("exit 1")
    definition = parse_definition({"name": "sysbench", "tests": ["fileio"], "fileio": {"total_size_mib": 2000000000}})
    with pytest.raises(InfrastructureError, match="MiB free"):
        measure(definition, str(tmp_path / "bench"))
    assert (tmp_path / "log").read_text() == "--version\n"


def test_an_operation_too_fast_to_tell_apart_is_warned_of(impostor, tmp_path):
    impostor('cat "$fixtures/sysbench_memory_1k.txt"')
    definition = parse_definition({"name": "sysbench", "tests": ["memory"], "memory": {"block_size_kib": 1}})
    result = measure(definition, str(tmp_path / "bench"))
    assert len(result["warnings"]) == 1
    assert "memory_latency_p95_ms is 0.0010 ms, near to the 0.001 ms" in result["warnings"][0]
