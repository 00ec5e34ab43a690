# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fio, measured for real, its bytes compared with the kernel's own account of the process."""

from __future__ import annotations

import hashlib
import json
import resource
import tempfile
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import metric_names, parse_definition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, DefinitionError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.measure import measure, planned_commands
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.process import Deadline
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import (
    LOOPBACK,
    PlannedShell,
    RunningShell,
    online_cpus,
)
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of

CACHE = Path(__file__).parents[5] / ".cache"
SECTOR = 512


@pytest.fixture
def disk():
    """A folder on a disk, where pytest's own may lie in memory: there the kernel counts no input and no output."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fio-", dir=CACHE) as folder:
        yield Path(folder)


@pytest.mark.parametrize("options", [{"mode": "randrw", "fsync_every": 8, "jobs": 2}, {"mode": "randread"}])
def test_the_real_fio_is_measured(tmp_path, options):
    definition = parse_definition(
        {"name": "fio", "total_size_mib": 4, "seconds": 1, "warmup_seconds": 1, "repeats": 2, **options}
    )
    result = measure(definition, str(tmp_path / "bench"))
    assert list(result["metrics"]) == metric_names(definition)
    assert len(result["runs"]) == 2
    assert result["version"].startswith("fio-3.")
    assert result["commands"] == planned_commands(definition, online_cpus())
    assert result["seconds"] > 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ["libaio", "io_uring", "psync"])
@pytest.mark.parametrize("mode", ["randread", "randwrite"])
def test_bytes_are_those_the_kernel_counts(disk, engine, mode):
    """getrusage counts what the processes moved to and from the disk, whatever fio says of it."""
    job = job_of({"name": "fio", "total_size_mib": 8, "mode": mode, "engine": engine, "block_size_kib": 16})
    shell = RunningShell(str(disk), LOOPBACK, 1, Deadline(60), [])
    job.prepare(shell)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = shell.run(job.run_command(shell, 1))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    metrics = job.metrics(output, shell)
    direction = mode[len("rand") :]
    seconds = json.loads(output)["jobs"][0][direction]["runtime"] / 1000
    counted = {
        "read": SECTOR * (after.ru_inblock - before.ru_inblock),
        "write": SECTOR * (after.ru_oublock - before.ru_oublock),
    }
    # Programs and libraries are read as well, files of fio's own are written.
    assert metrics[f"{direction}_mib_per_second"] * 2**20 * seconds == pytest.approx(counted[direction], rel=0.02)


def test_the_files_are_laid_out_and_stay_what_they_are(disk):
    """All of it is really on the disk, each job has a file of its own, and runs make no other."""
    job = job_of({"name": "fio", "total_size_mib": 5, "jobs": 2, "block_size_kib": 192, "mode": "randwrite"})
    shell = RunningShell(str(disk), LOOPBACK, 1, Deadline(60), [])
    job.prepare(shell)
    sizes = {path.name: path.stat().st_size for path in disk.iterdir()}
    assert list(sizes.values()) == [13 * 192 * 1024] * 2
    assert all(path.stat().st_blocks * SECTOR >= path.stat().st_size for path in disk.iterdir())
    job.metrics(shell.run(job.run_command(shell, 1)), shell)
    assert {path.name: path.stat().st_size for path in disk.iterdir()} == sizes


def test_a_second_measurement_starts_from_the_same_data(disk):
    job = job_of({"name": "fio", "total_size_mib": 2, "mode": "randwrite"})
    shell = RunningShell(str(disk), LOOPBACK, 1, Deadline(60), [])

    def digest():
        (path,) = disk.iterdir()
        return hashlib.sha256(path.read_bytes()).hexdigest()

    job.prepare(shell)
    first = digest()
    shell.run(job.run_command(shell, 1))
    assert digest() != first
    job.prepare(shell)
    assert digest() == first


def test_the_same_seed_draws_the_same_blocks(disk):
    """fio writes down where it reads."""

    def blocks(seed):
        job = job_of({"name": "fio", "total_size_mib": 4, "mode": "randread"})
        shell = RunningShell(str(disk), LOOPBACK, seed, Deadline(60), [])
        job.prepare(shell)
        (disk / "blocks").unlink(missing_ok=True)
        shell.run([*job.run_command(shell, 1), "--write_iolog=blocks"])
        return [line.split()[-2:] for line in shell.read("blocks").splitlines() if " read " in line][:100]

    first = blocks(1)
    assert len(set(map(tuple, first))) > 50
    assert blocks(1) == first
    assert blocks(2) != first


def test_an_engine_that_cannot_run_is_told_in_fio_s_own_words(tmp_path, monkeypatch):
    job_class = type(job_of({"name": "fio"}))
    command = job_class.run_command
    monkeypatch.setattr(
        job_class,
        "run_command",
        lambda *arguments: [word.replace("libaio", "nosuch") for word in command(*arguments)],
    )
    definition = parse_definition({"name": "fio", "total_size_mib": 1, "seconds": 1})
    with pytest.raises(BenchmarkError, match="engine nosuch not loadable"):
        measure(definition, str(tmp_path / "bench"))
    assert list(tmp_path.iterdir()) == []


def test_all_faults_are_told_at_once():
    with pytest.raises(DefinitionError) as caught:
        parse_definition(
            {
                "name": "fio",
                "mode": "randraed",
                "engine": "psync",
                "io_depth": 8,
                "direct": "maybe",
                "total_size_mib": 0,
                "jobs": -1,
                "blocksize_kib": 4,
                "fsync_every": "often",
            }
        )
    text = str(caught.value)
    assert "7 faults" in text
    assert "Did you mean randread?" in text
    assert "Did you mean block_size_kib?" in text
    assert "does one operation at a time" in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mode": "read", "read_percent": 50}, "mode read does not mix reads and writes"),
        ({"mode": "read", "fsync_every": 5}, "mode read does not write"),
        ({"total_size_mib": 1, "jobs": 200, "block_size_kib": 16}, "too little for 200 files"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, says):
    with pytest.raises(DefinitionError, match=says):
        parse_definition({"name": "fio", **options})


def test_psync_has_one_operation_in_flight_unless_told_otherwise():
    def depth(options):
        command = job_of({"name": "fio", **options}).run_command(PlannedShell(LOOPBACK, 7, 2), 3)
        assert "--randseed=7" in command
        assert "--runtime=3" in command
        return next(word for word in command if word.startswith("--iodepth"))

    assert depth({"engine": "psync"}) == "--iodepth=1"
    assert depth({}) == "--iodepth=16"
