# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes of a sampler: what the user wrote, checked as a whole, and the probe of each machine made of it."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import Fault
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.section import Section
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.command import Command
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.http import Http
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.icmp import Icmp
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.interface import TARGET, Probe, ProbeFault
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.redis import Redis
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.sql import Sql
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.tcp import Tcp

KINDS: dict[str, type[Probe]] = {
    "icmp": Icmp,
    "tcp": Tcp,
    "http": Http,
    "sql": Sql,
    "redis": Redis,
    "command": Command,
}
_COMMON = ("kind", "name", "timeout_seconds")
_MOST_TIMEOUT_SECONDS = 600.0
_USUAL_TIMEOUT_SECONDS = 5.0
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


class ProbeDefinition(NamedTuple):
    """One probe, before it is about a machine. tag: what tells its points from those of other probes, or nothing."""

    tag: str
    is_network: bool
    timeout_seconds: float
    options: Mapping[str, Any]

    def needs_address(self) -> bool:
        """Whether it is about the machine's address."""
        if "host" in KINDS[self.options["kind"]].OPTIONS and not {"host", "socket"} & set(self.options):
            return True
        return any(_addressed(value, "") != value for value in self.options.values())

    def probe_of(self, address: str) -> Probe:
        """The probe of the machine with this address."""
        return _probe(self.options, address, "probe", [])


def read_probes(given: Sequence[Any], interval_seconds: float, faults: list[Fault]) -> list[ProbeDefinition]:
    """The probes that a list describes; what is wrong is added to `faults`."""
    definitions: dict[int, ProbeDefinition] = {}
    for number, content in enumerate(given):
        section = Section(content, f"probes[{number}]", faults)
        options = {str(name): value for name, value in section.content.items() if value is not None}
        section.content = options
        if "kind" not in options:
            section.fault("kind", f"is missing; expected one of {', '.join(KINDS)}.")
            continue
        kind = section.choice("kind", "", list(KINDS))
        if not kind:
            continue
        section.refuse_unknown([*_COMMON, *KINDS[kind].OPTIONS])
        usual = min(interval_seconds, _USUAL_TIMEOUT_SECONDS)
        timeout = section.number("timeout_seconds", usual, 0.01, _MOST_TIMEOUT_SECONDS)
        name = section.text("name", "", _NAME)
        # An address like any other, to see whether the options are right.
        probe = _probe(options, "127.0.0.1", section.where, faults)
        definitions[number] = ProbeDefinition(name, probe.is_network, timeout, options)
    return _with_tags(definitions, faults)


def check_probes(definitions: Sequence[ProbeDefinition], addresses: Sequence[str]) -> list[Fault]:
    """Why probes cannot work on this machine. addresses: those they will be about."""
    faults = []
    for number, definition in enumerate(definitions):
        try:
            definition.probe_of(addresses[0] if addresses else "127.0.0.1").check()
        except ProbeFault as error:
            faults.append(Fault(f"probes[{number}]", str(error)))
    return faults


def _with_tags(definitions: Mapping[int, ProbeDefinition], faults: list[Fault]) -> list[ProbeDefinition]:
    """Those of the same metrics told apart: a probe without a name is called by its kind where there are several."""
    result = []
    taken: dict[tuple[bool, str], int] = {}
    for number, definition in definitions.items():
        alone = sum(other.is_network == definition.is_network for other in definitions.values()) == 1
        tag = definition.tag or ("" if alone else str(definition.options["kind"]))
        if (definition.is_network, tag) in taken:
            faults.append(
                Fault(
                    f"probes[{number}].name",
                    f"is {tag}, as of probes[{taken[definition.is_network, tag]}]; give each a name of its own",
                )
            )
        taken[definition.is_network, tag] = number
        result.append(definition._replace(tag=tag))
    return result


def _probe(options: Mapping[str, Any], address: str, where: str, faults: list[Fault]) -> Probe:
    kind = KINDS[options["kind"]]
    own = {name: _addressed(options[name], address) for name in kind.OPTIONS if name in options}
    return kind(Section(own, where, faults), address)


def _addressed(value: Any, address: str) -> Any:
    if isinstance(value, str):
        return value.replace(TARGET, address)
    if isinstance(value, (list, tuple)):
        return [_addressed(each, address) for each in value]
    return value
