# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any command as a benchmark: what it prints becomes metrics, as its user says.

In its words `{target}`, `{seconds}`, `{cpus}` and `{seed}` stand for the address of the measured machine, how long a
run takes, the CPUs that are online where it runs, and the seed.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar, Sequence
from typing import Mapping as MappingType

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import command_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.command_output import Mapping
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.tool import FAILURES, Job, Program, Shell, Tool

_NAME = r"[a-z][a-z0-9_]{0,99}"
_LARGEST_FACTOR = 1e12


class CommandJob(Job):
    """Commands as lists of words; those that prepare and clean up may be empty."""

    name = "command"

    def __init__(self, section: Section) -> None:
        self._command = section.command("command")
        self._prepare = section.command("prepare_command")
        self._clean_up = section.command("cleanup_command")
        self._mappings = _mappings(section)
        self.disk_mib = section.integer("disk_mib", 0, minimum=0)
        if not section.content.get("command"):
            section.fault("command", "is missing, expected what to run, such as: ./bench --seconds {seconds}")
        words = [command[0] for command in (self._command, self._prepare, self._clean_up) if command]
        programs = [Program(word, "") for word in dict.fromkeys(words) if "{" not in word]
        if any(mapping.path for mapping in self._mappings):
            programs.append(Program("python3-jmespath", "python3-jmespath", library="jmespath"))
        self.programs = programs

    @property
    def metric_names(self) -> list[str]:
        return [mapping.metric for mapping in self._mappings]

    def run_command(self, shell: Shell, seconds: int) -> list[str]:
        return _filled(self._command, shell, seconds)

    def metrics(self, output: str, shell: Shell) -> dict[str, float]:
        return command_output.metrics(output, self._mappings)

    def prepare(self, shell: Shell) -> None:
        if self._prepare:
            shell.run(_filled(self._prepare, shell, 0))

    def clean_up(self, shell: Shell) -> None:
        if self._clean_up:
            shell.run(_filled(self._clean_up, shell, 0))


class Command(Tool):
    """Any command."""

    name = "command"
    program = Program("sh", "dash")
    METRICS: ClassVar[MappingType[str, str]] = {"<name>": "what you call it, and what the command prints for it"}

    def option_names(self) -> Sequence[str]:
        return ["command", "prepare_command", "cleanup_command", "metrics", "disk_mib"]

    def jobs(self, section: Section) -> list[Job]:
        return [CommandJob(section)]

    def version_command(self) -> list[str]:
        return []

    def version(self, output: str) -> str:
        return self.name


def _mappings(section: Section) -> list[Mapping]:
    metrics = section.subsection("metrics")
    if not metrics.content and isinstance(section.content.get("metrics", {}), dict):
        expected = "expected at least one, such as: {throughput_per_second: {regex: 'rate: ([0-9.]+)'}}"
        section.fault("metrics", f"is missing, {expected}")
    found = []
    for name in metrics.content:
        Section({"name": name}, metrics.where, metrics.faults).text("name", "", _NAME)
        found.append(_mapping(str(name), metrics.subsection(name)))
    return found


def _mapping(name: str, entry: Section) -> Mapping:
    entry.refuse_unknown(["regex", "jmespath", "factor", "may_be_zero"])
    given: dict[str, Any] = {key: entry.content.get(key) for key in ("regex", "jmespath")}
    if sum(value is not None for value in given.values()) != 1:
        entry.fault(None, "expected either regex or jmespath")
    regex, path = (entry.text(key, "", r"(?s).+") for key in given)
    problem = command_output.fault_of(regex, path) if regex or path else None
    if problem:
        entry.fault("regex" if regex else "jmespath", problem)
    factor = entry.number("factor", 1.0, 1 / _LARGEST_FACTOR, _LARGEST_FACTOR)
    return Mapping(name, regex, path, factor, entry.flag("may_be_zero", name.endswith(FAILURES)))


def _filled(command: Sequence[str], shell: Shell, seconds: int) -> list[str]:
    values = {"{seconds}": str(seconds), "{cpus}": str(shell.cpus), "{seed}": str(shell.seed)}
    filled = []
    for word in map(shell.addressed, command):
        for name, value in values.items():
            word = word.replace(name, value)
        filled.append(os.path.expanduser(word) if word.startswith("~") else word)
    return filled
