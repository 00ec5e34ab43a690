# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring a machine: prepare, warm up, run, parse, clean up."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import time
from contextlib import contextmanager
from typing import Any, Iterator

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import BenchmarkDefinition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.process import Deadline, run, run_well
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.workspace import Workspace

_CLEANUP_SECONDS = 30
#: Below this a latency in ms is too near to the tool's resolution of 0.001 ms to compare configurations by.
COARSE_LATENCY_MS = 0.01


def measure(definition: BenchmarkDefinition, directory: str) -> dict[str, Any]:
    """Run a benchmark on this machine, its files in `directory`, and return what the module returns.

    Raises BenchmarkError (`failure_class` says which kind) if there is no complete, plausible result. In the end,
    however it comes, no process of the benchmark is running and no file of it is left.
    """
    started = time.monotonic()
    deadline = Deadline(definition.timeout_seconds)
    _require_program(definition)
    commands: list[str] = []
    cpus = online_cpus()

    def execute(command: list[str]) -> str:
        commands.append(shlex.join(command))
        return run_well(command, workspace.path, deadline)

    with _ending_on_signals(), Workspace(directory) as workspace:
        version = definition.tool.version(run_well(definition.tool.version_command(), workspace.path, deadline))
        workspace.require_space(sum(job.disk_mib for job in definition.jobs))
        try:
            for job in definition.jobs:
                preparation = job.prepare_command()
                if preparation:
                    execute(preparation)
            # The first run after a boot is 20-25 % low: it is made, and thrown away.
            if definition.warmup_seconds:
                for job in definition.jobs:
                    execute(job.run_command(cpus, definition.warmup_seconds))
            runs = []
            for _repeat in range(definition.repeats):
                metrics: dict[str, float] = {}
                for job in definition.jobs:
                    metrics.update(job.parse(execute(job.run_command(cpus, definition.seconds))))
                runs.append(metrics)
        finally:
            _clean_up(definition, workspace.path)
    return result(definition, runs, version, commands, time.monotonic() - started)


def result(
    definition: BenchmarkDefinition, runs: list[dict[str, float]], version: str, commands: list[str], seconds: float
) -> dict[str, Any]:
    """The module's result for these runs: each metric's mean beside the runs themselves."""
    metrics = {name: sum(run[name] for run in runs) / len(runs) for name in runs[0]}
    return {
        "metrics": metrics,
        "runs": runs,
        "seconds": round(seconds, 3),
        "version": version,
        "commands": commands,
        "warnings": [
            f"{name} is {value:.4f} ms, near to the 0.001 ms that {definition.tool.name} can tell apart: differences "
            "between configurations are lost in rounding. Give the test heavier operations: a larger block_size_kib"
            for name, value in metrics.items()
            if name.endswith("_ms") and "_p95_" in name and value < COARSE_LATENCY_MS
        ],
    }


def planned_commands(definition: BenchmarkDefinition, cpus: int) -> list[str]:
    """The commands that `measure` would run on a machine with this many CPUs online, in order."""
    commands = [job.prepare_command() for job in definition.jobs]
    if definition.warmup_seconds:
        commands += [job.run_command(cpus, definition.warmup_seconds) for job in definition.jobs]
    for _repeat in range(definition.repeats):
        commands += [job.run_command(cpus, definition.seconds) for job in definition.jobs]
    return [shlex.join(command) for command in commands if command]


def online_cpus() -> int:
    """The CPUs that this process may use now; a hot-plugged one counts from the moment it is online."""
    return len(os.sched_getaffinity(0))


def _require_program(definition: BenchmarkDefinition) -> None:
    tool = definition.tool
    if shutil.which(tool.program) is None:
        raise InfrastructureError(
            f"the program {tool.program} is not on this machine. Install the package {tool.package}, or run the role "
            "evolve.vm.benchmark with tasks_from: install"
        )


def _clean_up(definition: BenchmarkDefinition, directory: str) -> None:
    deadline = Deadline(_CLEANUP_SECONDS)
    for job in definition.jobs:
        command = job.cleanup_command()
        if command:
            try:
                run(command, directory, deadline)
            except BenchmarkError:
                # The failure that brought us here, if any, is the one to be told; the folder is removed anyway.
                continue


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Turn the signals that end a process into an exception, so that what is running is cleaned up."""

    def end(number: int, _frame: Any) -> None:
        raise SystemExit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous):
            signal.signal(number, handler)
