# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring a machine: prepare, warm up, run, parse, clean up."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager, suppress
from typing import Any, Dict, Iterable, Iterator, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.definition import Benchmark, BenchmarkDefinition
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.early_abort import EarlyAbort
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import (
    BenchmarkError,
    HopelessError,
    InfrastructureError,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.process import Deadline, require_good
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.serving import served
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.shells import LOOPBACK, PlannedShell, RunningShell
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Program, Shell
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.workspace import Workspace

_CLEANUP_SECONDS = 30
#: A latency below this many times the tool's resolution is too coarse to compare configurations by.
COARSE = 10

Metrics = Dict[str, float]


class Outcome(NamedTuple):
    """What one benchmark gave: the metrics of each run, by their full names; why it was cut short, if it was.

    began, ended: when the first run did and the last, by time.monotonic(); the warm-up is none of them.
    resolution_ms: the smallest difference of latencies that its tool prints; 0 where that is no concern.
    """

    runs: list[Metrics]
    version: str
    began: float
    ended: float
    cut_short: str = ""
    resolution_ms: float = 0.0


def measure(
    definition: BenchmarkDefinition, directory: str, target: str = LOOPBACK, early_abort: EarlyAbort | None = None
) -> dict[str, Any]:
    """Run benchmarks on this machine, their files in `directory`, and return what the module returns.

    target: address of the machine that is measured, where it is another one.

    Raises BenchmarkError (`failure_class` says which kind) if there is no complete, plausible result. In the end,
    however it comes, no process of the benchmark is running and no file of it is left.
    """
    started = time.monotonic()
    for benchmark in definition.benchmarks:
        _require_programs(benchmark)
    commands: list[str] = []
    outcomes = []
    with _ending_on_signals():
        for benchmark in definition.benchmarks:
            with Workspace(directory) as workspace:
                elapsed = time.monotonic() - started
                outcomes.append(_Measurement(benchmark, workspace, target, commands, early_abort, elapsed).outcome())
            if outcomes[-1].cut_short:
                break
    if len(outcomes) < len(definition.benchmarks):
        raise HopelessError(
            f"the benchmark was cut short {outcomes[-1].cut_short}; the benchmarks after it were not run"
        )
    return result(outcomes, commands, started)


def result(outcomes: list[Outcome], commands: list[str], started: float) -> dict[str, Any]:
    """The module's result: each metric's mean beside the runs themselves. started: by time.monotonic()."""
    present = time.monotonic()
    window = min(outcome.began for outcome in outcomes), max(outcome.ended for outcome in outcomes)
    longest = max(len(outcome.runs) for outcome in outcomes)
    runs = [
        {name: value for outcome in outcomes for name, value in (outcome.runs[number : number + 1] or [{}])[0].items()}
        for number in range(longest)
    ]
    metrics = {}
    for name in (name for outcome in outcomes for name in outcome.runs[0]):
        values = [run[name] for run in runs if name in run]
        metrics[name] = sum(values) / len(values)
    return {
        "metrics": metrics,
        "runs": runs,
        "seconds": round(present - started, 3),
        "window_seconds_ago": [round(present - moment, 3) for moment in window],
        "version": ", ".join(dict.fromkeys(outcome.version for outcome in outcomes)),
        "commands": commands,
        "cut_short": outcomes[-1].cut_short,
        "warnings": [
            f"{name} is {metrics[name]:.4f} ms, near to the {outcome.resolution_ms:g} ms that {outcome.version} tells "
            "apart: differences between configurations are lost in rounding. Give the test heavier operations"
            for outcome in outcomes
            for name in outcome.runs[0]
            if "_p95_" in name and metrics[name] < COARSE * outcome.resolution_ms
        ],
    }


def planned_commands(definition: BenchmarkDefinition, cpus: int, target: str = LOOPBACK) -> list[str]:
    """The commands that `measure` would run on a machine with this many CPUs online, in order."""
    commands = []
    for benchmark in definition.benchmarks:
        shell = PlannedShell(target, benchmark.seed, cpus)
        for job in benchmark.jobs:
            job.prepare(shell)
        warm_up = [benchmark.warmup_seconds] if benchmark.warmup_seconds else []
        for seconds in [*warm_up, *[benchmark.seconds] * benchmark.repeats]:
            for job in benchmark.jobs:
                shell.run(job.run_command(shell, seconds))
        commands += shell.commands
    return commands


def planned_result(definition: BenchmarkDefinition, cpus: int, target: str = LOOPBACK) -> dict[str, Any]:
    """The module's result in check mode."""
    commands = planned_commands(definition, cpus, target)
    return {"metrics": {}, "runs": [], "seconds": 0.0, "version": "", "commands": commands, "cut_short": ""}


def missing_programs(programs: Iterable[Program]) -> list[Program]:
    """Those that are not on this machine, each once."""
    return list(dict.fromkeys(program for program in programs if program.is_missing))


class _Measurement:
    """One benchmark, measured once in a folder of its own. elapsed: what others took before, in seconds."""

    def __init__(
        self,
        benchmark: Benchmark,
        workspace: Workspace,
        target: str,
        commands: list[str],
        early_abort: EarlyAbort | None,
        elapsed: float,
    ) -> None:
        self._benchmark = benchmark
        self._workspace = workspace
        self._early_abort = early_abort
        self._commands = commands
        left = early_abort.seconds - elapsed if early_abort is not None and early_abort.seconds is not None else None
        self._deadline = Deadline(benchmark.timeout_seconds, left)
        self._shell = RunningShell(workspace.path, target, benchmark.seed, self._deadline, commands)

    def outcome(self) -> Outcome:
        benchmark = self._benchmark
        version = self._version()
        self._workspace.require_space(sum(job.disk_mib for job in benchmark.jobs))
        try:
            with served(benchmark.jobs, self._shell):
                for job in benchmark.jobs:
                    job.prepare(self._shell)
                warming = time.monotonic()
                warm = self._warm_up() if benchmark.warmup_seconds else {}
                began = time.monotonic()
                runs, cut_short = self._runs(warm)
                ended = time.monotonic()
                if runs == [warm]:
                    began = warming
        finally:
            _clean_up(benchmark, self._workspace.path, self._shell)
        return Outcome(runs, version, began, ended, cut_short, benchmark.tool.resolution_ms)

    def _runs(self, warm: Metrics) -> tuple[list[Metrics], str]:
        """The metrics of each run, and why they are fewer than were asked for. warm: what the warm-up gave."""
        runs: list[Metrics] = []
        is_complete = len(warm) == len(self._benchmark.metric_names)
        hopeless = self._early_abort.reason(warm) if self._early_abort and is_complete else None
        if hopeless:
            return [warm], f"after the warm-up: {hopeless}"
        for number in range(1, self._benchmark.repeats + 1):
            metrics = {}
            for job in self._benchmark.jobs:
                metrics.update(self._read(job, self._output(job, self._benchmark.seconds)))
            runs.append(metrics)
            if self._early_abort and (cut := self._early_abort.after_run(number, self._benchmark.repeats, metrics)):
                return runs, cut
        return runs, ""

    def _warm_up(self) -> Metrics:
        """What it gives, as far as it can be read; that it must end well is all that is asked of it.

        The first run after a boot is 20-25 % low: it is made, and thrown away.
        """
        metrics: Metrics = {}
        for job in self._benchmark.jobs:
            output = self._output(job, self._benchmark.warmup_seconds)
            with suppress(BenchmarkError):
                metrics.update(self._read(job, output))
        return metrics

    def _output(self, job: Job, seconds: int) -> str:
        time.sleep(min(self._benchmark.cooldown_seconds, self._deadline.remaining_seconds()))
        command = job.run_command(self._shell, seconds)
        done = self._shell.attempt(command)
        return require_good(command, done, job.good_exit_codes)

    def _read(self, job: Job, output: str) -> Metrics:
        found = job.metrics(output, self._shell)
        if list(found) != job.metric_names:
            raise BenchmarkError(f"{job.name} gave {', '.join(found) or 'nothing'}, not {', '.join(job.metric_names)}")
        return {self._benchmark.prefix + name: value for name, value in found.items()}

    def _version(self) -> str:
        command = self._benchmark.tool.version_command()
        if not command:
            return self._benchmark.tool.version("")
        shell = RunningShell(self._workspace.path, LOOPBACK, 1, self._deadline, [])
        # Some print it to standard error, some end with 1 for lack of anything else to do.
        done = shell.attempt(command)
        return self._benchmark.tool.version(done.output + done.errors)


def _require_programs(benchmark: Benchmark) -> None:
    for program in missing_programs(benchmark.programs):
        package = f"the package {program.package.replace(' ', ' and the package ')}" if program.package else "it"
        role = ", or run the role evolve.vm.benchmark with tasks_from: install" if program.package else ""
        raise InfrastructureError(f"the program {program.name} is not on this machine. Install {package}{role}")


def _clean_up(benchmark: Benchmark, folder: str, shell: Shell) -> None:
    last = RunningShell(folder, shell.target, shell.seed, Deadline(_CLEANUP_SECONDS), [])
    for job in benchmark.jobs:
        try:
            job.clean_up(last)
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
