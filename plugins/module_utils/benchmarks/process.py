# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one command of a benchmark: bounded in time, and never left running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import (
    BenchmarkError,
    HopelessError,
    InfrastructureError,
    last_lines,
)


class Completed(NamedTuple):
    """A command that ended: its exit code (negative: the signal that killed it) and what it printed."""

    code: int
    output: str
    errors: str


class Deadline:
    """The moment at which a benchmark has taken too long.

    timeout_seconds: it failed then. hopeless_seconds: it is not worth waiting any longer, where that comes first.
    """

    def __init__(self, timeout_seconds: float, hopeless_seconds: float | None = None) -> None:
        self.is_hopeless = hopeless_seconds is not None and hopeless_seconds < timeout_seconds
        seconds = hopeless_seconds if hopeless_seconds is not None and self.is_hopeless else timeout_seconds
        self.seconds = max(0.0, seconds)
        self._end = time.monotonic() + self.seconds

    def remaining_seconds(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self._end - time.monotonic())

    def passed(self, command: Sequence[str]) -> BenchmarkError:
        """The error for a command that was still running."""
        during = f"during: {' '.join(command)}"
        if self.is_hopeless:
            return HopelessError(
                f"it was cut short after {self.seconds:.0f} s, far more than the baseline takes, {during}"
            )
        return BenchmarkError(f"the benchmark was stopped after timeout_seconds ({self.seconds:g} s), {during}")


def run(command: Sequence[str], directory: str, deadline: Deadline) -> Completed:
    """Run a command to its end; kill it with all its children at the deadline or when this process is told to stop.

    Raises BenchmarkError at the deadline, InfrastructureError if the program does not start.
    """
    try:
        process = subprocess.Popen(
            list(command),
            cwd=directory,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise InfrastructureError(f"{command[0]} does not start: {error.strerror or error}") from error
    try:
        output, errors = process.communicate(timeout=deadline.remaining_seconds())
    except subprocess.TimeoutExpired:
        raise deadline.passed(command) from None
    finally:
        _kill_group(process)
    return Completed(process.returncode, _text(output), _text(errors))


def require_good(command: Sequence[str], done: Completed, good: Sequence[int] = (0,)) -> str:
    """The standard output of a command that ended with a good exit code; raises BenchmarkError for any other end."""
    if done.code in good:
        return done.output
    if done.code < 0:
        how = f"was killed by signal {-done.code}"
        if done.code == -signal.SIGKILL:
            how += " (out of memory?)"
    else:
        how = f"ended with exit code {done.code}"
    raise BenchmarkError(f"{' '.join(command)} {how}.{last_lines(done.output + done.errors)}")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # Not only after a timeout: a child that outlives the command would disturb what is measured next.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
