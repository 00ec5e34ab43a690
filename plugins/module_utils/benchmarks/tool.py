# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam a benchmark tool plugs into: one Tool a program, one Job for each thing it measures.

A new tool is one file with a Tool and its Jobs, and one line in `registry`. Nothing else knows tools by name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section


class Job(ABC):
    """One test of a tool with its options. It says what to run and reads what came out; it runs nothing itself.

    Commands start with the tool's program and run in an empty working folder, with `LC_ALL=C`.
    """

    #: The test's name, as in the definition.
    name: str
    #: Disk space that `prepare_command` takes in the working folder.
    disk_mib: int = 0

    @property
    @abstractmethod
    def metric_names(self) -> list[str]:
        """The metrics that `parse` returns, units in their names; each is a positive number in a valid run."""

    @abstractmethod
    def run_command(self, online_cpus: int, seconds: int) -> list[str]:
        """The command of one run of about `seconds`."""

    @abstractmethod
    def parse(self, output: str) -> dict[str, float]:
        """Metrics of one run out of its standard output. Raises BenchmarkError for anything but a complete result."""

    def prepare_command(self) -> list[str] | None:
        """The command that makes what the runs need, or None."""
        return None

    def cleanup_command(self) -> list[str] | None:
        """The command that removes what lies outside the working folder, or None; the folder is removed anyway."""
        return None


class Tool(ABC):
    """A benchmark program."""

    #: The name in the definition.
    name: str
    #: The executable that is looked for on the machine.
    program: str
    #: The package that holds it, to be named in messages.
    package: str

    @abstractmethod
    def option_names(self) -> Sequence[str]:
        """The keys of a definition that belong to this tool."""

    @abstractmethod
    def jobs(self, section: Section) -> list[Job]:
        """The jobs that a definition asks for, in order; what is wrong in it is added to the section's faults."""

    @abstractmethod
    def version_command(self) -> list[str]:
        """The command that prints the version."""

    @abstractmethod
    def version(self, output: str) -> str:
        """The version out of that command's output. Raises InfrastructureError if this version is not understood."""
