# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to measure: `evolve_benchmark`, checked. A mapping describes one benchmark, a list of them several."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import DefinitionError, Fault
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.registry import TOOLS
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Program, Tool
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

GUEST = "guest"
"""The place of a benchmark that runs on the measured machine itself."""
GENERAL_OPTIONS = (
    *("name", "label", "place", "seconds", "warmup_seconds", "repeats"),
    *("cooldown_seconds", "seed", "timeout_seconds"),
)
DEFAULT_SECONDS = 10
DEFAULT_WARMUP_SECONDS = 3
DEFAULT_REPEATS = 2
_LABEL = r"[A-Za-z][A-Za-z0-9_-]{0,49}"


@dataclass(frozen=True)
class Benchmark:
    """One checked benchmark: every job is warmed up once, then run `repeats` times for `seconds`.

    place: where it runs: GUEST, or the name of a host in the inventory. prefix: begins the names of its metrics.
    cooldown_seconds: the pause before each run. timeout_seconds: bounds all of it, preparation included.
    """

    tool: Tool
    label: str
    prefix: str
    place: str
    jobs: tuple[Job, ...]
    seconds: int
    warmup_seconds: int
    repeats: int
    cooldown_seconds: int
    seed: int
    timeout_seconds: int

    @property
    def programs(self) -> list[Program]:
        """What has to be installed where it runs."""
        return [self.tool.program, *(program for job in self.jobs for program in job.programs)]

    @property
    def metric_names(self) -> list[str]:
        """The metrics that it yields."""
        return [self.prefix + name for job in self.jobs for name in job.metric_names]


@dataclass(frozen=True)
class BenchmarkDefinition:
    """Benchmarks that are run one after the other."""

    benchmarks: tuple[Benchmark, ...]

    @property
    def places(self) -> list[str]:
        """Where they run, in order, each once."""
        return list(dict.fromkeys(benchmark.place for benchmark in self.benchmarks))

    def elsewhere(self) -> list[Benchmark]:
        """Those that do not run on the measured machine itself."""
        return [benchmark for benchmark in self.benchmarks if benchmark.place != GUEST]

    def on(self, place: str) -> BenchmarkDefinition:
        """Those that run there."""
        return BenchmarkDefinition(tuple(b for b in self.benchmarks if b.place == place))


def parse_definition(content: Any, where: str = "evolve_benchmark") -> BenchmarkDefinition:
    """Check a definition. Raises DefinitionError (a BenchmarkError) with all faults; `where` is what they call it."""
    faults: list[Fault] = []
    if isinstance(content, (list, tuple)):
        if not content:
            faults.append(Fault(where, "the list is empty, expected a mapping, or a list of at least one"))
        places = [f"{where}[{number}]" for number in range(len(content))]
        found = [_benchmark(entry, place, faults, alone=False) for entry, place in zip(content, places)]
        labels = Counter(benchmark.label for benchmark in found if benchmark is not None)
        for label in (label for label, count in labels.items() if count > 1):
            faults.append(Fault(where, f"{label!r} is there {labels[label]} times; tell them apart by a `label` each"))
    else:
        found = [_benchmark(content, where, faults, alone=True)]
    if faults:
        raise DefinitionError(where, faults)
    return BenchmarkDefinition(tuple(benchmark for benchmark in found if benchmark is not None))


def metric_names(definition: BenchmarkDefinition) -> list[str]:
    """The metrics a run of this definition yields, so that an unknown goal is refused before anything runs."""
    return [name for benchmark in definition.benchmarks for name in benchmark.metric_names]


def _benchmark(content: Any, where: str, faults: list[Fault], alone: bool) -> Benchmark | None:
    """One benchmark; None where it has faults, which are added to the list."""
    before = len(faults)
    section = Section(content, where, faults)
    jobs: list[Job] = []
    name = section.content.get("name")
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is not None:
        section.refuse_unknown([*GENERAL_OPTIONS, *tool.option_names()])
        jobs = tool.jobs(section)
    elif len(faults) == before:
        found = f"found {name!r}" if "name" in section.content else "is missing"
        section.fault("name", f"{found}, expected one of {', '.join(TOOLS)}.{did_you_mean(str(name), TOOLS)}")
    label = section.text("label", str(name), _LABEL)
    place = section.text("place", GUEST)
    seconds = section.integer("seconds", DEFAULT_SECONDS, minimum=1)
    warmup_seconds = section.integer("warmup_seconds", DEFAULT_WARMUP_SECONDS, minimum=0)
    repeats = section.integer("repeats", DEFAULT_REPEATS, minimum=1)
    cooldown_seconds = section.integer("cooldown_seconds", 0, minimum=0)
    seed = section.integer("seed", 1, minimum=1)
    runs = len(jobs) * (repeats + (1 if warmup_seconds else 0))
    planned = len(jobs) * (warmup_seconds + repeats * seconds) + runs * cooldown_seconds
    # Twice the time and two minutes: files are prepared slowly on an emulated machine.
    timeout_seconds = section.integer("timeout_seconds", 2 * planned + 120, minimum=1)
    if len(faults) == before and timeout_seconds <= planned:
        section.fault(
            "timeout_seconds",
            f"found {timeout_seconds}, but the runs alone take {planned} s: {len(jobs)} tests of "
            f"{warmup_seconds} s warm-up and {repeats} x {seconds} s",
        )
    if len(faults) > before or tool is None:
        return None
    prefix = "" if alone else f"{label}."
    return Benchmark(
        tool,
        label,
        prefix,
        place,
        tuple(jobs),
        seconds,
        warmup_seconds,
        repeats,
        cooldown_seconds,
        seed,
        timeout_seconds,
    )
