# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of sysbench have in common."""

from __future__ import annotations

from abc import abstractmethod

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Shell

MAXIMUM_THREADS = 4096


class SysbenchJob(Job):
    """A test, with the options in its section. `threads` 0: as many as the machine has CPUs online."""

    option_names: tuple[str, ...]

    def __init__(self, section: Section) -> None:
        section.refuse_unknown(self.option_names)
        self.threads = section.integer("threads", 0, minimum=1, maximum=MAXIMUM_THREADS)

    @abstractmethod
    def options(self, shell: Shell) -> list[str]:
        """The options of the test itself."""

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        return [
            "sysbench",
            self.name,
            f"--threads={self.threads or shell.cpus}",
            f"--time={seconds}",
            f"--rand-seed={shell.seed}",
            "--percentile=95",
            # The summary rounds to 0.01 ms, which is 0.00 for most operations: the histogram says more.
            "--histogram=on",
            *self.options(shell),
            "run",
        ]
