# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to measure: the `evolve_benchmark` mapping, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import DefinitionError, Fault
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.registry import TOOLS
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Tool
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

GENERAL_OPTIONS = ("name", "seconds", "warmup_seconds", "repeats", "timeout_seconds")
DEFAULT_SECONDS = 10
DEFAULT_WARMUP_SECONDS = 3
DEFAULT_REPEATS = 2


@dataclass(frozen=True)
class BenchmarkDefinition:
    """A checked definition: every job is warmed up once, then run `repeats` times for `seconds`.

    `timeout_seconds` bounds all of it, preparation included.
    """

    tool: Tool
    jobs: tuple[Job, ...]
    seconds: int
    warmup_seconds: int
    repeats: int
    timeout_seconds: int


def parse_definition(content: Any, where: str = "evolve_benchmark") -> BenchmarkDefinition:
    """Check a definition. Raises DefinitionError (a BenchmarkError) with all faults; `where` is what they call it."""
    faults: list[Fault] = []
    section = Section(content, where, faults)
    jobs: list[Job] = []
    name = section.content.get("name")
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is not None:
        section.refuse_unknown([*GENERAL_OPTIONS, *tool.option_names()])
        jobs = tool.jobs(section)
    elif not faults:
        found = f"found {name!r}" if "name" in section.content else "is missing"
        section.fault("name", f"{found}, expected one of {', '.join(TOOLS)}.{did_you_mean(str(name), TOOLS)}")

    seconds = section.integer("seconds", DEFAULT_SECONDS, minimum=1)
    warmup_seconds = section.integer("warmup_seconds", DEFAULT_WARMUP_SECONDS, minimum=0)
    repeats = section.integer("repeats", DEFAULT_REPEATS, minimum=1)
    planned = len(jobs) * (warmup_seconds + repeats * seconds)
    # Twice the time and two minutes: files are prepared slowly on an emulated machine.
    timeout_seconds = section.integer("timeout_seconds", 2 * planned + 120, minimum=1)
    if not faults and timeout_seconds <= planned:
        section.fault(
            "timeout_seconds",
            f"found {timeout_seconds}, but the runs alone take {planned} s: {len(jobs)} tests of "
            f"{warmup_seconds} s warm-up and {repeats} x {seconds} s",
        )
    if faults or tool is None:
        raise DefinitionError(where, faults)
    return BenchmarkDefinition(tool, tuple(jobs), seconds, warmup_seconds, repeats, timeout_seconds)


def metric_names(definition: BenchmarkDefinition) -> list[str]:
    """The metrics a run of this definition yields, so that an unknown goal is refused before anything runs."""
    return [name for job in definition.jobs for name in job.metric_names]
