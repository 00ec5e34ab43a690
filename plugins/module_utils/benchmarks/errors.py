# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with a benchmark, and whose fault it is."""

from __future__ import annotations

from typing import NamedTuple, Sequence

_LAST_LINES = 5
_LONGEST_LINE = 200


class Fault(NamedTuple):
    """One thing wrong in a definition: `where` is the key as written, `problem` what was found and what is accepted."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class BenchmarkError(Exception):
    """The benchmark gave no number that can be trusted. `failure_class` is one of DESIGN.md 5."""

    failure_class = "measurement"


class InfrastructureError(BenchmarkError):
    """The benchmark could not run here, whatever the configuration: tool missing, no disk space, folder in use."""

    failure_class = "infrastructure"


class HopelessError(BenchmarkError):
    """The benchmark was not finished because the configuration is so bad that it is not worth it."""

    failure_class = "configuration"


class DefinitionError(BenchmarkError):
    """The benchmark's definition is wrong; `faults` holds everything that is wrong with it."""

    def __init__(self, where: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join([f"{count} in {where}:", *(f"  - {fault}" for fault in self.faults)]))


def last_lines(output: str) -> str:
    """How an output ends, as the last sentence of a message."""
    lines = [line.rstrip()[:_LONGEST_LINE] for line in output.splitlines() if line.strip()][-_LAST_LINES:]
    if not lines:
        return " Its output is empty."
    printable = ["".join(letter if letter.isprintable() else "?" for letter in line) for line in lines]
    return " Its output ends with:\n  " + "\n  ".join(printable)
