# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stress-ng 0.13 and later: how often one kind of work is done in a second, one stressor after the other."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import stress_ng_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import Job, Program, Shell, Tool
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

DEFAULT_STRESSORS = ("cpu", "memcpy", "switch")
MAXIMUM_WORKERS = 4096
_NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_REPORT = "stress-ng.yaml"
_OLDEST_MINOR = 13


class Stressor(Job):
    """One stressor. arguments: its own options with their values. workers 0: as many as there are CPUs online."""

    def __init__(self, name: str, workers: int, arguments: Sequence[str]) -> None:
        self.name = name
        self.workers = workers
        self.arguments = list(arguments)

    @property
    def metric_names(self) -> list[str]:
        return [f"{self.name.replace('-', '_')}_operations_per_second"]

    def prepare(self, shell: Shell) -> None:
        # Which stressors there are depends on the version. Check mode answers with nothing.
        known = shell.run(["stress-ng", "--stressors"]).split()
        if known and self.name not in known:
            raise InfrastructureError(
                f"the stress-ng of this machine has no stressor {self.name!r}.{did_you_mean(self.name, known)} "
                "`stress-ng --stressors` lists what it has"
            )

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        # Where stress-ng skips a stressor it ends well and writes nothing: the last run's report must not be left.
        shell.write(_REPORT, "")
        return [
            "stress-ng",
            f"--{self.name}",
            str(self.workers or shell.cpus),
            *self.arguments,
            "--timeout",
            f"{seconds}s",
            "--seed",
            str(shell.seed),
            "--metrics",
            "--yaml",
            _REPORT,
        ]

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return stress_ng_output.metrics(shell.read(_REPORT), self.name, self.metric_names[0])


class StressNg(Tool):
    """The stress-ng program.

    stressors: what to run, in order, each for `seconds`. workers: processes of each. arguments: options of stressors
    without their dashes, for example `vm-bytes: 64M`; those of a stressor begin with its name.
    """

    name = "stress-ng"
    program = Program("stress-ng", "stress-ng")
    METRICS: ClassVar[Mapping[str, str]] = {
        "<stressor>_operations_per_second": "passes of the stressor, its `bogo operations`, all workers together; "
        "comparable only within one version of stress-ng. A dash in its name is an underscore here"
    }

    def option_names(self) -> Sequence[str]:
        return ["stressors", "workers", "arguments"]

    def jobs(self, section: Section) -> list[Job]:
        names = _names(section)
        workers = section.integer("workers", 0, minimum=1, maximum=MAXIMUM_WORKERS)
        arguments = _arguments(section.subsection("arguments"), names)
        return [Stressor(name, workers, arguments[name]) for name in names]

    def version_command(self) -> list[str]:
        return ["stress-ng", "--version"]

    def version(self, output: str) -> str:
        found = re.match(r"stress-ng, version (0\.(\d{1,3})\.\d+\S*)", output)
        if not found or int(found.group(2)) < _OLDEST_MINOR:
            raise self.not_understood(output, f"stress-ng 0.{_OLDEST_MINOR} and later")
        return f"stress-ng {found.group(1)}"


def _names(section: Section) -> list[str]:
    """The stressors. Which of them exist, only the machine knows."""
    value = section.content.get("stressors")
    if value is None:
        return list(DEFAULT_STRESSORS)
    if not isinstance(value, (list, tuple)) or not value:
        section.fault("stressors", f"found {value!r}, expected a list such as {', '.join(DEFAULT_STRESSORS)}")
        return []
    names: list[str] = []
    for name in value:
        if not isinstance(name, str) or not re.fullmatch(_NAME, name):
            section.fault("stressors", f"found {name!r}, expected the name of a stressor, such as cpu or sem-sysv")
        elif name in names:
            section.fault("stressors", f"{name!r} is listed twice")
        else:
            names.append(str(name))
    return names


def _arguments(section: Section, names: Sequence[str]) -> dict[str, list[str]]:
    """The options of each stressor as words of a command."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for key, value in section.content.items():
        # The longest one: "vm-rw-bytes" is an option of vm-rw, not of vm.
        owners = sorted((name for name in names if str(key).startswith(f"{name}-")), key=len)
        if not re.fullmatch(_NAME, str(key)) or not owners:
            section.fault(
                str(key), "unknown option, expected one that begins with the name of a stressor and a dash, as vm-bytes"
            )
            continue
        word = _word(value)
        if word is None:
            section.fault(str(key), f"found {value!r}, expected a text, a number, or true for an option without value")
            continue
        found[owners[-1]] += [f"--{key}", *([word] if word else [])]
    return found


def _word(value: Any) -> str | None:
    """An option's value; empty for an option without one, None for what cannot be one."""
    if value is True:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.,:%_/][A-Za-z0-9.,:%_/-]*", value) else None
