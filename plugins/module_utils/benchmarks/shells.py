# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shells that jobs are given: one that runs their commands, and one for check mode that only takes them down."""

from __future__ import annotations

import os
import shlex
from typing import Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.process import (
    Completed,
    Deadline,
    require_good,
    run,
)
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Shell

LOOPBACK = "127.0.0.1"


def online_cpus() -> int:
    """The CPUs that this process may use now; a hot-plugged one counts from the moment it is online."""
    return len(os.sched_getaffinity(0))


class RunningShell(Shell):
    """Runs commands in a folder until the deadline; `commands` is what was run, in order."""

    def __init__(self, folder: str, target: str, seed: int, deadline: Deadline, commands: list[str]) -> None:
        self.folder = folder
        self.target = target
        self.seed = seed
        self.cpus = online_cpus()
        self._deadline = deadline
        self._commands = commands

    def run(self, command: Sequence[str]) -> str:
        return require_good(command, self.attempt(command))

    def attempt(self, command: Sequence[str]) -> Completed:
        self._commands.append(shlex.join(command))
        return run(command, self.folder, self._deadline)

    def read(self, name: str) -> str:
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError as error:
            raise BenchmarkError(f"the benchmark left no file {name}: {error.strerror}") from error

    def write(self, name: str, text: str) -> None:
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def names(self) -> list[str]:
        return sorted(os.listdir(self.folder))


class PlannedShell(Shell):
    """Runs nothing: every command ends well, and prints nothing."""

    def __init__(self, target: str, seed: int, cpus: int) -> None:
        self.folder = "."
        self.target = target
        self.seed = seed
        self.cpus = cpus
        self.commands: list[str] = []

    def run(self, command: Sequence[str]) -> str:
        return self.attempt(command).output

    def attempt(self, command: Sequence[str]) -> Completed:
        self.commands.append(shlex.join(command))
        return Completed(0, "", "")

    def read(self, name: str) -> str:
        return ""

    def write(self, name: str, text: str) -> None:
        return

    def names(self) -> list[str]:
        return []
