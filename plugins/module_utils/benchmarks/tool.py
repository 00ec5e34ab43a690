# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam a benchmark tool plugs into: one Tool a program, one Job for each thing it measures.

A new tool is one file with a Tool and its Jobs, one with the pure parser of what it prints, and one line in `registry`.
Nothing else knows tools by name.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import ClassVar, Mapping, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.process import Completed
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section

TARGET = "{target}"
"""Stands in a definition for the address of the machine that is measured, as seen from where the benchmark runs."""
HOST = r"[^\s-]\S*"
"""What an address looks like in a definition: nothing that a program would take for an option."""
FAILURES = ("errors_total", "errors_percent", "lost_percent", "retransmits_total")
"""How the names of metrics end that count what failed: 0 is a good result."""


class Program(NamedTuple):
    """An executable that is needed, and Debian's package of it, or several; nothing where there can be none.

    library: it is a library of Python's, by this name.
    """

    name: str
    package: str
    library: str = ""

    @property
    def is_missing(self) -> bool:
        """Whether it is not on this machine."""
        return find_spec(self.library) is None if self.library else shutil.which(self.name) is None


class Server(NamedTuple):
    """What has to run on the measured machine meanwhile, and the TCP port on which it then answers."""

    command: list[str]
    port: int


class Shell(ABC):
    """What a job can do on the machine where the benchmark runs.

    folder: the job's working folder, empty at first and removed in the end; commands run in it, with `LC_ALL=C`.
    target: address of the machine that is measured; 127.0.0.1 where that is this one.
    cpus: CPUs that are online here. seed: for whatever the tool draws at random.
    """

    folder: str
    target: str
    cpus: int
    seed: int

    @abstractmethod
    def run(self, command: Sequence[str]) -> str:
        """The standard output of a command that ended with exit code 0. Raises BenchmarkError for any other end."""

    @abstractmethod
    def attempt(self, command: Sequence[str]) -> Completed:
        """A command that may end with any exit code. Raises BenchmarkError only where it does not end in time."""

    @abstractmethod
    def read(self, name: str) -> str:
        """The text of a file in the folder. Raises BenchmarkError where there is none."""

    @abstractmethod
    def write(self, name: str, text: str) -> None:
        """Make a file in the folder."""

    @abstractmethod
    def names(self) -> list[str]:
        """The files in the folder, sorted."""

    def addressed(self, text: str) -> str:
        """The text with the address of the measured machine in place of TARGET."""
        return text.replace(TARGET, self.target)


class Job(ABC):
    """One test of a tool with its options. It says what to run and reads what came out; a Shell runs it."""

    name: str
    """The test's name, as in the definition."""
    disk_mib: int = 0
    """Disk space that `prepare` and the runs take in the working folder."""
    programs: Sequence[Program] = ()
    """What is needed beside the tool's own program."""
    good_exit_codes: Sequence[int] = (0,)
    """Exit codes of a run whose output is worth reading."""

    @property
    @abstractmethod
    def metric_names(self) -> list[str]:
        """The metrics of a run, units in their names. A valid run has all of them, each a number of at least 0."""

    @abstractmethod
    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        """The command of one run of about `seconds`."""

    @abstractmethod
    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        """Metrics of the run that has just ended, out of its standard output, or of files that it left.

        Raises BenchmarkError for anything but a complete result.
        """

    def server(self) -> Server | None:
        """What has to run on the measured machine meanwhile, or None."""
        return None

    def prepare(self, shell: Shell) -> None:
        """Make what the runs need, the same for each measurement. In check mode every command gives an empty output."""
        return

    def clean_up(self, shell: Shell) -> None:
        """Remove what lies outside the working folder, which is removed anyway. Called also after a failure."""
        return


class Tool(ABC):
    """A benchmark program."""

    name: str
    """The name in the definition."""
    program: Program
    """What is looked for on the machine."""
    resolution_ms: float = 0.0
    """The smallest difference of latencies that it prints, in ms, where that is coarse."""
    METRICS: ClassVar[Mapping[str, str]]
    """What its metrics mean, by their names; `<test>` and the like stand for the parts that vary."""

    @abstractmethod
    def option_names(self) -> Sequence[str]:
        """The keys of a definition that belong to this tool."""

    @abstractmethod
    def jobs(self, section: Section) -> list[Job]:
        """The jobs that a definition asks for, in order; what is wrong in it is added to the section's faults."""

    @abstractmethod
    def version_command(self) -> list[str]:
        """The command that prints the version."""

    def not_understood(self, output: str, versions: str) -> InfrastructureError:
        """The error for a version that is none of `versions`."""
        return InfrastructureError(
            f"this {self.program.name} calls itself {output.strip()[:100]!r}; the output of {versions} is understood. "
            f"Install the {self.program.package} package of your distribution"
        )

    @abstractmethod
    def version(self, output: str) -> str:
        """The version out of what that command printed. Raises InfrastructureError if it is not understood."""
